"""Fit what the features of a number's reading cost; see `digits.numbers.lattice.LatticeCosts`.

    python -m training.fit_costs --data DIR

Numbers are written from MNIST's training images (never its test images, nor recorded drawings), on
canvas and paper. The costs are those under which the right number is likeliest among all readings
of the same ink: a semi-Markov conditional random field (Sarawagi and Cohen, 2004) whose true
segmentation is not told, only the digits. What it prints goes into `digits/numbers/lattice.py`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from digits.grouping import written_line
from digits.ink import BlankPictureError, possible_inks
from digits.networks import NOT_A_DIGIT
from digits.numbers.lattice import COSTS, Lattice, LatticeCosts, build_lattice, features
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from training import console
from training.data.mnist import load_mnist
from training.handwriting import templates
from training.handwriting.strokes import Sample
from training.synthesis import numbers

Array = npt.NDArray[np.float64]

_HOPELESS = 6.0
"""Nats after which a misread number counts little more: no cost would mend it."""

_HOLD = 0.02
"""Pull of each cost's logarithm to that of the start: a feature seldom met keeps its cost."""

_WITH_SIGN = 0.25
"""Share of the numbers in which there is a sign, which is no part of the number."""

_RANGE = (np.log(0.02), np.log(20.0))


class Readings:
    """All readings of one line of ink, laid out for summing over them.

    Args:
        line: The line.
        digits: What was written, without other signs.
    """

    def __init__(self, line: Lattice, digits: str) -> None:
        """Collect the features of every segment, and which segments end where."""
        self.skipped = line.skipped
        self.features = features(line)
        self.wanted = np.array([int(digit) for digit in digits], np.intp)
        self.first = np.array([segment.first for segment in line.segments], np.intp)
        last = np.array([segment.last for segment in line.segments], np.intp)
        self.ending = [np.flatnonzero(last == end) for end in range(len(line.skipped) + 1)]

    def surprise(self, costs: Array) -> tuple[float, Array] | None:
        """Negative log likelihood of the digits, and its gradient by the costs.

        Args:
            costs: `(n,)` in the order of `LatticeCosts`.

        Returns:
            Nats and `(n,)`, or None where no reading has so many digits.
        """
        every, slopes = -self.features @ costs, -self.features
        level = np.logaddexp.reduce(every, axis=1)
        weights = np.exp(every - level[:, None])[..., None]
        free = self._sum(level[:, None], (weights * slopes).sum(axis=1)[:, None], 0, costs)
        right = self._sum(every[:, self.wanted], slopes[:, self.wanted], len(self.wanted), costs)
        if not np.isfinite(right[0]):
            return None
        return free[0] - right[0], free[1] - right[1]

    def _sum(self, logs: Array, slopes: Array, count: int, costs: Array) -> tuple[float, Array]:
        """Sum over readings, of any length (`count` 0) or of so many digits, in that order.

        Args:
            logs: `(segments, max(1, count))` log weight of each segment as each digit.
            slopes: `(segments, max(1, count), n)` their gradients.
            count: Digits that a reading has.
            costs: `(n,)`.

        Returns:
            Logarithm of the sum, and its gradient `(n,)`.
        """
        ends, places = len(self.ending), count + 1
        total = np.full((ends, places), -np.inf)
        slope = np.zeros((ends, places, len(costs)))
        total[0, 0] = 0
        for end in range(1, ends):
            segments = self.ending[end]
            before = self.first[segments]
            # Skipped ink comes last; before it each segment as a digit, and as other writing.
            level = np.full((2 * len(segments) + 1, places), -np.inf)
            rise = np.zeros((2 * len(segments) + 1, places, len(costs)))
            level[-1] = total[end - 1] - costs[-1] * self.skipped[end - 1]
            rise[-1] = slope[end - 1]
            rise[-1, :, -1] -= self.skipped[end - 1]
            as_digit, as_other = np.s_[: len(segments)], np.s_[len(segments) : -1]
            taken = slice(1, None) if count else slice(None)
            came = slice(None, -1) if count else slice(None)
            level[as_digit, taken] = total[before][:, came] + logs[segments]
            rise[as_digit, taken] = slope[before][:, came] + slopes[segments]
            if count:  # where any reading counts, `logs` has other writing too
                other = self.features[segments, NOT_A_DIGIT]
                level[as_other] = total[before] - (other @ costs)[:, None]
                rise[as_other] = slope[before] - other[:, None]
            total[end] = np.logaddexp.reduce(level, axis=0)
            share = np.exp(level - np.where(np.isfinite(total[end]), total[end], 0.0))
            slope[end] = (share[..., None] * rise).sum(axis=0)
        return float(total[-1, count]), slope[-1, count]


def fit(readings: Sequence[Readings], start: LatticeCosts = COSTS) -> LatticeCosts:
    """Find the costs under which what was written is likeliest.

    Args:
        readings: Of many numbers.
        start: Where the search begins, and what a cost stays near that nothing speaks about.

    Returns:
        The costs, to three digits.
    """
    began = np.log(astuple(start))

    def loss(logs: Array) -> tuple[float, Array]:
        costs = np.exp(logs)
        found = [
            surprise for reading in readings if (surprise := reading.surprise(costs)) is not None
        ]
        kept = np.exp([-nats / _HOPELESS for nats, _ in found])
        slope = np.mean([k * gradient for k, (_, gradient) in zip(kept, found, strict=True)], 0)
        pull = _HOLD * (logs - began)
        value = _HOPELESS * float(np.mean(1 - kept)) + float(pull @ (logs - began)) / 2
        return value, slope * costs + pull

    found: Any = minimize(loss, began, jac=True, method="L-BFGS-B", bounds=[_RANGE] * len(began))
    return LatticeCosts(*(float(f"{cost:.3g}") for cost in np.exp(found.x)))


def lines(
    recognizer: Recognizer, written: Sequence[Sample], count: int, seed: int
) -> list[Readings]:
    """Write numbers on canvas and paper by turns, and find all readings of each."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for index in range(count):
        write = numbers.on_paper if index % 2 else numbers.on_canvas
        chosen = numbers.choose(written, rng)
        if rng.random() < _WITH_SIGN:
            chosen.insert(int(rng.integers(len(chosen) + 1)), _sign(rng))
        number = write(chosen, rng)
        try:
            ink = written_line(possible_inks(number.picture)[0])
        except BlankPictureError:
            continue
        lattice = build_lattice(recognizer.predict_images, ink)
        if lattice.segments:
            found.append(Readings(lattice, number.digits))
    return found


def _sign(rng: np.random.Generator) -> Sample:
    """Write a sign that nobody takes for a digit."""
    return Sample("template", "", templates.write(str(rng.choice(list("+=%#*x?$€"))), rng))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.fit_costs", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the MNIST files")
    parser.add_argument("--weights", type=Path, default=BUNDLED, help="the set that reads")
    parser.add_argument("--count", type=int, default=800, help="numbers to fit on")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Fit the costs and print them."""
    arguments = _arguments()
    mnist = load_mnist(arguments.data)
    images, labels = mnist.train_images[:4000], mnist.train_labels[:4000]
    written = numbers.samples_from_images(images, labels)
    recognizer = Recognizer(load_folder(arguments.weights))
    costs = fit(lines(recognizer, written, arguments.count, arguments.seed))
    for field in fields(costs):
        print(f"    {field.name}: float = {getattr(costs, field.name)}")


if __name__ == "__main__":
    console.run(main)
