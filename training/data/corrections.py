"""Visitors' corrections as additional training digits.

    python -m training.train --corrections FOLDER_OR_REPOSITORY

A Space that keeps corrections (see `digits.corrections`) stores them in a data set of images.
Anybody can correct anything: review the images and delete the wrong ones before training on them.
"""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from huggingface_hub import errors, snapshot_download
from numpy.typing import NDArray

from digits.corrections import LISTING
from training.console import UserError
from training.data.mnist import Mnist


def add(mnist: Mnist, source: str) -> Mnist:
    """Append corrected images to those for training and validation.

    Equal images count once. Images with conflicting corrections are left out, and so are those
    corrected to "no digit": networks learn non-digits from other sources. A seed splits the larger
    data set differently from MNIST alone.

    The source is a folder, or `owner/name` of a data set on the Hub, optionally with `@REVISION`.

    Raises:
        UserError: If there is no such folder or data set, or a file in it is damaged.
    """
    folder = Path(source) if Path(source).is_dir() else _download(source)
    digits = _digits(folder)
    if not digits:
        raise UserError(f"{source} holds no corrected digit: nothing to train on")
    print(f"{len(digits)} corrected digits of {source}")
    images = np.stack([np.frombuffer(pixels, np.uint8).reshape(28, 28) for pixels in digits])
    labels = np.array(list(digits.values()), np.uint8)
    return dataclasses.replace(
        mnist,
        train_images=np.concatenate([mnist.train_images, images]),
        train_labels=np.concatenate([mnist.train_labels, labels]),
    )


def _digits(folder: Path) -> dict[bytes, int]:
    """Return the corrected digits by the bytes of the image."""
    corrected: dict[bytes, set[int | None]] = {}
    for image, correction in _rows(folder):
        corrected.setdefault(image.tobytes(), set()).add(correction)
    agreed = {image: next(iter(digits)) for image, digits in corrected.items() if len(digits) == 1}
    return {image: digit for image, digit in agreed.items() if digit is not None}


def _rows(folder: Path) -> Iterator[tuple[NDArray[np.uint8], int | None]]:
    # Sorted for reproducible runs.
    for listing in sorted(folder.rglob(LISTING)):
        for number, line in enumerate(listing.read_text("utf-8").splitlines(), start=1):
            try:
                yield _row(listing.parent, json.loads(line))
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise UserError(f"{listing}, line {number}: {error}") from error


def _row(folder: Path, row: dict[str, Any]) -> tuple[NDArray[np.uint8], int | None]:
    path, correction = folder / row["file_name"], row["correction"]
    # Only the name is checked: in the Hub's cache the file itself is a link out of the folder.
    if Path(row["file_name"]).name != row["file_name"]:
        raise ValueError(f"expected a file in the same folder, received {row['file_name']!r}")
    if correction is not None and (type(correction) is not int or not 0 <= correction <= 9):
        raise ValueError(f"expected a digit or null, received correction={correction!r}")
    content = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    if image is None or image.shape != (28, 28) or image.dtype != np.uint8:
        raise ValueError(f"expected a gray image of 28x28, received another file in {path.name}")
    return image, correction


def _download(source: str) -> Path:
    repo, _, revision = source.partition("@")
    try:
        return Path(
            snapshot_download(
                repo,
                repo_type="dataset",
                revision=revision or None,
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )
    except (errors.HFValidationError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{source} is not a folder here, nor a dataset available on the Hub: {reason}"
        ) from error
