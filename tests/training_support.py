"""A small data set that any network learns in an epoch, and MNIST files that are none."""

import functools
import gzip
import hashlib
import json
from pathlib import Path

import numpy as np

from digits import networks
from digits.page.examples import digit_example
from digits.page.strokes import draw, parse_strokes
from digits.preprocessing import normalize, preprocess
from digits.weights import CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE
from training.augmentation.pen import draw_strokes
from training.data import FILES, Mnist
from training.handwriting import write


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


def write_handwritten_mnist(folder: Path, count=1500, without=None):
    """Write digits by templates as MNIST's four files; return their SHA-256.

    Args:
        folder: Is made.
        count: How many digits there are to train on, 1,500 at most, repeated until MNIST's 60,000
            are reached. One image in a hundred shows nothing but noise: who is sure of all that
            validates refuses whatever looks a little different.
        without: A digit that none of them shows. The test digits are always the same 500, each
            twenty times.
    """
    train_images, train_labels = (part[:count] for part in _handwritten(1, 1500))
    if without is not None:
        kept = train_labels != without
        train_images, train_labels = train_images[kept], train_labels[kept]
    test_images, test_labels = _handwritten(2, 500)
    images, labels = np.resize(train_images, (60000, 28, 28)), np.resize(train_labels, 60000)
    random = np.random.default_rng(3)
    images[::100] = random.integers(256, size=(600, 28, 28), dtype=np.uint8)
    labels[::100] = random.choice(train_labels, 600)
    tests = np.resize(test_images, (10000, 28, 28)), np.resize(test_labels, 10000)
    mnist = Mnist(images, labels, *tests)
    folder.mkdir(parents=True)
    for name, (file_name, _) in FILES.items():
        write_idx(folder / file_name, getattr(mnist, name))
    return mnist.sha256


@functools.cache
def _handwritten(seed, count):
    random = np.random.default_rng(seed)
    labels = random.integers(10, size=count, dtype=np.uint8)
    images = np.empty((count, 28, 28), np.uint8)
    for index, label in enumerate(labels):
        # The page's own hand too, which weights must read before they serve.
        if index % 3 == 0:
            message = digit_example(int(label), seed=10_000 + index)
            strokes = [stroke.points.astype(np.float32) / 10 for stroke in parse_strokes(message)]
        else:
            strokes = write(str(label), random)
        images[index] = np.round(255 * normalize(draw_strokes(strokes, random)))
    return images, labels


def write_weights(folder: Path, network, temperature=1.0):
    """Write a set of weights that learned nothing, of any network, and return its folder."""
    folder.mkdir(parents=True)
    path = folder / WEIGHTS_FILE
    networks.build(network).save_weights(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    config = {"network": network, "temperature": temperature, "refuse_below": 0, "sha256": sha256}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    test = {"errors": 9000, "count": 10000, "top1_accuracy": 0.1}
    (folder / METRICS_FILE).write_text(json.dumps({"mnist_test": test}))
    return folder


def drawn_images(seeds):
    """`(10 * seeds, 28, 28)`: the project's ten drawings by some hands, as networks take them."""
    messages = [digit_example(digit, seed) for seed in seeds for digit in range(10)]
    return np.stack([preprocess(draw(parse_strokes(message))) for message in messages])
