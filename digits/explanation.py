"""Explanation of an answer: the loss of odds as the ink is erased piece by piece.

Occlusion (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014), here
with a soft round eraser and measured in log odds, which do not saturate if the network is certain:

    odds(d) = logit(d) - log(sum of exp(logit(e)) over the digits e other than d)
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray

_SIDE: Final = 28
_STEP: Final = 2
"""Pixels between adjacent positions of the eraser."""

_RADIUS: Final = 1.7
"""Standard deviation of the eraser in pixels: about the width of a stroke."""

_MIN_INK: Final = 0.5
"""Minimum ink under the eraser, in full pixels; positions with less are skipped."""


def explain(
    logits: Callable[[InkArray], npt.NDArray[np.float32]], image: InkArray, digit: int
) -> npt.NDArray[np.float32]:
    """Attribute the odds of a digit to the ink of each pixel.

    Args:
        logits: From `(N, 28, 28)` images to the `(N, 10)` logits of the digits.
        image: `(28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.
        digit: 0 to 9, the answer or any other.

    Returns:
        `(28, 28)` float32 in log odds: the mean loss when the pixel is erased with its neighbors,
        times its ink. Above 0 is evidence for the digit, below 0 against it; paper is 0.
    """
    erasers = _ERASERS[(_ERASERS * image).sum(axis=(1, 2)) >= _MIN_INK]
    if not len(erasers):
        return np.zeros_like(image)
    odds = log_odds(logits(np.concatenate([image[None], image * (1 - erasers)])), digit)
    losses = odds[0] - odds[1:]
    cover = np.maximum(erasers.sum(axis=0), np.finfo(np.float32).tiny)
    shares: npt.NDArray[np.float32] = image * np.tensordot(losses, erasers, 1) / cover
    return shares


def log_odds(logits: npt.NDArray[np.float32], digit: int) -> npt.NDArray[np.float32]:
    """Return the log odds of a digit against the nine others, from `(N, 10)` logits: `(N,)`."""
    others = np.delete(logits, digit, axis=1)
    top = others.max(axis=1)
    odds: npt.NDArray[np.float32] = (
        logits[:, digit] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))
    )
    return odds


def _erasers() -> npt.NDArray[np.float32]:
    """Return the share of ink erased at each position: `(N, 28, 28)` float32 in `[0, 1]`."""
    along = np.arange(_SIDE)
    bells = np.exp(-((along - np.arange(0, _SIDE, _STEP)[:, None]) ** 2) / (2 * _RADIUS**2))
    return np.einsum("ay,bx->abyx", bells, bells).reshape(-1, _SIDE, _SIDE).astype(np.float32)


_ERASERS: Final = _erasers()
