"""Models under evaluation: sets of weights with either preprocessing, and ensembles of runs."""

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
    """Mean of the calibrated probabilities of several recognizers of one network.

    The first member decides what is rejected, reads lines and explains.
    """

    def __init__(self, members: Sequence[Recognizer]) -> None:
        super().__init__(members[0].weights)
        self.members = tuple(members)

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Same as `Recognizer.predict_images`, averaged over the members."""
        rows = [member.predict_images(images) for member in self.members]
        return np.mean(rows, axis=0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Contestant:
    """A set of weights and the preprocessing it is evaluated with.

    Attributes:
        name: Name of the network, or `SERVED`.
        file: File of the weights.
        recognizer: Recognizer with these weights.
        resized: Whether pictures are only resized to 28x28, as in the usual demo.
        hashes: SHA-256 of the weights; those of all members for an ensemble, joined by `+`.
        seed: Seed of the run, if recorded; None for an ensemble.
    """

    name: str
    file: Path
    recognizer: Recognizer
    resized: bool
    hashes: str
    seed: int | None

    @property
    def preprocessing(self) -> str:
        """Name of the preprocessing in `results.json`."""
        return PLAIN_RESIZE if self.resized else THIS_PROJECT

    @property
    def key(self) -> Hashable:
        """Equal for contestants with equal answers: several folders may hold the same weights."""
        return self.hashes, self.recognizer.weights.config, self.resized


def find(targets: Sequence[str]) -> list[Path]:
    """Resolve targets to run folders; the name of a network means its finished runs in `runs/`.

    Without targets: all finished runs there, or the bundled weights if there are none.

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
    """Load the served weights, the runs and the bundled demos, each with both preprocessings.

    Several runs of one network are also evaluated as an ensemble, never with a plain resize. A
    bundled demo is evaluated only if its network has no run.
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
    """Measure size and speed of a network whose weights are stored in `file`.

    Returns:
        `parameters`, `megabytes` of the file (10^6 bytes) and `milliseconds`, the median
        processor time from a 500x500 sketch to the answer.
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
