"""Sets of weights: their files, and the checks that they must pass before use.

A set is a folder, or one commit of a repository on the Hub, with six files:

- `model.safetensors`: weights of the network that classifies a digit;
- `finder.safetensors`: weights of the network that finds digits in a picture;
- `extractor.safetensors`: weights of the network that separates their ink;
- `line_reader.safetensors`: weights of the network that reads a line;
- `config.json`: the network that classifies a digit, its calibration, and the SHA-256 of each
  network's file;
- `metrics.json`: measurements of the set.

The architectures are code of this project, in `digits.networks`; `digits.layers.shapes` defines the
names and shapes of their tensors. No part of a set is ever executed, so a hostile set can give
wrong answers but do no other harm.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from digits.layers import Shape, Tensors, shapes
from digits.networks import BESIDE, NETWORKS

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
HASHES = {WEIGHTS_FILE: "sha256"} | {f"{name}.safetensors": f"{name}_sha256" for name in BESIDE}
"""The networks' files, and the keys of `config.json` with their SHA-256."""

FILES = (CONFIG_FILE, METRICS_FILE, *HASHES)
BUNDLED = Path(__file__).parent / "bundled"

MAX_WEIGHTS_BYTES = 16 * 2**20
MAX_JSON_BYTES = 2**20
TEMPERATURES = (0.01, 100.0)
_DTYPES = {"F32": "<f4", "F16": "<f2"}
"""Data types of stored weights: safetensors' name and NumPy's."""

_T = TypeVar("_T")


class WeightsError(Exception):
    """A set of weights is invalid; the text says what was expected and received."""


@dataclass(frozen=True)
class Config:
    """The keys of `config.json` that the app uses; there may be others.

    Attributes:
        network: A key of `digits.networks.NETWORKS`.
        temperature: Divides the logits; 1 leaves them unchanged.
        rejection_threshold: Score in `[0, 1]` below which an answer is rejected.
        sha256: Of `model.safetensors`, 64 lower-case hexadecimal digits.
        finder_sha256: Of `finder.safetensors`.
        extractor_sha256: Of `extractor.safetensors`.
        line_reader_sha256: Of `line_reader.safetensors`.
    """

    network: str
    temperature: float
    rejection_threshold: float
    sha256: str
    finder_sha256: str
    extractor_sha256: str
    line_reader_sha256: str


@dataclass(frozen=True)
class Origin:
    """Where a set comes from; all None for the bundled set or a local run.

    Attributes:
        repo: `owner/name` on the Hub.
        revision: The requested branch, tag or commit.
        commit: The 40-hex commit that it resolved to.
    """

    repo: str | None = None
    revision: str | None = None
    commit: str | None = None

    @property
    def label(self) -> str:
        """`bundled`, or repository and abbreviated commit: `owner/name@0123abc`."""
        return f"{self.repo}@{self.commit[:7]}" if self.repo and self.commit else "bundled"


@dataclass(frozen=True)
class Weights:
    """A verified set of weights.

    Attributes:
        tensors: Float32 arrays with the names and shapes of the network's tensors; all finite.
        finder: The same for the finder.
        extractor: The same for the extractor.
        line_reader: The same for the line reader.
        config: The checked `config.json`.
        metrics: The checked `metrics.json`; `metrics["mnist_test"]` always exists.
        origin: Where the set comes from.
    """

    tensors: Tensors
    finder: Tensors
    extractor: Tensors
    line_reader: Tensors
    config: Config
    metrics: dict[str, Any]
    origin: Origin


def load_folder(folder: Path, origin: Origin | None = None) -> Weights:
    """Check every file of a set and return it.

    Args:
        folder: Contains `FILES`.
        origin: Where the set comes from; None for the bundled one or a local run.

    Raises:
        WeightsError: If a file is missing, too large, malformed or unsafe, differs from the SHA-256
            in `config.json`, or does not fit the network.
    """
    config = parse_config(_read(folder / CONFIG_FILE, MAX_JSON_BYTES))
    metrics = parse_metrics(_read(folder / METRICS_FILE, MAX_JSON_BYTES))

    def read(name: str, network: str) -> Tensors:
        data = _read(folder / name, MAX_WEIGHTS_BYTES)
        expected, received = getattr(config, HASHES[name]), hashlib.sha256(data).hexdigest()
        if received != expected:
            raise WeightsError(
                f"{name} is not the file that {CONFIG_FILE} names. "
                f"Expected SHA-256 {expected}. Received: {received}"
            )
        return parse_tensors(data, network)

    return Weights(
        tensors=read(WEIGHTS_FILE, config.network),
        **{name: read(f"{name}.safetensors", name) for name in BESIDE},
        config=config,
        metrics=metrics,
        origin=origin or Origin(),
    )


