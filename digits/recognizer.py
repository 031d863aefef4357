"""From a picture or a drawing to a calibrated answer, or to the reason why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from digits import explanation, networks, onnx_graph
from digits.drawing import draw, parse_strokes
from digits.examples import digit_example
from digits.ink import BlankPictureError, InkArray, Picture
from digits.preprocessing import Box, Candidate, has_ink, normalize, preprocess_candidates
from digits.weights import Weights, WeightsError

BLANK: Final = "blank"
NOT_A_DIGIT: Final = "not a digit"

MAX_RELATIVE_UNCERTAINTY: Final = 0.2
"""A later candidate is selected if its uncertainty is at most this share of the first one's."""

_UNIFORM: Final = (0.1,) * 10


@dataclass(frozen=True)
class Prediction:
    """What one picture says.

    Attributes:
        digit: 0 to 9, or None where there is no digit.
        reason: None, or why there is no digit: `BLANK` or `NOT_A_DIGIT`.
        confidences: Ten calibrated probabilities by digit, given that it is a digit; sum 1.
        score: 0 to 1, how likely it is a digit and this one; higher is surer.
        image: `(28, 28)` float32 in `[0, 1]` that the network saw; None for a blank picture.
        box: x, y, width, height of the ink in pixels of the picture; None for a drawing or a
            blank picture.
    """

    digit: int | None
    reason: str | None
    confidences: tuple[float, ...]
    score: float
    image: InkArray | None = None
    box: Box | None = None

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


_BLANK: Final = Prediction(None, BLANK, _UNIFORM, 0.0)


class Recognizer:
    """One set of weights, ready to answer; safe to share between threads.

    Attributes:
        weights: The set that answers.
    """

    def __init__(self, weights: Weights) -> None:
        """Build the network and start the runtime.

        Args:
            weights: A verified set.
        """
        self.weights = weights
        config = weights.config
        graph = onnx_graph.build(
            networks.find(config.network),
            weights.tensors,
            config.temperature,
            (onnx_graph.PROBABILITIES, onnx_graph.LOGITS),
        )
        options = onnxruntime.SessionOptions()
        # One core computes so small a network sooner than several share it.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the memory of the largest batch for ever.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def predict(self, picture: Picture) -> Prediction:
        """Read the one digit of a picture.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright, as `load_picture` gives it.

        Returns:
            The answer. A picture without ink is an answer too, with the reason `BLANK`.
        """
        return self.predict_all([picture])[0]

    def predict_all(self, pictures: Iterable[Picture]) -> list[Prediction]:
        """Read the one digit of each picture, all in one batch; see `predict`."""
        return self.select([_candidates(picture) for picture in pictures])

    def predict_ink(self, ink: InkArray) -> Prediction:
        """Read the one digit of a drawing.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink; all of it is meant.

        Returns:
            As of `predict`.
        """
        if not has_ink(ink):
            return _BLANK
        image = normalize(ink)
        return self.decide(image, self.predict_images(image[None])[0])

    def select(self, candidates: Sequence[Sequence[Candidate]]) -> list[Prediction]:
        """Decide on each picture by its best candidate.

        Args:
            candidates: Of each picture, the likeliest first; none for a picture without ink.

        Returns:
            A prediction for each picture.
        """
        images = [candidate.image for group in candidates for candidate in group]
        rows = iter(self.predict_images(np.stack(images)) if images else ())
        return [self._best(group, [next(rows) for _ in group]) for group in candidates]

    def decide(
        self, image: InkArray, probabilities: npt.NDArray[np.float32], box: Box | None = None
    ) -> Prediction:
        """Turn one row of `predict_images` into an answer.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`.
            probabilities: `(10,)` or `(11,)` float32, calibrated.
            box: Where the ink is in the picture, if there is one.

        Returns:
            The answer; no digit where the score is below the weights' rejection threshold.
        """
        digits = probabilities[:10].astype(np.float64)
        digit = int(digits.argmax())
        score = float(digits[digit])
        confidences = tuple((digits / digits.sum()).tolist())
        if score < self.weights.config.rejection_threshold:
            return Prediction(None, NOT_A_DIGIT, confidences, score, image, box)
        return Prediction(digit, None, confidences, score, image, box)

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Calibrated probabilities of images that are in MNIST's frame already.

        Args:
            images: `(N, 28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.

        Returns:
            `(N, 10)` float32 by digit, or `(N, 11)` where class 10 is "not a digit"; rows sum to 1.
        """
        return self._run(onnx_graph.PROBABILITIES, images)

    def explain(self, image: InkArray, digit: int) -> npt.NDArray[np.float32]:
        """Show which ink of an image speaks for a digit, and which against it.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.
            digit: 0 to 9, the answer or any other.

        Returns:
            `(28, 28)` float32, see `digits.explanation.explain`.
        """
        return explanation.explain(
            lambda images: self._run(onnx_graph.LOGITS, images)[:, :10], image, digit
        )

    def self_test(self) -> None:
        """Read the ten drawings of the project's own.

        Raises:
            WeightsError: If fewer than nine of them are read right: such weights have not learned
                to read digits, whatever their files say.
        """
        read = [self.predict_ink(draw(parse_strokes(digit_example(d)))).digit for d in range(10)]
        wrong = [f"{label} as {digit}" for label, digit in enumerate(read) if digit != label]
        if len(wrong) > 1:
            raise WeightsError(
                f"Self-test: expected at least 9 of 10 known digits. Received: {', '.join(wrong)}"
            )

    def _run(self, output: str, images: InkArray) -> npt.NDArray[np.float32]:
        rows: npt.NDArray[np.float32] = self._session.run(
            [output], {onnx_graph.INPUT: images[..., None]}
        )[0]
        return rows

    def _best(
        self, candidates: Sequence[Candidate], rows: Sequence[npt.NDArray[np.float32]]
    ) -> Prediction:
        if not candidates:
            return _BLANK
        best = select_candidate(rows)
        return self.decide(candidates[best].image, rows[best], candidates[best].box)


def select_candidate(rows: Sequence[npt.NDArray[np.float32]]) -> int:
    """Select among several candidates for one picture.

    Args:
        rows: `(10,)` or `(11,)` float32 calibrated probabilities of each candidate, the likeliest
            candidate first; at least one.

    Returns:
        The index of the surest candidate, if it is far surer of a digit than the first; else 0.
    """
    uncertainties = [1 - float(row[:10].max()) for row in rows]
    best = int(np.argmin(uncertainties))
    return best if uncertainties[best] < MAX_RELATIVE_UNCERTAINTY * uncertainties[0] else 0


def _candidates(picture: Picture) -> list[Candidate]:
    try:
        return preprocess_candidates(picture)
    except BlankPictureError:
        return []
