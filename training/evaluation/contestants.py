"""Who is measured: sets of weights, shown pictures in both ways, and runs that answer together."""

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits import demos, networks
from digits.ink import InkArray
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, WEIGHTS_FILE
from training.console import UserError
from training.evaluation.datasets import PLAIN_RESIZE, THIS_PROJECT
from training.evaluation.metrics import median_seconds
from training.handwriting.strokes import sketch
from training.run_folder import RunFolder, load_run

SERVED = "served"

_RUNS = Path("runs")


class Ensemble(Recognizer):
    """Answers with the mean of its members' calibrated probabilities; the first one explains.

    The first member's weights say what is rejected, and its line reader reads lines.
    """

    def __init__(self, members: Sequence[Recognizer]) -> None:
        """Take members of one network; lines are read by the first one's line reader."""
        super().__init__(members[0].weights)
        self.members = tuple(members)

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Average over the members; arguments and result are those of a single recognizer."""
        rows = [member.predict_images(images) for member in self.members]
        return np.mean(rows, axis=0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Contestant:
    """A set of weights in a folder and the way in which pictures come before it.

    Attributes:
        name: Of the network, or `SERVED`.
        file: Of the weights.
        recognizer: Answers with it.
        resized: Whether pictures are only resized to 28x28, as in the usual demo.
        hashes: SHA-256 of the weights; of an ensemble all of them, joined by `+`.
        seed: Of the run, if it says one; an ensemble has several.
    """

    name: str
    file: Path
    recognizer: Recognizer
    resized: bool
    hashes: str
    seed: int | None

    @property
    def preprocessing(self) -> str:
        """How pictures come before the network, in a word or two."""
        return PLAIN_RESIZE if self.resized else THIS_PROJECT

    @property
    def key(self) -> Hashable:
        """What decides its answers: the same weights may come from several folders."""
        return self.hashes, self.recognizer.weights.config, self.resized


def find(targets: Sequence[str]) -> list[Path]:
    """Find run folders: as given, or the finished runs in `runs/` of a network that is named.

    Without targets these are all finished runs there, else the bundled weights.

    Raises:
        UserError: If a target is neither, or a network has no finished run.
    """
    if not targets:
        return _finished("*") or [BUNDLED]
    folders: list[Path] = []
    for target in targets:
        if target in networks.NETWORKS:
            runs = _finished(f"{target}-[0-9]*")
            if not runs:
                raise UserError(
                    f"no finished run of {target} in {_RUNS}/: train it with "
                    f"python -m training.train --network {target}"
                )
            folders += runs
        elif Path(target).is_dir():
            folders.append(Path(target))
        else:
            known = ", ".join(networks.NETWORKS)
            raise UserError(f"{target} is neither a run folder nor a network ({known})")
    return folders


def _finished(pattern: str) -> list[Path]:
    return sorted(path for path in _RUNS.glob(pattern) if RunFolder(path).is_finished)


def contestants(served: Path, folders: Iterable[Path]) -> list[Contestant]:
    """Load the served set, the runs and the bundled demos, to be shown pictures in both ways.

    Runs of the same network are followed by all of them together, never with a plain resize; a
    demo's network is measured as bundled only where it has no run.
    """
    found: list[Contestant] = []

    def enter(name: str, file: Path, recognizer: Recognizer, seed: int | None) -> None:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        found.extend(
            Contestant(name, file, recognizer, resized, digest, seed) for resized in (True, False)
        )

    first = load_run(served)
    enter(SERVED, served / WEIGHTS_FILE, first, first.weights.metrics.get("seed"))
    runs: dict[str, list[Contestant]] = {}
    for folder in folders:
        recognizer = load_run(folder)
        network, seed = recognizer.weights.config.network, recognizer.weights.metrics.get("seed")
        enter(network, folder / WEIGHTS_FILE, recognizer, seed)
        runs.setdefault(network, []).append(found[-1])
    bundled = demos.Demos()
    for network in demos.DEMOS:
        if network not in runs:
            file = demos.FOLDER / f"{network}.safetensors"
            enter(network, file, bundled.recognizer(network, first), None)
    for network, same in runs.items():
        if len(same) > 1:
            name, hashes = f"{network} x {len(same)}", "+".join(run.hashes for run in same)
            together = Ensemble([run.recognizer for run in same])
            found.append(
                Contestant(name, same[0].file, together, resized=False, hashes=hashes, seed=None)
            )
    return found


def measure_cost(recognizer: Recognizer, file: Path) -> dict[str, float]:
    """Measure what a network costs, whose weights are in a file.

    Returns:
        `parameters`, `megabytes` of the file (10^6 bytes) and `milliseconds`, the median
        processor time from a sketch of 500x500 to the answer.
    """
    rng = np.random.default_rng(0)
    angle = np.linspace(0.5, 6.5, 40)
    ring = [500 + 450 * np.column_stack([np.cos(angle), np.sin(angle)])]
    pads = [sketch(ring, rng) for _ in range(60)]
    return {
        "parameters": networks.parameter_count(networks.find(recognizer.weights.config.network)),
        "megabytes": file.stat().st_size / 1e6,
        "milliseconds": 1000 * median_seconds(recognizer.predict, pads),
    }
