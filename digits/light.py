"""The light on photographed paper: even it out, and tell what is darker from what is lighter.

Arrays are `(h, w)` float32 in gray levels, 0 to 255.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Gray

Levels = npt.NDArray[np.uint8]

_WHITE = 200.0
"""Gray levels of evenly lit white paper, on which contrast is told."""

_DARKEST_PAPER = 40.0
"""Gray levels of paper below which contrast is not raised any more."""


def evenly_lit(gray: Gray, side: float, *, takes_light: bool) -> tuple[Gray, Gray]:
    """Contrast as if the light fell evenly, and what it gained by that.

    A closing forgets what is darker and narrower than its kernel; shadows, which are broader,
    stay. Ink takes away a share of the light, so its difference is larger where more light falls;
    dividing by the paper evens that out.

    Args:
        gray: `(h, w)` float32, 0 to 255.
        side: Of the kernel in pixels.
        takes_light: Whether ink takes a share of the light, as dark ink does, or adds its own.

    Returns:
        Both `(h, w)` float32; contrast in gray levels, more where it is darker.
    """
    side = 2 * round(side / 2) + 1
    margin = min(side, *(length - 1 for length in gray.shape))
    # Mirrored at the edge, a shadow that ends there is not mistaken for a narrow stroke.
    framed = cv2.copyMakeBorder(gray, margin, margin, margin, margin, cv2.BORDER_REFLECT)
    kernel = np.ones((side, side), np.uint8)
    paper = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, kernel)[margin:-margin, margin:-margin]
    # A closing takes the brightest grain of the paper, not its mean.
    paper = paper + np.median((gray - paper)[::4, ::4])
    gain = _WHITE / np.maximum(paper, _DARKEST_PAPER) if takes_light else np.ones_like(paper)
    return (paper - gray) * gain, gain


def grain(gray: Gray, gain: Gray) -> float:
    """Deviation of the paper's noise as contrast, by the gain of `evenly_lit`."""
    # 1.4826 makes a median deviation a standard one; the blur has taken a fifth with it.
    rest = ((gray - cv2.blur(gray, (5, 5))) * gain)[::3, ::3]
    return 1.25 * 1.4826 * float(np.median(np.abs(rest)))


def is_ink_dark(gray: Gray) -> bool:
    """Whether what differs most from its wider surroundings is darker than they are.

    A shadow's edge differs to both sides alike, ink to one. Chalk on a board is the rarer case,
    so light ink has to stand out clearly.
    """
    levels = np.clip(gray, 0, 255).astype(np.uint8)
    small = _with_side(levels, 320)
    around = cv2.resize(cv2.medianBlur(_with_side(levels, 96), 25), small.shape[1::-1])
    darker, lighter = cv2.subtract(around, small), cv2.subtract(small, around)
    return strong_level(darker) * 1.3 >= strong_level(lighter)


def strong_level(levels: Levels, count: int = 60) -> float:
    """The level that so many values reach, or all of them if there are fewer.

    Args:
        levels: Of any shape, uint8.
        count: Enough to be stronger than noise, and few enough for the thinnest digit.
    """
    # A histogram finds the strongest few without sorting the whole picture.
    at_least = np.cumsum(cv2.calcHist([levels], [0], None, [256], [0, 256])[::-1])[::-1]
    return float(np.flatnonzero(at_least >= min(count, levels.size))[-1])


def _with_side(levels: Levels, side: int) -> Levels:
    factor = side / max(levels.shape)
    size = (max(8, round(levels.shape[1] * factor)), max(8, round(levels.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(levels, size, interpolation=how)