def parse_config(text: bytes) -> Config:
    """Check `config.json` and return it.

    Raises:
        WeightsError: If it is not JSON, lacks a key, or a value has a wrong type or range.
    """
    values = _parse_object(text, CONFIG_FILE)
    return Config(
        network=_value(values, "network", str, CONFIG_FILE),
        temperature=_number(values, "temperature", *TEMPERATURES, CONFIG_FILE),
        rejection_threshold=_number(values, "rejection_threshold", 0.0, 1.0, CONFIG_FILE),
        **{key: _sha256(values, key) for key in HASHES.values()},
    )


def parse_metrics(text: bytes) -> dict[str, Any]:
    """Check the part of `metrics.json` that the page shows, and return all its content.

    Raises:
        WeightsError: If it is not JSON, or `mnist_test` is missing or contradicts itself.
    """
    metrics = _parse_object(text, METRICS_FILE)
    test = _value(metrics, "mnist_test", dict, METRICS_FILE)
    count = _value(test, "count", int, METRICS_FILE)
    errors = _value(test, "errors", int, METRICS_FILE)
    accuracy = _number(test, "top1_accuracy", 0.0, 1.0, METRICS_FILE)
    if not 0 <= errors <= count or count == 0:
        _refuse(METRICS_FILE, "errors", f"0 to count={count}, and a count", errors)
    # Accuracies may be stored rounded to four places.
    if abs(accuracy - (1 - errors / count)) > 1e-4:
        _refuse(METRICS_FILE, "top1_accuracy", f"{1 - errors / count}", accuracy)
    return metrics


def parse_tensors(data: bytes, network: str) -> Tensors:
    """Read the weights of a network.

    Args:
        data: Content of a safetensors file; half precision is converted.
        network: Name of the network that they must fit, in `NETWORKS` or `BESIDE`.

    Returns:
        Float32 arrays with the names and shapes of the network's tensors.

    Raises:
        WeightsError: If the network is unknown, the file is damaged, a tensor is missing,
            unexpected or of the wrong shape, or a number is not finite.
    """
    known = NETWORKS | BESIDE
    if network not in known:
        _refuse(CONFIG_FILE, "network", f"one of {', '.join(NETWORKS)}", network)
    name = f"{network}.safetensors" if network in BESIDE else WEIGHTS_FILE
    expected = shapes(known[network])
    try:
        found = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, UnicodeError) as error:
        raise WeightsError(
            f"Expected {name} to be an intact safetensors file. Received: {_one_line(error)}"
        ) from error
    problem = f"{name} does not fit the network {network}"
    for key in sorted(expected.keys() | found.keys()):
        _check_tensor(key, found.get(key), expected.get(key), problem)
    return {key: _array(key, entry) for key, entry in found.items()}


def serialize(tensors: Tensors, *, half: bool = False) -> bytes:
    """Convert weights to safetensors, optionally in half precision; the bytes are reproducible."""
    kind = np.float16 if half else np.float32
    return safetensors.numpy.save({key: array.astype(kind) for key, array in tensors.items()})


def _check_tensor(
    key: str, entry: Mapping[str, Any] | None, shape: Shape | None, problem: str
) -> None:
    if entry and tuple(entry["shape"]) == shape and entry["dtype"] in _DTYPES:
        return
    expected = f"shape={shape} F32 or F16" if shape else "nothing"
    received = f"shape={tuple(entry['shape'])} {entry['dtype']}" if entry else "nothing"
    raise WeightsError(f"{problem}: at {key[:80]!r} expected {expected}. Received: {received[:80]}")


def _array(name: str, entry: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    numbers = np.frombuffer(entry["data"], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    if not np.isfinite(numbers).all():
        raise WeightsError(f"Expected finite numbers. Received: NaN or infinity in {name}")
    return numbers.astype(np.float32)


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise WeightsError(
            f"Expected a readable file {path.name}. Received: {error.strerror}"
        ) from error
    if len(data) > limit_bytes:
        raise WeightsError(f"Expected at most {limit_bytes} bytes of {path.name}. Received: more")
    return data


def _parse_object(text: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"Expected {name} to be JSON. Received: {_one_line(error)}") from error
    if not isinstance(value, dict):
        raise WeightsError(f"Expected {name} to be an object. Received: {type(value).__name__}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _value(values: Mapping[str, Any], key: str, kind: type[_T], name: str) -> _T:
    value = values.get(key)
    # A bool is an int in Python, but not a count of errors.
    if not isinstance(value, kind) or isinstance(value, bool):
        _refuse(name, key, kind.__name__, value)
    return value


def _sha256(values: Mapping[str, Any], key: str) -> str:
    value = _value(values, key, str, CONFIG_FILE)
    if not re.fullmatch("[0-9a-f]{64}", value):
        _refuse(CONFIG_FILE, key, "64 hexadecimal digits", value)
    return value


def _number(values: Mapping[str, Any], key: str, low: float, high: float, name: str) -> float:
    value = values.get(key)
    # Numbers that overflow to infinity are outside every range too.
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        _refuse(name, key, f"a number from {low} to {high}", value)
    return float(value)


def _refuse(name: str, key: str, expected: str, received: object) -> NoReturn:
    shown = repr(received)[:80]
    raise WeightsError(f"{name} has a wrong {key}. Expected {expected}. Received: {shown}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
