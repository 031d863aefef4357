"""What is around each epoch: seeds, checkpoints, and whole lines in a log."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from training.console import UserError
from training.data.batches import EpochBatches
from training.run_folder import Row, RunFolder

_DROPOUT_STREAM = 3  # without augmentation, keeps dropout apart from the order of an epoch


class Epochs(keras.callbacks.Callback):
    """Make all that is random in an epoch follow from the seed and its number, and keep its state.

    Keras' own end-of-epoch hook of data sets also fires before the first epoch and cannot count.

    Attributes:
        rows: What each epoch so far measured, those of an earlier start included.
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

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras' form
        """Set the order of the images, and dropout's seeds, which no checkpoint holds."""
        self._batches.epoch = epoch
        random = np.random.default_rng([self._seed, _DROPOUT_STREAM, epoch])
        for variable in self.model.non_trainable_variables:
            if variable.name == "seed_generator_state":
                variable.assign(random.integers(2**32, size=variable.shape, dtype=np.uint32))
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write state and history, unless there is nothing worth keeping any more."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        if not all(map(math.isfinite, measured.values())):
            raise UserError(
                f"the training diverged in epoch {epoch + 1}: its loss is no number any more. "
                "Lower the learning rate of the recipe"
            )
        seconds = round(time.monotonic() - self._started, 1)
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, **measured})
        # In this order: once the last checkpoint is complete nobody comes back to the history.
        self._run.write_history(self.rows)
        self._run.save_checkpoint(self.model, self.rows)


@contextmanager
def whole_lines() -> Iterator[None]:
    """End the progress bar's line before anything is said about why the training stopped."""
    try:
        yield
    except (OSError, UserError, KeyboardInterrupt):
        print(flush=True)
        raise
