"""Small data sets, substitutes for MNIST's files, and weights for tests."""

import functools
import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.numpy

from digits import layers, networks, weights
from digits.drawing import draw, parse_strokes
from digits.examples import digit_example
from digits.preprocessing import normalize
from digits.weights import BUNDLED, CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE, load_folder
from training.augmentation.pen import draw_strokes
from training.data.mnist import FILES, Mnist
from training.handwriting.templates import write
from training.handwriting.tracing import trace
from training.run_folder import RunFolder
from training.synthesis.writing import Hands

_LEARNED_NOTHING = {"errors": 9000, "count": 10000, "top1_accuracy": 0.1}


def small_mnist(train_count=400, test_count=100, seed=0):
    """Generate noisy images with a patch of ink whose position is the label."""
    random = np.random.default_rng(seed)
    return Mnist(*_patches(random, train_count), *_patches(random, test_count))


def write_idx(path: Path, array, *, packed=False):
    """Write an array of unsigned bytes in MNIST's IDX format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
    path.write_bytes(gzip.compress(content, compresslevel=1) if packed else content)


def write_blank_mnist(folder: Path):
    """Write MNIST's four files, filled with zeros."""
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
    """Write digits drawn from templates as MNIST's four files; return their SHA-256.

    The test digits are always the same 500, repeated twenty times.

    Args:
        folder: Folder to create.
        count: Number of training digits, at most 1,500, repeated up to MNIST's 60,000. One image
            in a hundred is noise, without which the rejection threshold would be too strict.
        without: A digit that is left out of the training set.
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
        # Includes the page's examples, which weights must read before they serve.
        if index % 3 == 0:
            message = digit_example(int(label), seed=10_000 + index)
            strokes = [stroke.points.astype(np.float32) / 10 for stroke in parse_strokes(message)]
        else:
            strokes = write(str(label), random)
        images[index] = np.round(255 * normalize(draw_strokes(strokes, random)))
    return images, labels


def random_tensors(network):
    """Generate untrained weights whose probabilities differ between images, none near 0 or 1."""
    rng = np.random.default_rng(0)
    tensors = {}
    for name, shape in layers.shapes(networks.find(network)).items():
        spread = (2 / np.prod(shape[:-1])) ** 0.5 if name.endswith("kernel") else 0.3
        tensors[name] = rng.normal(0, spread, shape).astype(np.float32)
        if name.endswith(("variance", "gamma")):
            tensors[name] = np.abs(tensors[name]) + np.float32(0.5)
    return tensors


def random_weights(network):
    """The bundled set with such weights in the place of those that read a digit."""
    found = load_folder(BUNDLED)
    config = replace(found.config, network=network, temperature=1.0, rejection_threshold=0.0)
    metrics = {"mnist_test": _LEARNED_NOTHING}
    return replace(found, tensors=random_tensors(network), config=config, metrics=metrics)


def write_weights(folder: Path, network, temperature=1.0):
    """Write a set of random weights and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(weights.serialize(random_tensors(network)))
    config = {
        "network": network,
        "temperature": temperature,
        "rejection_threshold": 0,
        **RunFolder(folder).complete(BUNDLED),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    (folder / METRICS_FILE).write_text(json.dumps({"mnist_test": _LEARNED_NOTHING}))
    return folder


def other_bytes(content):
    """Return equivalent weights with different bytes: one number is slightly larger."""
    tensors = {name: tensor.copy() for name, tensor in safetensors.numpy.load(content).items()}
    next(iter(tensors.values())).ravel()[0] += 1e-6
    return weights.serialize(tensors)


def drawn_images(seeds):
    """Return the page's ten examples for each seed, as a network's input: `(N, 28, 28)`."""
    messages = [digit_example(digit, seed) for seed in seeds for digit in range(10)]
    return np.stack([normalize(draw(parse_strokes(message))) for message in messages])


def drawn_mnist():
    """Return the page's ten examples in the form of MNIST, for both training and test."""
    images = np.round(255 * drawn_images((0,))).astype(np.uint8)
    labels = np.arange(10, dtype=np.uint8)
    return Mnist(images, labels, images, labels)


def confident(digits, confidence=0.9):
    """Return confidences `(N, 10)` that are highest for these digits; one value or one each."""
    sure = np.broadcast_to(confidence, len(digits))
    confidences = np.repeat((1 - sure)[:, np.newaxis] / 9, 10, axis=1)
    confidences[np.arange(len(digits)), digits] = sure
    return confidences


def unsettle(model):
    """Randomize the weights of a Keras model, including batch normalization's statistics."""
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            rng.uniform(0.5, 1.5, weight.shape)
            if "variance" in weight.path
            else weight.numpy() + rng.normal(0, 0.05, weight.shape)
            for weight in model.weights
        ]
    )
    return model


def small_hands(count):
    """Return digits to compose pages and lines from, traced from a few images."""
    images, labels = _handwritten(2, count)
    return Hands(images, labels, [trace(image) for image in images])
