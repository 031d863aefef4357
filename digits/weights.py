"""Sets of weights: what one consists of, and the checks it passes before anything is computed.

A set is a folder, or one commit of a repository on the Hub, with three files:

- `model.weights.h5`: the numbers alone, as Keras' `save_weights` writes them;
- `config.json`: which network they belong to, how its answers are calibrated, their SHA-256;
- `metrics.json`: what was measured with them.

The architecture is code of this project (`digits.networks`). Nothing of a set is ever executed or
deserialized into a model, so a hostile set can be wrong but not do harm.
"""

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import h5py

from digits import hub

WEIGHTS_FILE = "model.weights.h5"
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
FILES = (CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE)
BUNDLED = Path(__file__).parent / "bundled"

MAX_WEIGHTS_BYTES = 64 * 2**20
MAX_JSON_BYTES = 2**20
# The largest network here has about 60 groups; a file with thousands was not written for it.
MAX_HDF5_OBJECTS = 5_000
TEMPERATURES = (0.01, 100.0)

# Shape and dtype name of each array of an HDF5 file, by its path in the file.
Layout = dict[str, tuple[tuple[int, ...], str]]
_T = TypeVar("_T")


class WeightsError(Exception):
    """A set of weights that must not be used; the text says what was expected and received."""


@dataclass(frozen=True)
class Config:
    """The contents of `config.json`.

    Attributes:
        network: A key of `digits.networks.NETWORKS`.
        temperature: Divides the logits; 1 leaves them as they are.
        refuse_below: Score in `[0, 1]` below which an answer is withheld.
        sha256: Of `model.weights.h5`, 64 lower-case hexadecimal digits.
        more: Every other key, as it was read.
    """

    network: str
    temperature: float
    refuse_below: float
    sha256: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Where a set comes from; all None for the one that lies beside this code.

    Attributes:
        repo: `owner/name` on the Hub.
        revision: What was asked for: a branch, a tag or a commit.
        commit: The 40-hex commit that it stood for.
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
        path: `model.weights.h5`, whose SHA-256, safety and shapes were checked.
        config: The checked `config.json`.
        metrics: The checked `metrics.json`; `metrics["mnist_test"]` is always there.
        origin: Where it comes from.
    """

    path: Path
    config: Config
    metrics: dict[str, Any]
    origin: Origin


def load_folder(folder: Path, origin: Origin | None = None) -> Weights:
    """Check every file of a set and return it.

    Args:
        folder: Holds the files `FILES`.
        origin: Where the set comes from; None for the bundled one or a local run.

    Raises:
        WeightsError: If a file is missing, too large, malformed, unsafe, does not have the SHA-256
            that `config.json` names, or does not fit the network.
    """
    config = parse_config(_read(folder / CONFIG_FILE, MAX_JSON_BYTES))
    metrics = parse_metrics(_read(folder / METRICS_FILE, MAX_JSON_BYTES))
    path = folder / WEIGHTS_FILE
    data = _read(path, MAX_WEIGHTS_BYTES)
    received = hashlib.sha256(data).hexdigest()
    if received != config.sha256:
        raise WeightsError(
            f"{WEIGHTS_FILE} is not the file that {CONFIG_FILE} names. "
            f"Expected SHA-256 {config.sha256}. Received: {received}"
        )
    check_layout(read_layout(data), config.network)
    return Weights(path, config, metrics, origin or Origin())


def fetch(repo: str, revision: str, *, cache: Path, timeout_seconds: float = 60.0) -> Weights:
    """Bring the set that a revision stands for into the cache and check it.

    Args:
        repo: `owner/name` on the Hub.
        revision: Branch, tag or commit.
        cache: The Hub client's cache folder.
        timeout_seconds: Upper bound for one download.

    Raises:
        hub.HubError: If the Hub does not deliver.
        WeightsError: If what it delivers fails a check.
    """
    request = hub.Request(repo, revision, FILES, cache)
    snapshot = hub.download(request, timeout_seconds=timeout_seconds)
    return load_commit(snapshot, request, timeout_seconds)


def load_commit(snapshot: hub.Snapshot, request: hub.Request, timeout_seconds: float) -> Weights:
    """Check a downloaded set; take its files once more if what lies in the cache is damaged.

    A killed process or a bad disk can leave wrong bytes in the cache under the right name, where
    the Hub's client would find them for ever.

    Raises:
        hub.HubError: If the second download fails.
        WeightsError: If the set fails a check both times.
    """
    origin = Origin(request.repo, request.revision, snapshot.commit)
    try:
        return load_folder(_folder(snapshot), origin)
    except WeightsError:
        again = replace(request, revision=snapshot.commit, have=frozenset(), force=True)
        return load_folder(_folder(hub.download(again, timeout_seconds=timeout_seconds)), origin)


def _folder(snapshot: hub.Snapshot) -> Path:
    if snapshot.folder is None:
        raise ValueError(f"Expected a downloaded snapshot. Received: {snapshot}")
    return snapshot.folder


def parse_config(text: bytes) -> Config:
    """Check `config.json` and return it.

    Raises:
        WeightsError: If it is not JSON, lacks a key, or a value has a wrong type or range.
    """
    values = _parse_object(text, CONFIG_FILE)
    config = Config(
        network=_value(values, "network", str, CONFIG_FILE),
        temperature=_number(values, "temperature", *TEMPERATURES, CONFIG_FILE),
        refuse_below=_number(values, "refuse_below", 0.0, 1.0, CONFIG_FILE),
        sha256=_value(values, "sha256", str, CONFIG_FILE),
        more={key: values[key] for key in values.keys() - Config.__dataclass_fields__.keys()},
    )
    if not re.fullmatch("[0-9a-f]{64}", config.sha256):
        _refuse(CONFIG_FILE, "sha256", "64 hexadecimal digits", config.sha256)
    return config


def parse_metrics(text: bytes) -> dict[str, Any]:
    """Check the part of `metrics.json` that the page shows, and return all of it.

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


