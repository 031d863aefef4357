"""MNIST from Keras or from the four original files, checked and split.

The database is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges; Keras states its license
as CC BY-SA 3.0. Both sources give the same arrays; otherwise a `DataError` says what is wrong.
"""

import gzip
import hashlib
import http.client
import math
import os
import zlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.console import UserError

MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
"""SHA-256 of the bytes of the four arrays, concatenated in the order of `Mnist`."""

FILES = {
    "train_images": ("train-images-idx3-ubyte", (60000, 28, 28)),
    "train_labels": ("train-labels-idx1-ubyte", (60000,)),
    "test_images": ("t10k-images-idx3-ubyte", (10000, 28, 28)),
    "test_labels": ("t10k-labels-idx1-ubyte", (10000,)),
}
"""Original file name and shape of each array."""

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTES = 8  # the IDX format's type code, the only one in MNIST
_SPLIT_STREAM = 1  # keeps the split independent of the order of an epoch without augmentation
_REAL_FILES = (
    "use MNIST's four original files, or omit --data and MNIST_DIR to let Keras download them"
)


class DataError(UserError):
    """The data is not MNIST; the message says which part, and what to do."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """The data set, or a smaller one with the same structure.

    Attributes:
        train_images: `(60000, 28, 28)` uint8, 0 paper, 255 full ink.
        train_labels: `(60000,)` uint8 in 0-9.
        test_images: `(10000, 28, 28)` uint8, 0 paper, 255 full ink. For reporting only.
        test_labels: `(10000,)` uint8 in 0-9.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the arrays' bytes, which does not depend on the source."""
        digest = hashlib.sha256()
        for field in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, field.name)).data)
        return digest.hexdigest()


def load_mnist(folder: Path | None = None) -> Mnist:
    """Load MNIST and verify it.

    `MNIST_SHA256` in the environment allows other digits of the same structure instead.

    Args:
        folder: Folder of the four IDX files, gzipped or not; `None` for the folder in the
            environment variable `MNIST_DIR`, else `keras.datasets.mnist`, which downloads 11 MB
            once.

    Raises:
        DataError: If a file is missing, truncated, swapped with another or not MNIST's, or if the
            download fails.
    """
    named = os.environ.get("MNIST_DIR")
    folder = folder or (Path(named) if named else None)
    source = folder or "the result of keras.datasets.mnist"
    mnist = read_folder(folder) if folder else _from_keras()
    for name, (_, shape) in FILES.items():
        array = getattr(mnist, name)
        largest = 9 if len(shape) == 1 else 255
        if array.shape != shape or array.dtype != np.uint8 or array.max() > largest:
            raise DataError(
                f"{source} is not MNIST. Expected {name} {shape} of uint8 from 0 to {largest}, "
                f"received {array.shape} of {array.dtype} up to {array.max()}: {_REAL_FILES}"
            )
    expected = os.environ.get("MNIST_SHA256") or MNIST_SHA256
    if mnist.sha256 != expected:
        raise DataError(
            f"{source} has the structure of MNIST, but other digits. Expected SHA-256 {expected}, "
            f"received {mnist.sha256}: {_REAL_FILES}; if these digits are intended, set "
            f"MNIST_SHA256={mnist.sha256}"
        )
    return mnist


def read_folder(folder: Path) -> Mnist:
    """Read the four IDX files of a folder, each gzipped or not.

    Raises:
        DataError: If the folder or a file is missing, or a file has other content.
    """
    if not folder.is_dir():
        raise DataError(
            f"no folder {folder}: set --data or MNIST_DIR to the folder of MNIST's four IDX files"
        )
    paths = {name: _find(folder, file_name) for name, (file_name, _) in FILES.items()}
    missing = [FILES[name][0] for name, path in paths.items() if path is None]
    if missing:
        raise DataError(
            f"{folder} does not hold MNIST, with or without .gz there is no {', '.join(missing)}: "
            f"{_REAL_FILES}"
        )
    return Mnist(
        **{name: read_idx(path, FILES[name][1]) for name, path in paths.items() if path is not None}
    )


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes of this shape; gzip is detected by content.

    Raises:
        DataError: If the file is truncated, damaged, of another type or of another shape.
    """
    sizes = b"".join(size.to_bytes(4, "big") for size in shape)
    header = bytes([0, 0, _UNSIGNED_BYTES, len(shape)]) + sizes
    expected = len(header) + math.prod(shape)
    content = _read_bytes(path, limit=expected + 1)
    start, received = content[: len(header)], len(content)
    if start != header or received != expected:
        what = f"{shape[0]:,} {'labels' if len(shape) == 1 else 'images of 28x28'}"
        raise DataError(
            f"{path} does not hold {what}. Expected {expected:,} bytes starting with "
            f"{header.hex()}, received {'more' if received > expected else f'{received:,}'} "
            f"starting with {start.hex()}: {_REAL_FILES}"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def split(
    mnist: Mnist, seed: int, validation_count: int, limit: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the training set at random, by the seed alone, into training and validation.

    A limit is the number of images in both. The test set is not used.

    Returns:
        The training and validation indices, int64, disjoint.

    Raises:
        ValueError: If either part would be empty.
    """
    total = len(mnist.train_images)
    if not 0 < validation_count < min(limit or total, total):
        raise ValueError(
            f"Expected fewer validation images than there are images, {limit or total}. "
            f"Received: validation_count={validation_count}."
        )
    order = np.random.default_rng([seed, _SPLIT_STREAM]).permutation(total)[:limit]
    return order[validation_count:], order[:validation_count]


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert `(N, 28, 28)` uint8, 0-255, to network input: `(N, 28, 28, 1)` float32, 0-1."""
    return (images.astype(np.float32) / np.float32(255))[..., np.newaxis]


def _find(folder: Path, name: str) -> Path | None:
    """Find a file by its original name, or with the dot before `idx` that some tools write."""
    names = (name, name.replace("-idx", ".idx"))
    candidates = (folder / f"{spelt}{ending}" for ending in ("", ".gz") for spelt in names)
    return next((path for path in candidates if path.is_file()), None)


def _read_bytes(path: Path, limit: int) -> bytes:
    """Read at most `limit` unpacked bytes, so that a huge file is not read completely."""
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read to the end: copy or download it again ({error})"
        ) from error


def _from_keras() -> Mnist:
    import keras  # noqa: PLC0415 - takes seconds, not needed for reading files

    try:
        train, test = keras.datasets.mnist.load_data()
    except Exception as error:
        # Keras reports a failed request as a plain Exception, and a wrong hash as a ValueError.
        known = isinstance(error, OSError | http.client.HTTPException | ValueError)
        if not known and type(error) is not Exception:
            raise
        raise DataError(
            "MNIST could not be downloaded: check the network, or pass the folder of its four "
            f"IDX files with --data ({error})"
        ) from error
    return Mnist(*train, *test)
