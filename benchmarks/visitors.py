"""Simulated visitors for load tests, each with its own handwriting and known correct answers.

No two visitors get the same ten confidences, so that an answer sent to the wrong client is noticed.
"""

import functools
import random
import time
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import numpy as np
import urllib3

from benchmarks.calls import Caller, RefusedError, as_new_file, encode
from benchmarks.serving import BenchmarkError, Server
from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example

ADVICE: Final = (b"Use ", b"Send", b"Upload", b"Choose", b"Save", b"Make it smaller", b"again")
TERSE: Final = {400, 404, 413, 415, 422}
"""Statuses of invalid requests and foreign files, which may come without advice."""


class Outcome(StrEnum):
    """Outcome of a question."""

    RIGHT = "right"
    REFUSED = "refused"  # as expected, with a message
    BUSY = "busy"  # asked to try again
    WRONG = "wrong"
    LOST = "lost"


class Question(NamedTuple):
    """A question that a visitor has asked.

    Attributes:
        kind: Name of the `Visitor` method that asked it.
        outcome: Its outcome.
        seconds: Time until then.
        ended: Time of its end, in `time.perf_counter` seconds.
    """

    kind: str
    outcome: Outcome
    seconds: float
    ended: float


@functools.cache
def huge_picture() -> bytes:
    """Draw a 3 on 49 million pixels, just below the limit, as PNG."""
    small = as_picture(draw(parse_strokes(digit_example(3))))
    sheet = np.full((7000, 7000), 255, np.uint8)
    sheet[3000 : 3000 + small.shape[0], 3000 : 3000 + small.shape[1]] = small
    return encode(sheet)


@functools.cache
def bomb() -> bytes:
    """Encode a picture of 400 million pixels in less than half a megabyte."""
    return encode(np.zeros((20_000, 20_000), np.uint8))


class Visitor:
    """Client with its own digit and handwriting; not thread-safe."""

    def __init__(self, server: Server, number: int) -> None:
        self.number = number
        self.digit = number % 10
        self._caller = Caller(server)
        self._strokes = digit_example(self.digit, number)
        self._picture = encode(as_picture(draw(parse_strokes(self._strokes))))
        self._random = random.Random(number)  # noqa: S311 - seeds make runs repeatable
        self._known: dict[str, dict[str, Any]] = {}

    def learn(self) -> tuple[float, ...]:
        """Record the correct answers, while no other visitor asks.

        Returns:
            The confidences of its picture, which identify the visitor.

        Raises:
            BenchmarkError: If its digit is misread.
        """
        self._known = {
            "picture": self._caller.read(self._picture),
            "pad": self._caller.draw(self._strokes),
        }
        for name, answer in self._known.items():
            if answer["digit"] != self.digit:
                raise BenchmarkError(f"the {name} of visitor {self.number} is misread")
        return tuple(self._known["picture"]["confidences"])

    def ask(self) -> Question:
        """Ask a random question, usually a valid one."""
        kinds = (self.pad, self.picture, self.nonsense, self.huge)
        [question] = self._random.choices(kinds, (50, 30, 17, 3))
        start = time.perf_counter()
        try:
            outcome = question()
        except RefusedError as error:
            busy = error.status == HTTPStatus.SERVICE_UNAVAILABLE and b"busy" in error.content
            outcome = Outcome.BUSY if busy else Outcome.LOST
        except (urllib3.exceptions.HTTPError, ValueError, KeyError):
            outcome = Outcome.LOST
        ended = time.perf_counter()
        return Question(question.__name__, outcome, ended - start, ended)

    def pad(self) -> Outcome:
        """Send the strokes."""
        return self._judge("pad", self._caller.draw(self._strokes))

    def picture(self) -> Outcome:
        """Send the picture."""
        return self._judge("picture", self._predict(self._picture))

    def huge(self) -> Outcome:
        """Send a huge picture or a decompression bomb."""
        if self._random.random() < 0.5:
            return self._refused(lambda: self._predict(bomb()))
        answer = self._predict(huge_picture())
        return Outcome.RIGHT if answer["digit"] == 3 else Outcome.WRONG

    def nonsense(self) -> Outcome:
        """Send something that is not a picture, not a permitted file, or not a valid request."""
        send = self._caller.request
        path = self._random.choice(("/gradio_api/call/predict", "/v1/draw"))
        kind = {"Content-Type": "application/json"}
        questions = (
            lambda: self._predict(b"no picture"),
            lambda: self._predict(self._picture[:200]),
            lambda: self._caller.predict("/etc/passwd"),
            lambda: send("POST", path, body=b"{", headers=kind),
            lambda: send("POST", path, body=b" " * 400_000, headers=kind),
            lambda: send("GET", "/gradio_api/file=/etc/passwd"),
        )
        return self._refused(self._random.choice(questions))

    def _predict(self, content: bytes) -> dict[str, Any]:
        """Send a picture at random as the request's body, or uploaded to Gradio."""
        if self._random.random() < 0.5:
            return self._caller.read(content)
        return self._caller.predict(self._caller.upload(as_new_file(content)))

    def _judge(self, name: str, answer: dict[str, Any]) -> Outcome:
        return Outcome.RIGHT if answer == self._known[name] else Outcome.WRONG

    def _refused(self, question: Callable[[], object]) -> Outcome:
        try:
            question()
        except RefusedError as error:
            if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            words = (*ADVICE, b'data: {"error": null}')
            advised = error.status in TERSE or any(word in error.content for word in words)
            return Outcome.REFUSED if advised else Outcome.WRONG
        return Outcome.WRONG
