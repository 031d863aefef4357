"""The gate's result: `gate.json` in the run folder, read back by `training.publish --gated`.

The file is written only when the gate passes. It records the hash of every file, so that only what
was measured is published, and the commit compared with, so that no newer one is overwritten.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.weights import FILES
from training import console
from training.console import UserError

GATE_FILE = "gate.json"

TITLES = {
    "mnist_test": "MNIST test digits misread",
    "rejected": "MNIST test digits rejected",
    "ece": "calibration error on them",
    "drawn": "drawn digits misread or rejected",
    "letters": "letters accepted",
    "outliers": "outliers accepted",
    "pages": "pages of all kinds misread or rejected",
}
"""The measured numbers; all lie between 0 and 1, smaller is better."""


@dataclass(frozen=True)
class Number:
    """A measured number with its limit and the value of the published weights.

    Attributes:
        key: Its name in files.
        found: Number of failed pictures; for a calibration error its value, in `[0, 1]`.
        count: Number of pictures; None for a calibration error.
        limit: Largest share, or value, that passes; in `[0, 1]`.
        before: `found` of the published weights; None if there are none.
        allowed_more: Excess over `before` that chance explains.
    """

    key: str
    found: float
    count: int | None
    limit: float
    before: float | None = None
    allowed_more: float = 0

    @property
    def title(self) -> str:
        """Its name in reports."""
        return TITLES[self.key]

    @property
    def value(self) -> float:
        """Share, or value, in `[0, 1]`."""
        return self.found / self.count if self.count else self.found

    def shortfalls(self) -> list[str]:
        """Return why and by how much the number fails; empty if it passes."""
        reasons = []
        if self.value > self.limit:
            over = 100 * (self.value - self.limit)
            reasons.append(
                f"{self.title}: {self._shown(self.found)}, "
                f"{over:.2f} points over the limit of {100 * self.limit:.2f} %"
            )
        if self.before is not None and self.found - self.before > self.allowed_more:
            reasons.append(
                f"{self.title}: {self._shown(self.found)}, {self._more(self.found - self.before)} "
                f"more than the published weights, chance explains {self._more(self.allowed_more)}"
            )
        return reasons

    def row(self) -> list[str]:
        """Format the number as a table row below `HEADER`."""
        before = "-" if self.before is None else self._shown(self.before)
        more = "-" if self.before is None else self._more(self.found - self.before)
        allowed = "-" if self.before is None else self._more(self.allowed_more)
        result = "too many" if self.shortfalls() else "passes"
        limit = f"{100 * self.limit:.2f} %"
        return [self.title, self._shown(self.found), limit, before, more, allowed, result]

    def as_json(self) -> dict[str, Any]:
        """Return its entry in `gate.json`."""
        share = self.count or 1
        return {
            "value": self.value,
            "count": self.count,
            "at_most": self.limit,
            "published": None if self.before is None else self.before / share,
            "allowed_more": None if self.before is None else self.allowed_more / share,
        }

    def _shown(self, found: float) -> str:
        if self.count is None:
            return f"{100 * found:.2f} %"
        return f"{100 * found / self.count:.2f} % ({found:.0f} of {self.count:,})"

    def _more(self, difference: float) -> str:
        return f"{100 * difference:.2f} points" if self.count is None else f"{difference:.0f}"


HEADER = ["", "this run", "at most", "published", "more by", "by chance up to", ""]


def as_text(numbers: Sequence[Number]) -> str:
    """Format the numbers as a text table."""
    return console.render([HEADER, *(number.row() for number in numbers)])


def as_markdown(numbers: Sequence[Number], profile: str, compared: str) -> str:
    """Format the numbers, their profile and what they were compared with for a job summary."""
    reasons = [reason for number in numbers for reason in number.shortfalls()]
    lines = ["## Gate: failed" if reasons else "## Gate: passed", ""]
    lines += [f"- {reason}" for reason in reasons]
    lines += ["", f"Compared with: {compared}. Limits: `{profile}`.", ""]
    lines += [console.markdown([HEADER, *(number.row() for number in numbers)]), ""]
    return "\n".join(lines)


@dataclass(frozen=True)
class GateResult:
    """Evidence that a run may be published.

    Attributes:
        repo: `owner/name` compared with; None if none was named.
        parent: Its newest commit; None if the repository did not exist.
        files: SHA-256 of each file of the set of weights, by name.
        profile: Name of the limits.
        measured: `Number.as_json` by key.
    """

    repo: str | None
    parent: str | None
    files: dict[str, str]
    profile: str
    measured: dict[str, Any]


def hashes(run: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a run's set of weights."""
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in FILES}


def read(run: Path, repo: str) -> GateResult:
    """Read the evidence that a complete run may be published at `owner/name`.

    Raises:
        UserError: If the gate has not passed, or passed other files or compared another repository.
    """
    again = f"run python -m training.gate {run} --repo {repo}"
    try:
        result = GateResult(**json.loads((run / GATE_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"the gate has not passed {run}: {again}") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{run / GATE_FILE} is damaged: {again}") from error
    if result.repo != repo:
        raise UserError(f"the gate compared {run} with {result.repo}, not with {repo}: {again}")
    if result.files != hashes(run):
        raise UserError(f"{run} holds other files than the gate passed: {again}")
    return result
