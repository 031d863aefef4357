"""Show the network what a mouse, a finger, a pen and a camera make of MNIST's digits.

Every sample is bent and restroked on a canvas `FINE` times finer than the image and then goes
through `digits.preprocessing.normalize`, the same code that serves. Arrays on the fine canvas are
ink: `(SIDE, SIDE)` float32, 0 paper, 1 full ink. Lengths are in fine pixels unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.preprocessing import normalize
from digits.specks import stroke_width
from training.damage import DAMAGED_SHARE, damage
from training.handwriting import Points, write

FINE = 3
SIDE = 34 * FINE
_MIDDLE = SIDE / 2
_SMOOTH = {"lineType": cv2.LINE_AA, "shift": 3}
"""How OpenCV draws: anti-aliased, at eighths of a pixel."""

_AS_IT_IS = 0.25
"""Share of MNIST's images that are shown unchanged."""

_MIN_INK = 12.0
"""Sum of a sample's ink in fine pixels below which it is taken as destroyed and drawn anew."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What training shows beyond MNIST's own images; each part can be left out to see its worth.

    Attributes:
        hand: Slant, stretch, turn, tilt and elastic distortion.
        pen: Wider, thinner, even, outlined and broken strokes.
        styles: What MNIST's writers left out (flags, feet, slashes, bars), and digits by template.
        damage: Blur, fading, shifts and what `training.damage` does.
        outliers: Share of each batch that is no digit, 0 to below 1.
    """

    hand: bool = True
    pen: bool = True
    styles: bool = True
    damage: bool = True
    outliers: float = 0.15


EVERYTHING = Augmentation()


def augment(
    image: npt.NDArray[np.uint8],
    label: int,
    rng: np.random.Generator,
    parts: Augmentation = EVERYTHING,
) -> InkArray:
    """Make another hand, another pen and another recording of one MNIST digit.

    Args:
        image: `(28, 28)` uint8, 255 ink.
        label: 0 to 9.
        rng: Decides everything.
        parts: What to vary.

    Returns:
        `(28, 28)` float32 in `[0, 1]`, normalized as the app does.
    """
    if rng.random() < _AS_IT_IS:
        return normalize(as_ink(image))
    while True:
        ink = _another_hand(image, label, rng, parts)
        if parts.styles:
            ink = add_missing_strokes(ink, label, rng)
        if parts.pen:
            ink = restroke(ink, rng)
            if rng.random() < 0.05:
                ink = break_strokes(ink, rng)
        if ink.sum() > _MIN_INK:
            return record(normalize(ink), rng) if parts.damage else normalize(ink)


def _another_hand(
    image: npt.NDArray[np.uint8], label: int, rng: np.random.Generator, parts: Augmentation
) -> InkArray:
    strength = 1.0 if parts.hand else 0.0
    if rng.random() < 0.12 and parts.styles:
        return bend(draw_strokes(write(str(label), rng), rng), 1.0, rng, strength)
    return bend(as_ink(image), FINE, rng, strength)


def bend(ink: InkArray, scale: float, rng: np.random.Generator, strength: float = 1.0) -> InkArray:
    """Slant, stretch, rotate, tilt and distort elastically onto the fine canvas.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`; its middle goes to the middle of the canvas.
        scale: Fine pixels to one pixel of `ink`.
        rng: Decides how.
        strength: Factor for all distortions.

    Returns:
        `(SIDE, SIDE)` float32 in `[0, 1]`.
    """
    angle = np.radians(rng.normal(0, 7 * strength))
    slant, tilt = rng.normal(0, 0.14 * strength), rng.normal(0, 0.0012 * strength, 2)
    stretch = np.exp(rng.normal(0, 0.12 * strength))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[stretch, slant], [0, 1 / stretch]]) / scale
    x, y = _GRID
    far = 1 + tilt[0] * x + tilt[1] * y
    waves = _waves(rng, rng.uniform(0, 1.5 * strength) * FINE)
    u, v = x / far + waves[0], y / far + waves[1]
    source_x = matrix[0, 0] * u + matrix[0, 1] * v + (ink.shape[1] - 1) / 2
    source_y = matrix[1, 0] * u + matrix[1, 1] * v + (ink.shape[0] - 1) / 2
    return cv2.remap(
        ink, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR
    )


