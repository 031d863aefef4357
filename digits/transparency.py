"""Paper under the transparent parts of a picture, of the tone that lets the ink be seen."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

_ENOUGH_TO_JUDGE: Final = 1000  # pixels of the longer side: a sample of a large picture
_TWO_TONES: Final = 96  # gray levels between ink and paper; one ink's own shades differ by less


def without_transparency(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Put an RGBA image on paper: `(H, W, 3)` uint8 RGB."""
    paper = Image.new("RGB", image.size, (_paper_under(image),) * 3)
    paper.paste(image, mask=image)
    return np.array(paper)


def _paper_under(image: Image.Image) -> int:
    """Choose the gray level of the paper under a partly transparent RGBA image.

    Ink alone (one tone) gets paper of the opposite tone, or it would vanish. Where both ink and
    paper are visible (a sheet with round corners, a sticker with a border), the tone that meets the
    transparent part goes on.

    Returns:
        0-255, 255 being white.
    """
    step = max(1, max(image.size) / _ENOUGH_TO_JUDGE)
    size = (math.ceil(image.width / step), math.ceil(image.height / step))
    few = image.resize(size, Image.Resampling.NEAREST)
    alpha = np.asarray(few.getchannel("A"))
    visible = alpha > alpha.max() / 2
    gray = np.asarray(few.convert("RGB").convert("L"))
    tones = gray[visible]
    if not tones.size:
        return 255
    darkest, lightest = np.percentile(tones, (1, 99))
    if lightest - darkest < _TWO_TONES:
        return 255 if tones.mean() < 128 else 0
    inner = cv2.erode(visible.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    outline = gray[visible & ~inner]
    return int(np.median(outline if outline.size else tones))
