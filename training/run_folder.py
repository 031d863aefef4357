"""The folder of a training run, which survives a kill or a full disk.

Every file except the log is replaced atomically. `metrics.json` is written last: a run that has it
is finished.
"""

import errno
import hashlib
import io
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from digits.recognizer import Recognizer
from digits.weights import CONFIG_FILE, HASHES, METRICS_FILE, WeightsError, load_folder
from training.console import UserError
from training.quiet_imports import KERAS_LOG, only_errors

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

RECIPE_FILE = "recipe.json"
HISTORY_FILE = "history.csv"
LOG_FILE = "log.jsonl"
CHECKPOINT_FILE = "checkpoint.npz"

Row = dict[str, float]
"""Metrics of one epoch by name; `epoch` counts from 1."""

_PARTIAL = ".partial-"


class RunFolder:
    """The files of a run, in an existing folder; `open` also creates and checks it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path, configuration: Mapping[str, Any], notes: Mapping[str, Any]) -> Self:
        """Create the folder and its parents, or resume the run that it holds.

        Args:
            path: The folder.
            configuration: Everything that determines the result, as JSON types.
            notes: Values to record that may differ when a run is resumed, such as versions.

        Raises:
            UserError: If the folder cannot be used, holds a run of another configuration, or holds
                files that are not a run's.
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
                f"cannot write to the run folder {path} ({error.strerror}): use another with --run"
            ) from error
        return run

    @property
    def is_finished(self) -> bool:
        """Whether the run is finished."""
        return (self.path / METRICS_FILE).is_file()

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file."""
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file; NaN and infinity, which are not standard JSON, are rejected."""
        self.write_bytes(name, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file atomically.

        Raises:
            OSError: If it cannot be written; its `filename` is the file.
        """
        path = self.path / name
        partial = path.with_name(f"{_PARTIAL}{path.name}")
        try:
            partial.write_bytes(content)
            _flush(partial)
            partial.replace(path)
        except OSError as error:
            error.filename = str(path)
            raise
        finally:
            partial.unlink(missing_ok=True)

    def write_figure(self, name: str, figure: "Figure") -> None:
        """Write a figure as PNG; equal figures give equal bytes."""
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        self.write_bytes(name, png.getvalue())

    def write_history(self, rows: Sequence[Row]) -> None:
        """Write the metrics of all epochs as CSV, one line per epoch."""
        lines = [",".join(rows[0]), *(",".join(f"{x:.6g}" for x in row.values()) for row in rows)]
        self.write_bytes(HISTORY_FILE, ("\n".join(lines) + "\n").encode())

    def complete(self, base: Path) -> dict[str, str]:
        """Copy the networks that the run did not train from the set in another folder.

        Returns:
            SHA-256 of each network's file, by its key in `config.json`.
        """
        for name in HASHES:
            if not (self.path / name).is_file():
                self.write_bytes(name, (base / name).read_bytes())
        return {
            key: hashlib.sha256((self.path / name).read_bytes()).hexdigest()
            for name, key in HASHES.items()
        }

    def become_set(self, base: Path, name: str, scores: Mapping[str, Any]) -> None:
        """Turn a run that trained one network into a complete set of weights.

        Args:
            base: Folder of the set that provides the other networks.
            name: Name of the trained network in `metrics.json`.
            scores: Metrics of the trained network.
        """
        config = json.loads((base / CONFIG_FILE).read_text("utf-8"))
        self.write_json(CONFIG_FILE, config | self.complete(base))
        metrics = json.loads((base / METRICS_FILE).read_text("utf-8"))
        self.write_json(METRICS_FILE, metrics | {name: scores})

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to `log.jsonl`, and print it with the time of day."""
        text = json.dumps(line)
        with (self.path / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        print(time.strftime("%H:%M:%S"), text, flush=True)

    def save_legacy_h5(self, name: str, model: "keras.Model") -> None:
        """Save a model in the format before Keras 3, which `load_weights` still reads."""
        with tempfile.TemporaryDirectory() as folder, only_errors(KERAS_LOG):
            model.save(Path(folder, name), include_optimizer=False)
            self.write_bytes(name, Path(folder, name).read_bytes())

    def save_checkpoint(self, model: "keras.Model", rows: Sequence[Row]) -> None:
        """Save the state of a compiled model after an epoch, replacing the previous checkpoint."""
        content = io.BytesIO()
        np.savez(content, *(each.numpy() for each in _state(model)), history=json.dumps(rows))
        self.write_bytes(CHECKPOINT_FILE, content.getvalue())

    def restore_checkpoint(self, model: "keras.Model") -> list[Row]:
        """Load the checkpoint of the last complete epoch, if any, into a compiled model.

        Returns:
            Metrics of each epoch so far.

        Raises:
            UserError: If the checkpoint does not fit the network.
        """
        path = self.path / CHECKPOINT_FILE
        if not path.is_file():
            return []
        with np.load(path) as state:
            rows: list[Row] = json.loads(state["history"].item())
            arrays = [state[name] for name in state.files if name != "history"]
        variables = _state(model)
        if [array.shape for array in arrays] != [tuple(each.shape) for each in variables]:
            raise UserError(
                f"{path} does not fit this version of the network: delete the run folder, or use "
                "another with --run"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return rows

    def remove_checkpoint(self) -> None:
        """Delete the checkpoint, which only an unfinished run needs."""
        (self.path / CHECKPOINT_FILE).unlink(missing_ok=True)

    def _clean(self) -> None:
        """Delete what a kill left behind: partial files, and a finished run's checkpoint."""
        if self.is_finished:
            self.remove_checkpoint()
        for partial in self.path.glob(f"{_PARTIAL}*"):
            partial.unlink()

    def _agree(self, configuration: dict[str, Any], notes: dict[str, Any]) -> None:
        """Record the configuration, or check that it is the recorded one."""
        if (self.path / RECIPE_FILE).is_file():
            try:
                found = self.read_json(RECIPE_FILE)
            except ValueError as error:
                raise UserError(
                    f"{self.path / RECIPE_FILE} is damaged: delete the folder, or use another with "
                    "--run"
                ) from error
            found = {key: value for key, value in found.items() if key not in notes}
            if found != configuration:
                raise UserError(
                    f"{self.path} holds a run of another configuration "
                    f"({_difference(found, configuration)}): use another folder with --run, or "
                    "delete this one"
                )
        elif any(self.path.iterdir()):
            raise UserError(f"{self.path} is not empty and holds no run: use another with --run")
        else:
            self.write_json(RECIPE_FILE, {**configuration, **notes})


def load_run(folder: Path, problem: str | None = None, *, self_test: bool = False) -> Recognizer:
    """Load the weights of a run as the app would.

    Args:
        folder: A complete set of weights.
        problem: Start of the error message.
        self_test: Whether to run the app's self-test on known digits too.

    Raises:
        UserError: If the app would reject the weights.
    """
    try:
        recognizer = Recognizer(load_folder(folder))
        if self_test:
            recognizer.self_test()
    except WeightsError as error:
        problem = problem or f"the weights in {folder} cannot be used"
        raise UserError(f"{problem}: {error}") from error
    return recognizer


def _flush(path: Path) -> None:
    """Flush a file to disk before it is renamed: a power failure must not leave it empty."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _state(model: "keras.Model") -> list["keras.Variable"]:
    """Return the weights of a compiled model, and its optimizer's state."""
    return [*model.weights, *model.optimizer.variables]


def _difference(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Describe the differences between two configurations, recipes key by key."""
    differences = []
    for key in sorted({*found, *asked}):
        there, wanted = found.get(key), asked.get(key)
        if isinstance(there, Mapping) and isinstance(wanted, Mapping):
            differences.append(_difference(there, wanted))
        elif there != wanted:
            differences.append(f"{key} is {there}, not {wanted}")
    return ", ".join(filter(None, differences))
