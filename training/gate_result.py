"""What the gate found, in `gate.json` of the run folder, and how publishing takes it.

The file is written only when the gate passes. It names every file that passed by its hash, so
that nothing else than what was measured gets through, and the commit that was compared with, so
that nothing that came in between is overwritten.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from digits.weights import FILES
from training.console import UserError

GATE_FILE = "gate.json"

Files = dict[str, str]


@dataclass(frozen=True)
class GateResult:
    """Why a run may be published.

    Attributes:
        repo: `owner/name` that was compared with; None if none was named.
        parent: The commit that was its newest one; None if there was no such repository.
        files: SHA-256 of each file of the set of weights, by name.
        profile: Which limits held.
        measured: For each number: `value`, `count`, `at_most`, `published`, `allowed_more`.
    """

    repo: str | None
    parent: str | None
    files: Files
    profile: str
    measured: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return what `gate.json` holds."""
        return asdict(self)


def hashes(run: Path) -> Files:
    """Return the SHA-256 of each file of a run's set of weights."""
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in FILES}


def read(run: Path, repo: str) -> GateResult:
    """Read why a run may be published.

    Args:
        run: The run folder, whose files are all there.
        repo: Where it shall be published.

    Raises:
        UserError: If the gate has not passed, or passed other files or another repository.
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
