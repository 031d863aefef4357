"""Batches for training: MNIST's digits as they are, or augmented together with what is no digit."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.networks import NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from training.augmentation import EVERYTHING, Augmentation, augment
from training.augmentation.non_digits import non_digit
from training.data.mnist import as_input

_ORDER_STREAM = 2  # keeps these random numbers apart from those of the split


class EpochBatches(Protocol):
    """Batches of images and digits for the epoch that it is set to, and for the seed."""

    epoch: int

    def __len__(self) -> int:
        """Count the batches of an epoch."""

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.integer]]:
        """Give `(N, 28, 28, 1)` float32 in 0-1 and `(N,)` labels."""


class ShuffledDigits:
    """Batches in an order that only the seed and the epoch decide.

    A run that was killed and resumed therefore sees what it would have seen.

    Attributes:
        epoch: The running epoch, from 0; the training sets it.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.uint8],
        batch_size: int,
        seed: int,
    ) -> None:
        """Keep the digits.

        Args:
            images: `(N, 28, 28)` uint8, 0 paper, 255 full ink.
            labels: `(N,)` uint8 digits.
            batch_size: How many digits a batch has; the last one takes what is left.
            seed: Decides the order, together with the epoch.
        """
        self.epoch = 0
        self._images = images
        self._labels = labels
        self._batch_size = batch_size
        self._seed = seed
        self._order: tuple[int, npt.NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return math.ceil(len(self._images) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Give one batch of the running epoch: images as the network takes them, and digits."""
        chosen = self._epoch_order()[index * self._batch_size :][: self._batch_size]
        return as_input(self._images[chosen]), self._labels[chosen]

    def _epoch_order(self) -> npt.NDArray[np.int64]:
        epoch = self.epoch
        if self._order[0] != epoch:
            rng = np.random.default_rng([self._seed, _ORDER_STREAM, epoch])
            self._order = (epoch, rng.permutation(len(self._images)))
        return self._order[1]


class AugmentedDigits:
    """Batches that follow from the seed, the epoch and their number alone.

    Attributes:
        epoch: The epoch whose batches are made, from 0.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.uint8],
        batch_size: int,
        seed: int,
        parts: Augmentation = EVERYTHING,
    ) -> None:
        """Prepare, without making anything yet.

        Args:
            images: `(N, 28, 28)` uint8, 255 ink.
            labels: `(N,)` uint8, 0 to 9.
            batch_size: Samples of a batch, those that are no digit included.
            seed: Decides order and augmentation together with the epoch.
            parts: What to vary, and how many non-digits to add.
        """
        self.epoch = 0
        self._images, self._labels, self._seed, self._parts = images, labels, seed, parts
        self._non_digits = round(batch_size * parts.non_digits)
        self._digits = batch_size - self._non_digits

    def __len__(self) -> int:
        """Count the batches of an epoch, in which each digit is shown once."""
        return (len(self._images) + self._digits - 1) // self._digits

    def __getitem__(self, index: int) -> tuple[InkArray, npt.NDArray[np.int32]]:
        """Make one batch.

        Returns:
            `(batch, 28, 28, 1)` float32 in `[0, 1]`, and `(batch,)` int32 labels: 0 to 9, or
            `NOT_A_DIGIT`.
        """
        order = np.random.default_rng([self._seed, self.epoch]).permutation(len(self._images))
        chosen = order[index * self._digits : (index + 1) * self._digits]
        rng = np.random.default_rng([self._seed, self.epoch, index])
        samples = [augment(self._images[i], int(self._labels[i]), rng, self._parts) for i in chosen]
        samples += [non_digit(self._images, self._labels, rng) for _ in range(self._non_digits)]
        labels = np.full(len(samples), NOT_A_DIGIT, np.int32)
        labels[: len(chosen)] = self._labels[chosen]
        return np.stack(samples).reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 1), labels