_OFFSETS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
_GRID = np.meshgrid(_OFFSETS, _OFFSETS)


def _waves(rng: np.random.Generator, amplitude: float) -> npt.NDArray[np.float32]:
    """A smooth random displacement, `(2, SIDE, SIDE)` (after Simard, Steinkraus, Platt 2003)."""
    knots = int(rng.integers(4, 8))
    field = rng.normal(0, amplitude, (knots, knots, 2)).astype(np.float32)
    return cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)


def as_ink(image: npt.NDArray[np.uint8]) -> InkArray:
    """Turn uint8, 255 ink, to float32 in `[0, 1]`."""
    return np.divide(image, 255, dtype=np.float32)


def draw_strokes(strokes: Sequence[Points], rng: np.random.Generator) -> InkArray:
    """Draw pen strokes in the middle of the fine canvas, as high as an MNIST digit.

    Args:
        strokes: Each `(n, 2)` float32 in about 0-100; one point is a dot.
        rng: Decides the proportions and the pen's width.

    Returns:
        `(SIDE, SIDE)` float32 in `[0, 1]`.
    """
    size = 20 * FINE / 100
    wide = rng.uniform(0.5, 1.0)
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    width = int(rng.uniform(1.2, 3.2) * FINE)
    for stroke in strokes:
        points = (stroke - 50) * (size * wide, size) + _MIDDLE
        fixed = np.round(points * 8).astype(np.int32)
        if len(fixed) == 1:
            cv2.circle(canvas, fixed[0].tolist(), width * 4, 255, cv2.FILLED, **_SMOOTH)
        else:
            cv2.polylines(canvas, [fixed], isClosed=False, color=255, thickness=width, **_SMOOTH)
    return as_ink(canvas)


def add_missing_strokes(ink: InkArray, label: int, rng: np.random.Generator) -> InkArray:
    """Add what MNIST's writers left out: a flag and a foot to 1, a slash to 0, a bar to 7.

    Args:
        ink: `(SIDE, SIDE)` float32 in `[0, 1]`.
        label: 0 to 9.
        rng: Decides whether and how.

    Returns:
        `(SIDE, SIDE)` float32 in `[0, 1]`; the input where nothing is added.
    """
    styles = {1: (_flag_and_foot, 0.42), 0: (_slash, 0.2), 7: (_bar, 0.12)}
    if label not in styles or rng.random() >= styles[label][1]:
        return ink
    rows, columns = np.nonzero(ink > 0.5)
    if rows.size == 0:
        return ink
    lines = styles[label][0](rows.astype(np.float64), columns.astype(np.float64), rng)
    width = max(1, round(stroke_width(ink)))
    canvas = (ink * 255).astype(np.uint8)
    fixed = [np.round(np.asarray(line) * 8).astype(np.int32) for line in lines]
    cv2.polylines(canvas, fixed, isClosed=False, color=255, thickness=width, **_SMOOTH)
    return as_ink(canvas)


_Line = list[tuple[float, float]]
_Places = npt.NDArray[np.float64]


