"""What pictures say, whatever runtime computes the probabilities.

No network and no framework is imported: whoever has probabilities gives the answers of the app.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.ink import BlankPictureError, InkArray, Picture
from digits.preprocessing import framings

BLANK = "blank"
NOT_A_DIGIT = "not a digit"

_UNIFORM = (0.1,) * 10

FAR_SURER = 0.2
"""Most doubt that another way to see a picture may leave, as a share of the first way's."""


@dataclass(frozen=True)
class Prediction:
    """What one picture says.

    Attributes:
        digit: 0 to 9, or None where there is no digit.
        reason: None, or why there is no digit: `BLANK` or `NOT_A_DIGIT`.
        confidences: Ten calibrated probabilities by digit, given that it is a digit; sum 1.
        score: 0 to 1, how likely it is a digit and this one; higher is surer.
        image: `(28, 28)` float32 in `[0, 1]` that the network saw; None for a blank picture.
    """

    digit: int | None
    reason: str | None
    confidences: tuple[float, ...]
    score: float
    image: InkArray | None

    def as_json(self, model: str) -> dict[str, Any]:
        """The answer of `/predict`.

        Args:
            model: Which weights answered.

        Returns:
            `digit`, `reason`, `confidences`, `score` and `model`, of plain Python types.
        """
        return {
            "digit": self.digit,
            "reason": self.reason,
            "confidences": list(self.confidences),
            "score": self.score,
            "model": model,
        }


def predict_all(
    pictures: Iterable[Picture],
    predict_images: Callable[[InkArray], npt.NDArray[np.float32]],
    refuse_below: float,
) -> list[Prediction]:
    """Read the one digit of each picture; the network is asked once for all of them.

    Args:
        pictures: `(H, W)` or `(H, W, 3)` uint8, upright, as `load_picture` gives them.
        predict_images: `(N, 28, 28)` float32 images to `(N, 10)` or `(N, 11)` calibrated
            probabilities.
        refuse_below: Score in `[0, 1]` below which an answer is withheld.

    Returns:
        An answer for each. A picture without ink is an answer too, with the reason `BLANK`.
    """
    framed = [_framed(picture) for picture in pictures]
    images = [image for ways in framed for image in ways]
    rows = iter(predict_images(np.stack(images)) if images else ())
    return [_best_answer(ways, [next(rows) for _ in ways], refuse_below) for ways in framed]


def answer(
    image: InkArray, probabilities: npt.NDArray[np.float32], refuse_below: float
) -> Prediction:
    """Turn the probabilities of one image into an answer.

    Args:
        image: `(28, 28)` float32 in `[0, 1]`.
        probabilities: `(10,)` or `(11,)` float32, calibrated.
        refuse_below: Score in `[0, 1]` below which there is no digit.
    """
    digits = probabilities[:10].astype(np.float64)
    digit = int(digits.argmax())
    score = float(digits[digit])
    confidences = tuple((digits / digits.sum()).tolist())
    if score < refuse_below:
        return Prediction(None, NOT_A_DIGIT, confidences, score, image)
    return Prediction(digit, None, confidences, score, image)


def choose_way(rows: Sequence[npt.NDArray[np.float32]]) -> int:
    """Tell which of several ways to see one picture counts.

    Args:
        rows: `(10,)` or `(11,)` float32 calibrated probabilities of each way, the likeliest first;
            at least one.

    Returns:
        The index of the surest way, if it is far surer of a digit than the first; else 0.
    """
    doubts = [1 - float(row[:10].max()) for row in rows]
    best = int(np.argmin(doubts))
    return best if doubts[best] < FAR_SURER * doubts[0] else 0


def _framed(picture: Picture) -> list[InkArray]:
    try:
        return framings(picture)
    except BlankPictureError:
        return []


def _best_answer(
    images: Sequence[InkArray], rows: Sequence[npt.NDArray[np.float32]], refuse_below: float
) -> Prediction:
    if not images:
        return Prediction(None, BLANK, _UNIFORM, 0.0, None)
    way = choose_way(rows)
    return answer(images[way], rows[way], refuse_below)
