"""A small data set that any network learns in an epoch, and MNIST files that are none."""

import gzip
from pathlib import Path

import numpy as np

from training.data import FILES, Mnist


def small_mnist(train_count=400, test_count=100, seed=0):
    """Ten patches of ink at ten places, noisy: the place is the label."""
    random = np.random.default_rng(seed)
    return Mnist(*_patches(random, train_count), *_patches(random, test_count))


def write_idx(path: Path, array, *, packed=False):
    """Write an array of unsigned bytes as MNIST's makers did."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
    path.write_bytes(gzip.compress(content, compresslevel=1) if packed else content)


def write_blank_mnist(folder: Path):
    """Write the four files in MNIST's shapes with nothing but zeros in them."""
    for name, shape in FILES.values():
        write_idx(folder / f"{name}.gz", np.zeros(shape, np.uint8), packed=True)


def _patches(random, count):
    labels = random.integers(10, size=count, dtype=np.uint8)
    images = random.integers(40, size=(count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        line, column = divmod(int(label), 4)
        image[2 + 8 * line :, 1 + 7 * column :][:6, :5] += 200
    return images, labels