def read_layout(data: bytes) -> Layout:
    """List the arrays of an HDF5 file without reading one, and refuse what Keras never writes.

    Links out of the file, external and virtual arrays, filters and exotic types are ways to make
    a reader open other files, load code or allocate without end.

    Args:
        data: The whole file.

    Raises:
        WeightsError: If the file is no HDF5 file, is damaged, or holds anything but plain arrays.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return dict(_walk(file))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(
            f"Expected {WEIGHTS_FILE} to be an intact HDF5 file. Received: {_one_line(error)}"
        ) from error


def check_layout(layout: Layout, network: str) -> None:
    """Compare the arrays of a file with those that the network in code would save.

    Raises:
        WeightsError: If the network is unknown, or an array is missing, foreign or misshaped.
    """
    expected = network_layout(network)
    for name in sorted(expected.keys() | layout.keys()):
        if expected.get(name) != layout.get(name):
            raise WeightsError(
                f"{WEIGHTS_FILE} does not fit the network {network}: at {name} "
                f"expected {_described(expected.get(name))}. "
                f"Received: {_described(layout.get(name))}"
            )


@lru_cache
def network_layout(network: str) -> Layout:
    """Return the arrays that a network of this name saves.

    Raises:
        WeightsError: If there is no network of this name.
    """
    # Keras takes seconds: it is imported where it is needed, not by whoever needs a path.
    from digits import networks  # noqa: PLC0415

    if network not in networks.NETWORKS:
        known = ", ".join(networks.NETWORKS)
        _refuse(CONFIG_FILE, "network", f"one of {known}", network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS_FILE
        networks.build(network).save_weights(path)
        return read_layout(path.read_bytes())


def _walk(file: h5py.File) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
    waiting: list[tuple[str, h5py.Group]] = [("", file)]
    seen = 0
    while waiting:
        prefix, group = waiting.pop()
        for name in group:
            path = f"{prefix}{name}"
            seen += 1
            # Groups may contain themselves: the count ends that, whatever their shape.
            if seen > MAX_HDF5_OBJECTS:
                raise WeightsError("Expected a weights file. Received: groups without end")
            member = _member(group, name, path)
            if isinstance(member, h5py.Group):
                waiting.append((f"{path}/", member))
            else:
                yield path, _plain(member, path)


def _member(group: h5py.Group, name: str, path: str) -> h5py.Group | h5py.Dataset:
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise WeightsError(f"Expected plain arrays. Received: a link at {path[:80]}")
    member = group[name]
    if not isinstance(member, h5py.Group | h5py.Dataset):
        raise WeightsError(f"Expected plain arrays. Received: a named type at {path[:80]}")
    return member


def _plain(array: h5py.Dataset, path: str) -> tuple[tuple[int, ...], str]:
    creation = array.id.get_create_plist()
    if creation.get_external_count() or array.is_virtual or creation.get_nfilters():
        raise WeightsError(
            f"Expected plain arrays. Received: an external, virtual or filtered one at {path}"
        )
    if array.shape is None or array.dtype.kind not in "fiu":
        raise WeightsError(f"Expected arrays of numbers. Received: {array.dtype} at {path}")
    if array.nbytes > MAX_WEIGHTS_BYTES:
        raise WeightsError(
            f"Expected at most {MAX_WEIGHTS_BYTES} bytes. Received: shape={array.shape} at {path}"
        )
    return array.shape, array.dtype.name


def _described(array: tuple[tuple[int, ...], str] | None) -> str:
    return "nothing" if array is None else f"shape={array[0]} {array[1]}"


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
    # True is an int for Python, not for a count of errors.
    if not isinstance(value, kind) or isinstance(value, bool):
        _refuse(name, key, kind.__name__, value)
    return value


def _number(values: Mapping[str, Any], key: str, low: float, high: float, name: str) -> float:
    value = values.get(key)
    # JSON's infinity and not-a-number are outside of every range too.
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        _refuse(name, key, f"a number from {low} to {high}", value)
    return float(value)


def _refuse(name: str, key: str, expected: str, received: object) -> NoReturn:
    shown = repr(received)[:80]
    raise WeightsError(f"{name} has a wrong {key}. Expected {expected}. Received: {shown}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
