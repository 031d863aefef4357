"""Pictures that clients of Gradio's API have uploaded."""

from collections.abc import Mapping
from pathlib import Path

from digits.pictures import Picture, PictureError, load_picture


def uploaded_picture(file: object, folder: str) -> Picture:
    """Open an uploaded file.

    Args:
        file: Gradio's `FileData` as a dictionary, with the file's `path`.
        folder: Upload folder; no file outside it is opened.

    Returns:
        `(H, W)` gray or `(H, W, 3)` RGB uint8, upright.

    Raises:
        PictureError: If the file is missing, outside the folder or not a picture.
    """
    path = file.get("path") if isinstance(file, Mapping) else None
    if not isinstance(path, str) or not path:
        raise PictureError("No picture was given. Choose a picture of a handwritten digit.", "none")
    if not lies_in(path, folder):
        raise PictureError("This file was not uploaded here. Upload the picture first.", "none")
    return load_picture(path)


def lies_in(path: str, folder: str) -> bool:
    """Return whether a path, once resolved, is inside a folder."""
    try:
        return Path(path).resolve().is_relative_to(Path(folder).resolve())
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return False
