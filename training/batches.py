"""Batches for training: augmented digits together with what is no digit."""

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.networks import NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from training.augmentation import EVERYTHING, Augmentation, augment
from training.augmentation.non_digits import non_digit


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
