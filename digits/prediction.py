"""Answers: the digit of a picture, or all of its numbers and what could not be read."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray

BLANK: Final = "blank"
NOT_A_DIGIT: Final = "not a digit"

Box: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height in pixels of the upright picture."""


@dataclass(frozen=True)
class Prediction:
    """The answer to a picture of one digit.

    Attributes:
        digit: 0 to 9, or None if there is no digit.
        reason: None, or why there is no digit: `BLANK` or `NOT_A_DIGIT`.
        confidences: Ten calibrated probabilities by digit, given that it is a digit; sum 1.
        score: 0 to 1, probability that it is a digit, and this one.
        image: `(28, 28)` float32 in `[0, 1]`, the network's input; None if there is none.
        box: Bounding box of the ink; None for a drawing, and if there is no image.
        others: Number of other digits in the picture.
    """

    digit: int | None
    reason: str | None
    confidences: tuple[float, ...]
    score: float
    image: InkArray | None = None
    box: Box | None = None
    others: int = 0

    def as_json(self, model: str) -> dict[str, Any]:
        """Return the response of `/predict` in plain Python types; `model` names the weights."""
        return {
            "digit": self.digit,
            "reason": self.reason,
            "confidences": list(self.confidences),
            "score": self.score,
            "others": self.others,
            "model": model,
        }


NO_INK: Final = Prediction(None, BLANK, (0.1,) * 10, 0.0)
"""The answer to a blank picture; with the other reason, to one with other writing only."""


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a number.

    Attributes:
        digit: 0 to 9.
        confidence: 0 to 1, probability that it is a digit, and this one.
        box: Bounding box of its ink.
        line: Index of its line, from the top.
        runner_up: The second most likely digit.
        runner_up_confidence: 0 to 1, probability of the second most likely digit.
        image: `(28, 28)` float32 in `[0, 1]`, the network's input.
    """

    digit: int
    confidence: float
    box: Box
    line: int
    runner_up: int
    runner_up_confidence: float
    image: InkArray = field(compare=False, repr=False)

    @classmethod
    def from_probabilities(
        cls, probabilities: npt.NDArray[np.float32], image: InkArray, box: Box, line: int = 0
    ) -> "ReadDigit":
        """Pick the two most likely digits of `(10,)` or `(11,)` calibrated probabilities."""
        first, second = np.argsort(-probabilities[:10], kind="stable")[:2].tolist()
        return cls(
            first, float(probabilities[first]), box, line,
            second, float(probabilities[second]), image,
        )  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """All numbers of a picture.

    Attributes:
        lines: The digits of each line from left to right, the lines from top to bottom.
        digits: One entry per digit, in the same order.
        unread: Boxes of written or printed ink that belongs to no digit.
        reason: None, or why there are no digits: `BLANK` or `NOT_A_DIGIT`.
    """

    lines: tuple[str, ...]
    digits: tuple[ReadDigit, ...]
    unread: tuple[Box, ...] = ()
    reason: str | None = None

    @property
    def number(self) -> str:
        """The lines, joined by newlines; empty if there are no digits."""
        return "\n".join(self.lines)

    def as_json(self, model: str) -> dict[str, Any]:
        """Return the response of `/read`; see `Prediction.as_json`."""
        digits = [
            {
                "digit": d.digit,
                "confidence": d.confidence,
                "runner_up": {"digit": d.runner_up, "confidence": d.runner_up_confidence},
                "box": list(d.box),
                "line": d.line,
            }
            for d in self.digits
        ]
        return {
            "number": self.number,
            "lines": list(self.lines),
            "digits": digits,
            "unread": [list(box) for box in self.unread],
            "reason": self.reason,
            "model": model,
        }
