"""The recognizer: calibrated answers to pictures and drawings, or the reason why there are none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from digits import explanation, networks, onnx_graph
from digits.activations import Activation, visible_steps
from digits.drawing import draw, parse_strokes
from digits.examples import digit_example
from digits.ink import Ink, InkArray
from digits.layers import Tensors
from digits.look import Look
from digits.numbers.line_reader import LineReader
from digits.numbers.reading import Character, NumberReader, evidence, is_sure, min_confidence
from digits.pictures import Picture
from digits.prediction import BLANK, NO_INK, NOT_A_DIGIT, Box, Prediction, ReadDigit, Reading
from digits.preprocessing import Candidate, has_ink, normalize
from digits.segmentation.extractor import Extractor
from digits.segmentation.finder import Finder
from digits.segmentation.layout import Layout
from digits.segmentation.lines import Line
from digits.weights import Weights, WeightsError

_MAX_RELATIVE_UNCERTAINTY: Final = 0.2
"""A later candidate is selected if its uncertainty is below this share of the first one's."""


class Recognizer:
    """The networks of one set of weights, ready to run; thread-safe.

    Args:
        weights: A verified set of weights.
        finder: The finder of the same set, if already built.
        extractor: The extractor, likewise.
        line_reader: The line reader, likewise.

    Attributes:
        weights: The set of weights.
    """

    def __init__(
        self,
        weights: Weights,
        finder: Finder | None = None,
        extractor: Extractor | None = None,
        line_reader: LineReader | None = None,
    ) -> None:
        self.weights = weights
        self._run = self._start((onnx_graph.PROBABILITIES, onnx_graph.LOGITS))
        self._finder = finder or Finder(weights.finder)
        self._line_reader = line_reader or LineReader(weights.line_reader)
        self._extractor = extractor or Extractor(weights.extractor)
        threshold = weights.config.rejection_threshold
        self._numbers = NumberReader(self.predict_images, self._line_reader, threshold)

    def _start(self, outputs: Sequence[str]) -> onnx_graph.Run:
        config = self.weights.config
        network = networks.find(config.network)
        return onnx_graph.start(
            onnx_graph.build(network, self.weights.tensors, config.temperature, outputs)
        )

    def with_network(self, network: str, tensors: Tensors) -> "Recognizer":
        """Replace the network that classifies a digit, without calibration or rejection.

        Args:
            network: A key of `digits.networks.NETWORKS`.
            tensors: Its weights.
        """
        config = replace(
            self.weights.config, network=network, temperature=1.0, rejection_threshold=0.0
        )
        weights = replace(self.weights, tensors=tensors, config=config)
        return Recognizer(weights, self._finder, self._extractor, self._line_reader)

    def look(self, picture: Picture) -> Look:
        """Prepare a picture for several queries.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright, as returned by `load_picture`.
        """
        return Look(self._finder, self._extractor, picture)

    def predict(self, picture: Picture) -> Prediction:
        """Read the digit of a picture; of several, the most prominent one.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright, as returned by `load_picture`.

        Returns:
            The answer. If there is no digit, it states the reason.
        """
        return self.predict_look(self.look(picture))

    def read(self, picture: Picture) -> Reading:
        """Read all digits of a picture, line by line; see `predict`."""
        return self.read_look(self.look(picture))

    def predict_look(self, look: Look) -> Prediction:
        """Same as `predict`, for a prepared picture."""
        return self.select(look.candidates, lambda: look.layout)

    def select(self, candidates: Sequence[Candidate], find: Callable[[], Layout]) -> Prediction:
        """Choose between the ink on plain paper and the layout of a picture.

        Args:
            candidates: See `Look.candidates`.
            find: Returns the layout; not called if a single character on plain paper is rejected,
                or confidently a digit.
        """
        first = self._best(candidates)
        is_alone = any(candidate.alone for candidate in candidates)
        if is_alone and (first.digit is None or is_sure(first.score)):
            return first
        second = self.predict_layout(find())
        if not candidates:
            return second
        surer = is_sure(second.score) and second.score > first.score
        return second if second.digit is not None and (first.digit is None or surer) else first

    def read_look(self, look: Look) -> Reading:
        """Same as `read`, for a prepared picture."""
        readings = map(self.read_layout, look.layouts())
        first = next(readings)
        while not is_sure(min_confidence(first.digits)) and (again := next(readings, None)):
            first = max(first, again, key=evidence)
        if look.ink is None:
            return first
        second = self._numbers.read_ink(look.ink)
        if not second.digits:
            return second if first.reason == BLANK else first  # rejected ink is not blank
        surer = first.digits or first.reason == BLANK or is_sure(min_confidence(second.digits))
        return second if surer and evidence(second) > evidence(first) else first

    def predict_layout(self, layout: Layout) -> Prediction:
        """Read the digit of a picture from its layout alone."""
        characters = [
            (character, line.score)
            for line in layout.lines
            for character in self._read_line(line, whole=line.is_character)
        ]
        if not characters:
            written = layout.lines or layout.unread
            return replace(NO_INK, reason=NOT_A_DIGIT) if written else NO_INK
        digits = [character for character, _ in characters if character.is_digit]
        sure = [c for c, seen in characters if is_sure(_combined(c.digit_probability, seen))]
        best = max(
            sure or digits or [character for character, _ in characters],
            key=lambda each: each.confidence * max(each.box[2:]),
        )
        answer = self.decide(best.image, best.probabilities, best.box)
        return replace(answer, others=len(sure) - 1) if sure else self._reject(answer)

    def _reject(self, answer: Prediction) -> Prediction:
        """Reject a digit on which two networks disagree, with a score below the threshold."""
        score = answer.score * self.weights.config.rejection_threshold
        return replace(answer, digit=None, reason=NOT_A_DIGIT, score=score)

    def read_layout(self, layout: Layout) -> Reading:
        """Read all digits of a picture from its layout alone."""
        texts: list[str] = []
        read: list[ReadDigit] = []
        unread: list[Box] = []
        for line in layout.lines:
            characters = self._read_line(line)
            digits = [each for each in characters if each.is_digit]
            probability = float(np.mean([each.digit_probability for each in digits] or [0.0]))
            seen = is_sure(_combined(probability, line.score))
            if not (seen and self._numbers.is_number(characters)):
                unread.append(line.box)
                continue
            unread += [each.box for each in characters if not each.is_digit]
            number = [each.as_digit(len(texts)) for each in digits]
            read += number
            texts.append("".join(str(digit.digit) for digit in number))
        # Unread ink that touches a digit is a sliver of it rather than other writing.
        unread = [box for box in unread if not _touches(box, [digit.box for digit in read])]
        known = [*unread, *(digit.box for digit in read)]
        unread += [box for box in layout.unread if not _touches(box, known)]
        reason = None if read else NOT_A_DIGIT if unread else BLANK
        return Reading(tuple(texts), tuple(read), tuple(unread), reason)

    def _read_line(self, line: Line, *, whole: bool = False) -> list[Character]:
        """Read the characters of a line, from left to right, or the `whole` as one."""
        named = self._line_reader.read(line.ink)
        if whole or not named:
            return [self._numbers.read_character(line.ink, named, line.box)]
        return self._numbers.read_characters(line.ink, named, line.to_picture)

    def predict_ink(self, ink: InkArray) -> Prediction:
        """Read the digit of a drawing; see `predict`.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink; all of it counts as writing.
        """
        if not has_ink(ink):
            return NO_INK
        image = normalize(ink)
        return self.decide(image, self.predict_images(image[None])[0])

    def read_ink(self, ink: InkArray, scale: float = 1.0) -> Reading:
        """Read all digits of a drawing; see `read`.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink; all of it counts as writing.
            scale: Units of the boxes per pixel of the ink.
        """
        if not has_ink(ink):
            return Reading((), (), reason=BLANK)
        return self._numbers.read_ink(Ink(ink, scale))

    def decide(
        self, image: InkArray, probabilities: npt.NDArray[np.float32], box: Box | None = None
    ) -> Prediction:
        """Convert one row of `predict_images` to an answer.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`.
            probabilities: `(10,)` or `(11,)` float32, calibrated.
            box: Bounding box of the ink in the picture, if there is one.

        Returns:
            The answer; no digit if the score is below the rejection threshold of the weights.
        """
        digits = probabilities[:10].astype(np.float64)
        digit = int(digits.argmax())
        score = float(digits[digit])
        confidences = tuple((digits / digits.sum()).tolist())
        if score < self.weights.config.rejection_threshold:
            return Prediction(None, NOT_A_DIGIT, confidences, score, image, box)
        return Prediction(digit, None, confidences, score, image, box)

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities of images in MNIST's frame.

        Args:
            images: `(N, 28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.

        Returns:
            `(N, 10)` float32, or `(N, 11)` where class 10 is "not a digit"; rows sum to 1.
        """
        probabilities, _ = self._run(images[..., None])
        return probabilities

    def explain(self, image: InkArray, digit: int) -> npt.NDArray[np.float32]:
        """Return which ink of an image is evidence for a digit, and which against it.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.
            digit: 0 to 9, the answer or any other.

        Returns:
            `(28, 28)` float32, see `digits.explanation.explain`.
        """
        return explanation.explain(
            lambda images: self._run(images[..., None])[1][:, :10], image, digit
        )

    def activations(self, image: InkArray) -> list[Activation]:
        """Return the outputs of the network's layers for an image.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.

        Returns:
            One entry for each of `digits.activations.visible_steps`, in that order.
        """
        steps = visible_steps(networks.find(self.weights.config.network))
        values = self._inside(image[None, ..., None])
        return [Activation(step, rows[0]) for step, rows in zip(steps, values, strict=True)]

    @cached_property
    def _inside(self) -> onnx_graph.Run:
        """A second session of the network, with its layers as outputs, started on first use."""
        network = networks.find(self.weights.config.network)
        return self._start([step.name for step in visible_steps(network)])

    def self_test(self) -> None:
        """Read the ten example drawings.

        Raises:
            WeightsError: If fewer than nine of them are read correctly: such weights have not
                learned to read digits, whatever their files say.
        """
        read = [self.predict_ink(draw(parse_strokes(digit_example(d)))).digit for d in range(10)]
        wrong = [f"{label} as {digit}" for label, digit in enumerate(read) if digit != label]
        if len(wrong) > 1:
            raise WeightsError(
                f"Self-test: expected at least 9 of 10 known digits. Received: {', '.join(wrong)}"
            )

    def _best(self, candidates: Sequence[Candidate]) -> Prediction:
        if not candidates:
            return NO_INK
        rows = self.predict_images(np.stack([candidate.image for candidate in candidates]))
        best = select_candidate(rows)
        return self.decide(candidates[best].image, rows[best], candidates[best].box)


def _combined(first: float, second: float) -> float:
    """Combine the probabilities of two independent networks by Bayes' rule."""
    both, neither = first * second, (1 - first) * (1 - second)
    return both / max(both + neither, 1e-9)


def _touches(box: Box, others: Sequence[Box]) -> bool:
    """Return whether a box overlaps or touches another."""
    return any(
        all(box[k] <= o[k] + o[k + 2] and o[k] <= box[k] + box[k + 2] for k in (0, 1))
        for o in others
    )


def select_candidate(rows: npt.NDArray[np.float32]) -> int:
    """Select one of several candidates for a picture.

    Args:
        rows: `(N, 10)` or `(N, 11)` float32 calibrated probabilities, those of the preferred
            candidate first; at least one row.

    Returns:
        The index of the most confident candidate, if it is far more confident than the first;
        else 0.
    """
    uncertainties = 1 - rows[:, :10].max(axis=1).astype(np.float64)
    best = int(uncertainties.argmin())
    return best if uncertainties[best] < _MAX_RELATIVE_UNCERTAINTY * uncertainties[0] else 0
