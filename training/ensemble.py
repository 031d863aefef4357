"""Several runs of one network that answer together, to see what more of them would be worth."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.recognizer import Recognizer


class Ensemble(Recognizer):
    """Answers with the mean of its members' calibrated probabilities; explains nothing.

    Attributes:
        members: Recognizers with as many classes; the first one's weights say what is refused.
    """

    def __init__(self, members: Sequence[Recognizer]) -> None:  # the members are built already
        self.members = tuple(members)
        self.weights = self.members[0].weights

    @property
    def name(self) -> str:
        """Say which network, and how many of it."""
        return f"{self.weights.config.network} x {len(self.members)}"

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Average over the members.

        Args:
            images: `(N, 28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.

        Returns:
            As of a single recognizer.
        """
        rows = [member.predict_images(images) for member in self.members]
        return np.mean(rows, axis=0, dtype=np.float32)
