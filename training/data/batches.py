"""Batches for training: MNIST's digits unchanged, or augmented and mixed with non-digits."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from digits.networks import NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from training.augmentation import Augmentation, augment
from training.augmentation.non_digits import non_digit
from training.data.mnist import as_input

_ORDER_STREAM = 2  # keeps the order independent of the split without augmentation


class EpochBatches(keras.utils.PyDataset):
    """Batches for Keras that depend only on the seed, the epoch and their index.

    A resumed run therefore sees the same batches as an uninterrupted one.

    Attributes:
        epoch: The current epoch, from 0; set by the training.
    """

    def __init__(  # noqa: PLR0913 - what a batch depends on
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.uint8],
        batch_size: int,
        seed: int,
        parts: Augmentation | None = None,
        *,
        encode: Callable[[npt.NDArray[np.integer]], npt.NDArray[Any]] = np.asarray,
    ) -> None:
        """Store the digits; batches are generated on access.

        Args:
            images: `(N, 28, 28)` uint8, 0 paper, 255 full ink.
            labels: `(N,)` uint8, 0 to 9.
            batch_size: Samples per batch, non-digits included; the last batch may have fewer.
            seed: Determines order and augmentation together with the epoch.
            parts: What to augment, and how many non-digits to add; None for unchanged images.
            encode: Converts `(batch,)` labels for the loss.
        """
        super().__init__(workers=2, max_queue_size=16)
        self.epoch = 0
        self._encode = encode
        self._images, self._labels, self._seed, self._parts = images, labels, seed, parts
        self._non_digits = round(batch_size * parts.non_digits) if parts else 0
        self._digits = batch_size - self._non_digits

    def __len__(self) -> int:
        """Return the number of batches in an epoch, which contains each digit once."""
        return math.ceil(len(self._images) / self._digits)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Generate one batch of the epoch.

        Returns:
            `(batch, 28, 28, 1)` float32 in `[0, 1]`, and the encoded labels, 0 to 9 or
            `NOT_A_DIGIT`.
        """
        stream = () if self._parts else (_ORDER_STREAM,)
        order = _order((self._seed, *stream, self.epoch), len(self._images))
        chosen = order[index * self._digits : (index + 1) * self._digits]
        if self._parts is None:
            return as_input(self._images[chosen]), self._encode(self._labels[chosen])
        rng = np.random.default_rng([self._seed, self.epoch, index])
        samples = [augment(self._images[i], int(self._labels[i]), rng, self._parts) for i in chosen]
        samples += [non_digit(self._images, self._labels, rng) for _ in range(self._non_digits)]
        labels = np.full(len(samples), NOT_A_DIGIT, np.int32)
        labels[: len(chosen)] = self._labels[chosen]
        return np.stack(samples).reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 1), self._encode(labels)


@functools.lru_cache(maxsize=1)
def _order(stream: tuple[int, ...], count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(stream).permutation(count)
