"""The folder that a training run leaves, and how it survives a kill or a full disk.

Every file is written beside its place and then moved there, so that it is either the old or the new
one. `metrics.json` comes last: a folder that has it is finished.
"""

import errno
import hashlib
import io
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from digits.weights import CONFIG_FILE, HASHES, METRICS_FILE
from training.console import UserError
from training.quiet_imports import KERAS_LOG, only_errors

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

RECIPE_FILE = "recipe.json"
HISTORY_FILE = "history.csv"
LOG_FILE = "log.jsonl"
CHECKPOINT_FOLDER = "checkpoint"

Row = dict[str, float]
"""What one epoch measured, by name; `epoch` counts from 1."""

_PARTIAL = ".partial-"
_STATE_FILE = "state.json"
_PICTURES_BYTES = 2**20
_HDF5_OVERHEAD_BYTES = 2**18  # names, attributes and the groups of the largest network here


class RunFolder:
    """One run's files, in a folder as it is; `open` also makes and checks it."""

    def __init__(self, path: Path) -> None:
        """Take a folder as it is; `open` also makes and checks it."""
        self.path = path

    @classmethod
    def open(cls, path: Path, configuration: Mapping[str, Any], notes: Mapping[str, Any]) -> Self:
        """Make the folder and its parents, or take up the run that it holds.

        Args:
            path: Of the folder.
            configuration: All that decides the result, as JSON knows it.
            notes: What is worth keeping, but may differ when a run is taken up: versions.

        Raises:
            UserError: If the folder cannot be used, holds a run of another configuration, or files
                that no run made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            run = cls(path)
            run._clean()
            run._agree(dict(configuration), dict(notes))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            raise UserError(
                f"cannot write to the run folder {path} ({error.strerror}): give another by --run"
            ) from error
        return run

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / METRICS_FILE).is_file()

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the folder's JSON files."""
        content: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return content

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file; numbers that are none are refused, as no other reader knows them."""
        self.write_bytes(name, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        with _replacing(self.path / name) as partial, partial.open("wb") as file:
            file.write(content)

    def write_figure(self, name: str, figure: "Figure") -> None:
        """Write a figure as PNG; the same figure gives the same bytes."""
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        self.write_bytes(name, png.getvalue())

    def write_history(self, rows: Sequence[Row]) -> None:
        """Write what each epoch measured as a table, one line an epoch."""
        lines = [",".join(rows[0]), *(",".join(f"{x:.6g}" for x in row.values()) for row in rows)]
        self.write_bytes(HISTORY_FILE, ("\n".join(lines) + "\n").encode())

    def complete(self, base: Path) -> dict[str, str]:
        """Take the networks that the run did not train from the set in another folder.

        Returns:
            The SHA-256 of all networks' files, by their keys in `config.json`.
        """
        for name in HASHES:
            if not (self.path / name).is_file():
                self.write_bytes(name, (base / name).read_bytes())
        return {
            key: hashlib.sha256((self.path / name).read_bytes()).hexdigest()
            for name, key in HASHES.items()
        }

    def become_set(self, base: Path, name: str, scores: Mapping[str, Any]) -> None:
        """Make a run that trained one of a set's networks a whole set.

        Args:
            base: Folder of the set that the others are taken from.
            name: Of the network that the run trained, in `metrics.json`.
            scores: What was measured of it.
        """
        config = json.loads((base / CONFIG_FILE).read_text("utf-8"))
        self.write_json(CONFIG_FILE, config | self.complete(base))
        metrics = json.loads((base / METRICS_FILE).read_text("utf-8"))
        self.write_json(METRICS_FILE, metrics | {name: scores})

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to `log.jsonl`, and print it with the time."""
        text = json.dumps(line)
        with (self.path / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        print(time.strftime("%H:%M:%S"), text, flush=True)

    def require_space(self, model: "keras.Model") -> None:
        """See to it that no epoch of a compiled model is computed that cannot be kept.

        Raises:
            OSError: If the disk does not hold two checkpoints, the weights and the pictures.
        """
        _require_space(self.path, 3 * _size(model) + _PICTURES_BYTES)

    def save_weights(self, name: str, model: "keras.Model") -> None:
        """Write `NAME.weights.h5`: weights, and the optimizer's state if the model is compiled."""
        with _replacing(self.path / name, _size(model)) as partial:
            model.save_weights(partial)

    def save_legacy_h5(self, name: str, model: "keras.Model") -> None:
        """Write `NAME.h5` in the format before Keras 3, which `load_weights` reads too."""
        with only_errors(KERAS_LOG), _replacing(self.path / name, _size(model)) as partial:
            model.save(partial, include_optimizer=False)

    def save_checkpoint(self, model: "keras.Model", rows: Sequence[Row]) -> None:
        """Keep the state after an epoch; the one before it is kept until this one is complete."""
        self._checkpoint.mkdir(exist_ok=True)
        weights = f"epoch-{len(rows):04d}.weights.h5"
        self.save_weights(f"{CHECKPOINT_FOLDER}/{weights}", model)
        state = {"weights": weights, "history": list(rows)}
        self.write_json(f"{CHECKPOINT_FOLDER}/{_STATE_FILE}", state)
        for old in self._checkpoint.glob("epoch-*.weights.h5"):
            if old.name != weights:
                old.unlink()

    def restore_checkpoint(self, model: "keras.Model") -> list[Row]:
        """Load the state after the last complete epoch, if there is one, into a compiled model.

        Returns:
            What each epoch so far measured.

        Raises:
            UserError: If the checkpoint does not fit the network.
        """
        if not (self._checkpoint / _STATE_FILE).is_file():
            return []
        state = self.read_json(f"{CHECKPOINT_FOLDER}/{_STATE_FILE}")
        try:
            model.load_weights(self._checkpoint / state["weights"])
        except (ValueError, OSError) as error:
            raise UserError(
                f"the checkpoint in {self._checkpoint} does not fit this version of the network: "
                "delete the run folder, or give another by --run"
            ) from error
        rows: list[Row] = state["history"]
        return rows

    def remove_checkpoint(self) -> None:
        """Delete what only an unfinished run needs."""
        shutil.rmtree(self._checkpoint, ignore_errors=True)

    @property
    def _checkpoint(self) -> Path:
        return self.path / CHECKPOINT_FOLDER

    def _clean(self) -> None:
        """Delete what a kill left half-written, or would have been deleted next."""
        if self.is_finished:
            self.remove_checkpoint()
        for folder in (self.path, self._checkpoint):
            for partial in folder.glob(f"{_PARTIAL}*"):
                partial.unlink()

    def _agree(self, configuration: dict[str, Any], notes: dict[str, Any]) -> None:
        """Write down the configuration, or see that it is the one written down."""
        if (self.path / RECIPE_FILE).is_file():
            try:
                found = self.read_json(RECIPE_FILE)
            except ValueError as error:
                raise UserError(
                    f"{self.path / RECIPE_FILE} is damaged: delete the folder, or give another by "
                    "--run"
                ) from error
            found = {key: value for key, value in found.items() if key not in notes}
            if found != configuration:
                raise UserError(
                    f"{self.path} holds a run of another configuration "
                    f"({_difference(found, configuration)}): give another folder by --run, or "
                    "delete this one"
                )
        elif any(self.path.iterdir()):
            raise UserError(
                f"{self.path} is not empty and holds no run: give another folder by --run"
            )
        else:
            self.write_json(RECIPE_FILE, {**configuration, **notes})


@contextmanager
def _replacing(path: Path, size_bytes: int = 0) -> Iterator[Path]:
    """Give a place to write to, which takes the place of `path` when all went well.

    The HDF5 library reports a full disk by a page of its own complaints: `size_bytes`, which are
    going to be written, keep it from coming to that.

    Raises:
        OSError: If it cannot be written; names `path`.
    """
    partial = path.with_name(f"{_PARTIAL}{path.name}")
    try:
        _require_space(path.parent, size_bytes)
        yield partial
        _flush(partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        # HDF5 on closing a file only puts the system's error number into the text.
        told = re.search(r"errno = (\d+)", str(error))
        number = getattr(error, "errno", None) or (int(told[1]) if told else None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def _require_space(folder: Path, size_bytes: int) -> None:
    if shutil.disk_usage(folder).free < size_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _flush(path: Path) -> None:
    """Bring the bytes to the disk before the name: a power cut must not leave an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _size(model: "keras.Model") -> int:
    """Estimate from above the bytes of a weights file of the network, and of its optimizer."""
    optimizer = getattr(model, "optimizer", None)  # only a compiled network has one
    variables = [*model.weights, *(optimizer.variables if optimizer else ())]
    numbers: int = sum(math.prod(variable.shape) for variable in variables)
    return _HDF5_OVERHEAD_BYTES + 4 * numbers


def _difference(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Name what differs between two configurations, recipes key by key."""
    told = []
    for key in sorted({*found, *asked}):
        there, wanted = found.get(key), asked.get(key)
        if isinstance(there, Mapping) and isinstance(wanted, Mapping):
            told.append(_difference(there, wanted))
        elif there != wanted:
            told.append(f"{key} {there} there, {wanted} asked for")
    return ", ".join(filter(None, told))
