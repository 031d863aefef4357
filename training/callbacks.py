"""Seeding before and checkpoints after each epoch."""

import math
import time
from collections.abc import Sequence

import keras
import numpy as np

from training.console import UserError
from training.data.batches import EpochBatches
from training.run_folder import Row, RunFolder

_DROPOUT_STREAM = 3  # keeps dropout independent of the order of an epoch without augmentation


class Epochs(keras.callbacks.Callback):
    """Seed each epoch from the run's seed and the epoch's number, and save a checkpoint after it.

    `PyDataset.on_epoch_end` also fires before the first epoch, so it cannot be used to count.

    Attributes:
        rows: Metrics of each epoch so far, including those before a resume.
    """

    def __init__(
        self, batches: EpochBatches, seed: int, run: RunFolder, rows: Sequence[Row]
    ) -> None:
        super().__init__()
        self.rows = list(rows)
        self._batches = batches
        self._seed = seed
        self._run = run
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras' signature
        """Set the order of the images and the dropout seeds, which checkpoints do not hold."""
        self._batches.epoch = epoch
        random = np.random.default_rng([self._seed, _DROPOUT_STREAM, epoch])
        for variable in self.model.non_trainable_variables:
            if variable.name == "seed_generator_state":
                variable.assign(random.integers(2**32, size=variable.shape, dtype=np.uint32))
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the checkpoint and the history, unless training has diverged."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        if not all(map(math.isfinite, measured.values())):
            raise UserError(
                f"the training diverged in epoch {epoch + 1}: the loss is not finite. "
                "Lower the recipe's learning rate"
            )
        seconds = round(time.monotonic() - self._started, 1)
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, **measured})
        # In this order: a run resumed from the last checkpoint does not write the history again.
        self._run.write_history(self.rows)
        self._run.save_checkpoint(self.model, self.rows)
