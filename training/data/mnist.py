"""MNIST from Keras or from the four original files, checked and split.

The database is Yann LeCun, Corinna Cortes and Christopher J.C. Burges'; Keras states its licence as
CC BY-SA 3.0. Whatever the source, the same arrays come out or a `DataError` says why not.
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
"""SHA-256 of the bytes of the four arrays, one after the other in the order of `Mnist`."""

FILES = {
    "train_images": ("train-images-idx3-ubyte", (60000, 28, 28)),
    "train_labels": ("train-labels-idx1-ubyte", (60000,)),
    "test_images": ("t10k-images-idx3-ubyte", (10000, 28, 28)),
    "test_labels": ("t10k-labels-idx1-ubyte", (10000,)),
}
"""By array: the name of its file as MNIST's makers published it, and the shape of what it holds."""

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTES = 8  # the IDX format's code for the type of the values; MNIST has no other
_SPLIT_STREAM = 1  # without augmentation, keeps the split apart from the order of an epoch
_REAL_FILES = (
    "take MNIST's four original files, or leave --data and MNIST_DIR out to let Keras download them"
)


class DataError(UserError):
    """What was given is not MNIST; the text says which part of it and what to do."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """The data set, or a smaller one of the same form.

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
        """SHA-256 of the arrays' bytes: the same for the same digits from whichever source."""
        digest = hashlib.sha256()
        for field in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, field.name)).data)
        return digest.hexdigest()


def load_mnist(folder: Path | None = None) -> Mnist:
    """Load MNIST and make sure that it is MNIST.

    `MNIST_SHA256` in the environment names other digits in the same form that are meant instead.

    Args:
        folder: Where the four IDX files lie, gzipped or not; `None` takes the folder that
            `MNIST_DIR` in the environment names, else `keras.datasets.mnist`, which downloads
            11 MB once.

    Raises:
        DataError: If a file is missing, cut, exchanged with another or not MNIST's, or if the
            download failed.
    """
    named = os.environ.get("MNIST_DIR")
    folder = folder or (Path(named) if named else None)
    source = folder or "what keras.datasets.mnist gave"
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
            f"{source} has the form of MNIST, but other digits in it. Expected SHA-256 "
            f"{expected}, received {mnist.sha256}: {_REAL_FILES}; if these digits are "
            f"meant, set MNIST_SHA256={mnist.sha256}"
        )
    return mnist


def read_folder(folder: Path) -> Mnist:
    """Read the four IDX files of a folder, each gzipped or not.

    Raises:
        DataError: If the folder or one of the files is missing or does not hold what its name
            promises.
    """
    if not folder.is_dir():
        raise DataError(
            f"no folder {folder}: --data or MNIST_DIR needs the folder of MNIST's four IDX files"
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
    """Read one IDX file of unsigned bytes in this shape; gzip is told by its content.

    Raises:
        DataError: If the file is cut, damaged, of another kind or of another shape.
    """
    sizes = b"".join(size.to_bytes(4, "big") for size in shape)
    header = bytes([0, 0, _UNSIGNED_BYTES, len(shape)]) + sizes
    expected = len(header) + math.prod(shape)
    content = _read_bytes(path, limit=expected + 1)
    begins, received = content[: len(header)], len(content)
    if begins != header or received != expected:
        what = f"{shape[0]:,} {'labels' if len(shape) == 1 else 'images of 28x28'}"
        raise DataError(
            f"{path} does not hold {what}. Expected {expected:,} bytes that begin with "
            f"{header.hex()}, received {'more' if received > expected else f'{received:,}'} that "
            f"begin with {begins.hex()}: {_REAL_FILES}"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def split(
    mnist: Mnist, seed: int, validation_count: int, limit: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part the training set, by the seed and nothing else, into training and validation.

    With a limit, as many images are taken in all. The test part is not looked at.

    Returns:
        The training and the validation indices, int64, without a common one.

    Raises:
        ValueError: If nothing is left to train on.
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
    """Turn `(N, 28, 28)` uint8, 0-255, into what networks take: `(N, 28, 28, 1)` float32, 0-1."""
    return (images.astype(np.float32) / np.float32(255))[..., np.newaxis]


def _find(folder: Path, name: str) -> Path | None:
    """Find a file as published, or as unpacking tools spell it: with a dot before `idx`."""
    names = (name, name.replace("-idx", ".idx"))
    candidates = (folder / f"{spelt}{ending}" for ending in ("", ".gz") for spelt in names)
    return next((path for path in candidates if path.is_file()), None)


def _read_bytes(path: Path, limit: int) -> bytes:
    """Read at most `limit` unpacked bytes, so that a huge file costs nothing."""
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read to its end: copy or download it again ({error})"
        ) from error


def _from_keras() -> Mnist:
    import keras  # noqa: PLC0415 - takes seconds, which reading files need not wait for

    try:
        train, test = keras.datasets.mnist.load_data()
    except Exception as error:
        # Keras reports a failed request as a plain Exception, and another hash as a ValueError.
        stopped = isinstance(error, OSError | http.client.HTTPException | ValueError)
        if not stopped and type(error) is not Exception:
            raise
        raise DataError(
            "MNIST could not be downloaded: check the network, or give the folder of its four "
            f"IDX files by --data ({error})"
        ) from error
    return Mnist(*train, *test)
