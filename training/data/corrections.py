"""Corrections of visitors as further training digits.

    python -m training.train --corrections FOLDER_OR_REPOSITORY

A Space that keeps corrections (see `digits.corrections`) fills a data set of pictures. Anybody can
correct anything: look at the pictures and delete what is wrong before training on them.
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
    """Append corrected pictures to the images that train and validate.

    Equal pictures count once. Left out are pictures that two people corrected differently, and
    those that are said to be no digit: networks learn what is none from other sources. A seed
    splits the larger data set otherwise than MNIST alone.

    The source is a folder, or `owner/name` of a data set on the Hub, maybe with `@REVISION`.

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
    """Return the corrected digit by the bytes of the picture."""
    said: dict[bytes, set[int | None]] = {}
    for picture, correction in _rows(folder):
        said.setdefault(picture.tobytes(), set()).add(correction)
    certain = {picture: next(iter(who)) for picture, who in said.items() if len(who) == 1}
    return {picture: digit for picture, digit in certain.items() if digit is not None}


def _rows(folder: Path) -> Iterator[tuple[NDArray[np.uint8], int | None]]:
    # Sorted, so that the same data set gives the same run.
    for listing in sorted(folder.rglob(LISTING)):
        for number, line in enumerate(listing.read_text("utf-8").splitlines(), start=1):
            try:
                yield _row(listing.parent, json.loads(line))
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise UserError(f"{listing}, line {number}: {error}") from error


def _row(folder: Path, row: dict[str, Any]) -> tuple[NDArray[np.uint8], int | None]:
    path, correction = folder / row["file_name"], row["correction"]
    # By its name alone: in the Hub's cache the file itself is a link to elsewhere.
    if Path(row["file_name"]).name != row["file_name"]:
        raise ValueError(f"expected a picture beside it, received {row['file_name']!r}")
    if correction is not None and (type(correction) is not int or not 0 <= correction <= 9):
        raise ValueError(f"expected a digit or null, received correction={correction!r}")
    content = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    if picture is None or picture.shape != (28, 28) or picture.dtype != np.uint8:
        raise ValueError(f"expected a gray picture of 28x28, received another in {path.name}")
    return picture, correction


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
            f"{source} is no folder here, and no data set that the Hub delivers: {reason}"
        ) from error
