"""Exports of a set of weights, described by `exports.json` beside the files."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import huggingface_hub.constants

from digits import hub, weights
from digits.ink import InkArray
from digits.weights import BUNDLED, Weights, WeightsError
from training.console import UserError
from training.data.mnist import Mnist

EXPORTS_FILE = "exports.json"
FORMATS = {
    "keras": "digits.keras",
    "h5": "digits.h5",
    "savedmodel": "saved_model",
    "tflite": "digits.tflite",
    "tflite-int8": "digits-int8.tflite",
    "onnx": "digits.onnx",
}
"""File or folder of each format, by name."""

FOLDER = "exports"
"""Their folder in a run folder and in a model repository."""

Notes = dict[str, Any]
"""The contents of `exports.json`."""

_TITLES = {"mnist_test": "MNIST test", "drawn": "drawn"}


def export(
    found: Weights, folder: Path, formats: Iterable[str], calibration: Callable[[], InkArray]
) -> Notes:
    """Write formats, keys of `FORMATS`; other formats of the same weights in the folder are kept.

    `calibration` returns the images that fit the 8-bit ranges; only `tflite-int8` calls it.

    Returns:
        The contents of the folder, as in `exports.json`.
    """
    # TensorFlow takes seconds to import: errors that do not need it are raised before.
    from training.export.formats import description  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    notes = read(folder)
    if notes is None or not is_of(notes, found):
        notes = {**description(found), "maker": _maker(), "formats": {}}
        for place in FORMATS.values():
            _remove(folder / place)
    makers = ("tensorflow-cpu", "keras", "onnx")
    notes["versions"] = {name: metadata.version(name) for name in makers}
    for name in formats:
        path = folder / FORMATS[name]
        _remove(path)
        write_format(name, found, path, calibration)
        notes["formats"][name] = {"files": _hashes(folder, path)}
        notes.pop("checked", None)
    write(folder, notes)
    return notes


def write_format(
    name: str, found: Weights, path: Path, calibration: Callable[[], InkArray]
) -> None:
    """Write one of `FORMATS` to a file or folder."""
    from training.export import formats  # noqa: PLC0415

    model = formats.calibrated(found)
    match name:
        case "keras":
            formats.write_keras(model, path)
        case "h5":
            formats.write_h5(model, path)
        case "savedmodel":
            formats.write_saved_model(model, path, found.config.rejection_threshold)
        case "onnx":
            formats.write_onnx(found, path)
        case "tflite":
            formats.write_litert(model, path)
        case "tflite-int8":
            formats.write_litert(model, path, calibration())
        case _:
            raise ValueError(f"Expected one of {', '.join(FORMATS)}. Received: name={name!r}")


def calibration_images(mnist: Mnist) -> InkArray:
    """Generate training samples: augmented MNIST training digits and some non-digits.

    Returns:
        `(400, 28, 28, 1)` float32 in `[0, 1]`, always the same.
    """
    from training.augmentation import EVERYTHING  # noqa: PLC0415
    from training.data.batches import EpochBatches  # noqa: PLC0415

    images, labels = mnist.train_images, mnist.train_labels
    return EpochBatches(images, labels, 400, 0, EVERYTHING)[0][0]


def complete(folder: Path, found: Weights) -> Notes | None:
    """Return the notes of a folder that holds every format of these weights, unchanged, or None."""
    notes = read(folder)
    if notes is None or not is_of(notes, found):
        return None
    there = {name: {"files": _hashes(folder, folder / place)} for name, place in FORMATS.items()}
    return notes if notes["formats"] == there else None


def checked(found: Weights, folder: Path, mnist: Mnist, drawn: Path | None = None) -> Notes:
    """Compare the exports in a folder with the app and record the result there as `checked`.

    Uses MNIST's test images and, if the folder `drawn` is given, its recorded pen strokes.
    """
    from training.export import check  # noqa: PLC0415 - its runtimes

    notes = read(folder) or {"formats": {}}
    paths = {name: folder / FORMATS[name] for name in notes["formats"]}
    notes["checked"] = check.check(found, paths, mnist, drawn)
    write(folder, notes)
    return notes


def read(folder: Path) -> Notes | None:
    """Read `exports.json`; None if it is missing or invalid."""
    try:
        notes = json.loads((folder / EXPORTS_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    is_ours = isinstance(notes, dict) and isinstance(notes.get("formats"), dict)
    return notes if is_ours else None


def write(folder: Path, notes: Mapping[str, Any]) -> None:
    """Write `exports.json`."""
    (folder / EXPORTS_FILE).write_text(json.dumps(notes, indent=1, sort_keys=True) + "\n")


def size(notes: Mapping[str, Any], name: str) -> int:
    """Return the size of a format in bytes."""
    return sum(file["bytes"] for file in notes["formats"][name]["files"].values())


def cells(notes: Mapping[str, Any]) -> list[list[str]]:
    """Return rows of text, header first: sizes and, if checked, times and agreement."""
    checked = notes.get("checked", {}).get("formats", {})
    shown = [name for name in _TITLES if any(name in figures for figures in checked.values())]
    header = ["format", "kB", *(["ms a picture", "ms in batches"] if checked else [])]
    for name in shown:
        header += [f"{_TITLES[name]}: largest difference", "other answers", "misread"]
    rows = [header]
    for name in (name for name in FORMATS if name in notes["formats"]):
        row = [f"`{FORMATS[name]}`", f"{size(notes, name) / 1000:,.0f}"]
        if figures := checked.get(name):
            row += [f"{figures[key]:.2f}" for key in ("milliseconds", "milliseconds_in_batches")]
            for compared in (figures[key] for key in shown):
                row += [
                    f"{compared['largest_difference']:.1g}",
                    f"{compared['other_answers']} of {compared['count']:,}",
                    f"{compared['errors']} (app {compared['app_errors']})",
                ]
        rows.append(row + ["-"] * (len(header) - len(row)))
    return rows


def is_of(notes: Mapping[str, Any], found: Weights) -> bool:
    """Return whether the notes describe exports of these weights by this code."""
    config = found.config
    expected = {
        "weights_sha256": config.sha256,
        "temperature": repr(config.temperature),
        "rejection_threshold": repr(config.rejection_threshold),
        "maker": _maker(),
    }
    return {key: notes.get(key) for key in expected} == expected


def _maker() -> str:
    """SHA-256 of this package's code, so that exports of older code are replaced."""
    code = map(Path(__file__).with_name, ("exports.py", "formats.py", "check.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()


def _hashes(folder: Path, path: Path) -> dict[str, dict[str, Any]]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {
        file.relative_to(folder).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in files
        if file.is_file()
    }


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def find(target: str | None) -> tuple[Weights, Path]:
    """Load the weights of a run folder, of `OWNER/NAME[@REVISION]` on the Hub, or the bundled ones.

    Returns:
        The weights and the default folder for their exports.

    Raises:
        UserError: If they are missing or fail a check.
    """
    try:
        if target is None:
            return weights.load_folder(BUNDLED), Path("runs", "bundled", FOLDER)
        if Path(target).is_dir():
            return weights.load_folder(Path(target)), Path(target, FOLDER)
        repo, _, revision = target.partition("@")
        cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
        found = hub.fetch(repo, revision or "main", cache=cache)
        return found, Path("runs", found.origin.label.replace("/", "--"), FOLDER)
    except WeightsError as error:
        raise UserError(f"the weights of {target or BUNDLED} cannot be used: {error}") from error
    except hub.HubError as error:
        raise UserError(
            f"{target} is not a folder, and cannot be downloaded from the Hub: {error}"
        ) from error