def _flag_and_foot(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    height = np.ptp(rows)
    which = rng.choice(["flag", "foot", "both"], p=[0.45, 0.15, 0.4])
    lines = []
    if which != "foot":
        # A hand that comes up to the stem may meet it a little below its top.
        top = rows.min() + 2 + height * max(0.0, rng.uniform(-0.15, 0.15))
        away = np.abs(rows - top)  # a broken stem may have no ink at this height
        left = columns[away <= max(2, away.min())].mean()
        lines.append(_flag(left, top, height, rng))
    if which != "flag":
        foot, left = rows.max() - 2, columns[rows >= rows.max() - 3].mean()
        before, after = height * rng.uniform(0.1, 0.4, 2)
        slope = rng.normal(0, 2)
        lines.append([(left - before, foot + slope), (left + after, foot - slope)])
    return lines


def _flag(left: float, top: float, height: float, rng: np.random.Generator) -> _Line:
    """An upstroke that ends at the top of the stem: straight, or bent like a hook."""
    steep = rng.uniform(0, 1)
    # A level flag is short, or the 1 would be a 7.
    length = height * rng.uniform(0.1, 0.36 + 0.3 * steep)
    angle = np.radians(70 * steep)
    start = np.array([left - length * np.cos(angle), top + length * np.sin(angle)])
    end = np.array([left, top])
    hump = np.array([0, -length * max(0.0, rng.uniform(-0.4, 0.8))])
    bent = (start + end) / 2 + hump + rng.normal(0, 2, 2)
    along = np.linspace(0, 1, 6)[:, None]
    curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * bent + along**2 * end
    return [(float(x), float(y)) for x, y in curve]


def _slash(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    middle = np.array([columns.mean(), rows.mean()])
    reach = np.array([np.ptp(columns) * rng.uniform(0, 0.8), -np.ptp(rows) * rng.uniform(0.3, 1)])
    middle += rng.normal(0, 3, 2)
    return [[tuple(middle - reach), tuple(middle + reach)]]


def _bar(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    level = rows.min() + np.ptp(rows) * rng.uniform(0.4, 0.65)
    near = np.abs(rows - level) < 3
    center = columns[near].mean() if near.any() else _MIDDLE
    before, after = np.ptp(rows) * rng.uniform(0.12, 0.35, 2)
    slope = rng.normal(0, 3)
    return [[(center - before, level + slope), (center + after, level - slope)]]


def restroke(ink: InkArray, rng: np.random.Generator) -> InkArray:
    """Write the same lines with another pen.

    Args:
        ink: `(SIDE, SIDE)` float32 in `[0, 1]`.
        rng: Decides between MNIST's own stroke, one a little wider or thinner, a pen of even
            width from hairline to marker, and, rarely, an outline.

    Returns:
        `(SIDE, SIDE)` float32 in `[0, 1]`.
    """
    kind = rng.random()
    if kind < 0.35:
        return ink
    if kind < 0.6:
        kernel = _round(int(rng.integers(2, 2 + FINE)))
        return cv2.dilate(ink, kernel) if rng.random() < 0.5 else _without_loss(ink, kernel)
    if kind < 0.95:
        return cv2.dilate(middle_line(ink), _round(max(2, round(rng.uniform(0.8, 4.2) * FINE))))
    return cv2.dilate(ink, _round(4)) - cv2.erode(ink, _round(3))


def middle_line(ink: InkArray) -> InkArray:
    """The ridge along the middle of the strokes, whatever their width.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`.

    Returns:
        `(h, w)` float32, 0 or 1.
    """
    mask = (ink > 0.45).astype(np.uint8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    reach = _round(max(3, round(stroke_width(ink))) if mask.any() else 3)
    return ((distance > 0) & (distance >= 0.8 * cv2.dilate(distance, reach))).astype(np.float32)


def _without_loss(ink: InkArray, kernel: npt.NDArray[np.uint8]) -> InkArray:
    """Erode, but keep the middle of strokes that are thinner than the kernel."""
    return np.maximum(cv2.erode(ink, kernel), middle_line(ink) * ink)


def break_strokes(ink: InkArray, rng: np.random.Generator) -> InkArray:
    """Wipe one or two narrow gaps, as a dry pen or a fold in the paper does.

    Args:
        ink: `(SIDE, SIDE)` float32 in `[0, 1]`.
        rng: Decides where.

    Returns:
        A new `(SIDE, SIDE)` float32 in `[0, 1]`.
    """
    gap = np.ones_like(ink)
    for _ in range(int(rng.integers(1, 3))):
        ends = rng.uniform(0.15 * SIDE, 0.85 * SIDE, (2, 2)).astype(int)
        cv2.line(gap, ends[0].tolist(), ends[1].tolist(), 0.0, int(rng.integers(2, 6)))
    return ink * gap


def record(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Blur, fade, shift by a pixel or damage the finished image now and then.

    Args:
        image: `(28, 28)` float32 in `[0, 1]`.
        rng: Decides what.

    Returns:
        `(28, 28)` float32 in `[0, 1]`.
    """
    chance = rng.random(4)
    if chance[0] < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    if chance[1] < 0.15:
        image = image ** rng.uniform(0.5, 1.8) * rng.uniform(0.6, 1)
    if chance[2] < 0.2:
        image = np.roll(image, rng.integers(-1, 2, 2), (0, 1))
    if chance[3] < DAMAGED_SHARE:
        image = damage(image, rng)
    return np.clip(image, 0, 1, dtype=np.float32)


def _round(diameter: int) -> npt.NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
