"""Find what was written on photographed paper, in uneven light, between ruled lines and shadows.

These rules are asked where finder and extractor are unsure.

Contrast is `(h, w)` float32 in gray levels as if the light fell evenly on white paper: 0 for paper,
more for what differs from it as ink does. Masks are `(h, w)` bool.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import (
    Gray,
    Ink,
    InkArray,
    Mask,
    border,
    components,
    full_contrast,
    reduce,
    squared_slope,
    stroke_width,
    touch_border,
)
from digits.light import evenly_lit, grain, is_ink_dark
from digits.lines import ruled_lines
from digits.pictures import Picture
from digits.plain import SMALL

_BROADEST_STROKE = 0.11
"""Width of a felt pen's stroke in sides of the picture; what is broader is a shadow."""

_ROOM = 3.0
"""Side of the neighbourhood that tells a thin pen's paper, in widths of its stroke."""

_LEAST_ROOM = 15
"""The same in pixels at the least."""

_FAINTEST = 8.0
"""Gray levels below which nothing counts as ink, whatever the noise."""

_NOISE_FACTOR = 3.0
"""Ink must stand out of the paper by so many standard deviations of its noise."""

_CERTAIN = 1.7
"""Full ink must stand out that many times as much."""

_FAINTEST_PEN = 18.0
"""Gray levels of the faintest stroke; a soft pencil leaves 25."""

_STOUTEST = 0.4
"""Greatest width of a stroke in its larger side: a blot, or what shadows enclose, has half."""

_LEAST_SIZE = 0.025
"""Larger side of a written stroke in sides of the picture."""

_LEAST_EVIDENCE = 1e5
"""Squared slopes along the outline of the smallest and faintest digit: several times as much."""

_OUTLINED = 0.8
"""Share of the outline at which the picture itself gets lighter; a shadow's rest is open where
only the estimate of the paper ends it."""

_LIGHTER = 0.4
"""How much lighter, as a share of full ink."""

_STEEP = 10.0
"""How much steeper than the paper's grain an edge of ink is, squared."""

_BORDER_WEIGHT = 0.1
"""What touches the picture's edge is rather the table or a shadow than the digit."""

_CRISP = 0.5
"""Slope of a pen's outline as a share of full ink; a soft shadow's is less."""

_LEVELS = (2.0, 4.0)
"""Strokes that meet a soft shadow come free of it at a higher level, in least contrasts of ink."""

_CLOSER = 0.35
"""Share of the neighbourhood in which strokes are looked for where the whole shows none."""

_LIGHT_INK = 1.5
"""How much more evidence light ink on dark paper needs: chalk on a board is the rarer case."""

_BROADER = 0.15
"""Width in sides of the picture of what is broader than all strokes: a sheet in the light."""

_NARROWEST = 0.015
"""The same of what does not part it: printed lines, thin strokes and the paper's grain."""

_DARK_PAPER = 110.0
"""Gray levels of the middle of a picture's pixels below which the paper may be a board."""

_STILL = 0.75
"""Share of its edges that a stroke keeps when a smaller neighbourhood tells the paper."""


@dataclass(frozen=True)
class _Sheet:
    """A photographed sheet as it is searched for strokes.

    Attributes:
        contrast: Darkness of ink and lines.
        lines: Darkness of the printed lines alone.
        ruled: Where there is nothing darker than a printed line.
        fences: Where an edge is none of a pen's.
        slope: Squared slope of the contrast, 0 where the paper's grain is as steep.
        rise: By how much the picture itself gets lighter nearby, as contrast.
        floor: Least contrast of ink.
        border_weight: Weight of what touches the picture's edge.
    """

    contrast: Gray
    lines: Gray
    ruled: Mask
    fences: Mask
    slope: Gray
    rise: Gray
    floor: float
    border_weight: float


@dataclass(frozen=True)
class _Strokes:
    """Connected parts of what is darker than a level; part 0 is the paper.

    Attributes:
        contrast: 0 outside all parts.
        labels: `(h, w)` int32, the part that each pixel belongs to.
        evidence: How much of each part's outline speaks for a pen; 0 for what is no digit's stroke.
        kept: Which parts are ink, if only a dot.
        top: Contrast of full ink in each part.
        floor: Least contrast of ink.
    """

    contrast: Gray
    labels: npt.NDArray[np.int32]
    evidence: npt.NDArray[np.float64]
    kept: Mask
    top: npt.NDArray[np.float64]
    floor: float

    @property
    def best(self) -> int:
        """The part that is most surely written."""
        return int(self.evidence.argmax())

    @property
    def most(self) -> float:
        """Its evidence; 0 where nothing was written."""
        return float(self.evidence.max())

    def ink(self) -> InkArray:
        """Ink, `(h, w)` float32 in `[0, 1]`; there must be some evidence."""
        full = full_contrast(self.contrast[self.labels == self.best])
        low = max(0.25 * full, 0.6 * self.floor)
        ink = np.clip((self.contrast - low) / (full - low), 0, 1)
        return ink * self.kept[self.labels]


def photographed_inks(picture: Picture) -> list[Ink]:
    """Find dark ink and, where the paper is dark or light stands out, light ink too.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        One or two, the likelier first; none where nothing was written, and of a picture whose
        shorter side is below `digits.plain.SMALL`.
    """
    planes, scale = reduce(picture)
    if min(planes.shape[:2]) < SMALL:
        return []
    mean = np.full((1, planes.shape[2]), 1 / planes.shape[2], np.float32)
    gray = cv2.GaussianBlur(cv2.transform(planes.astype(np.float32), mean), (0, 0), 0.8)
    return [Ink(strokes.ink(), scale) for strokes in _written(gray) if strokes.most]


def _written(gray: Gray) -> list[_Strokes]:
    """Find strokes darker or lighter than the paper, the likelier first."""
    dark, lines = _search(gray)
    expected = is_ink_dark(gray)
    if expected and np.median(gray[::4, ::4]) > _DARK_PAPER:
        return [dark]
    # What lies lit between lines and shadows is no ink, though it is lighter than they are.
    light, _ = _search(255 - gray, lines)
    if light.most and dark.most and _is_background(gray, dark):
        return [light]
    lighter = not expected and light.most > _LIGHT_INK * dark.most
    return [light, dark] if lighter else [dark, light]


def _is_background(gray: Gray, dark: _Strokes) -> bool:
    """Whether dark ink is as dark as the border, and what lies between no broader than strokes.

    Such are the gaps between light strokes on dark paper; dark strokes have paper around them.
    """
    paper = float(np.median(border(gray)))
    if np.median(gray[dark.labels == dark.best]) <= paper - dark.floor:
        return False
    light = gray > (paper + float(np.quantile(gray[::2, ::2], 0.98))) / 2
    sides = (1 + round(share * max(gray.shape)) for share in (_NARROWEST, _BROADER))
    narrowest, broadest = (np.ones((side, side), np.uint8) for side in sides)
    whole = cv2.morphologyEx(light.astype(np.uint8), cv2.MORPH_CLOSE, narrowest)
    return not cv2.erode(whole, broadest).any()


def _search(gray: Gray, dark_lines: Gray | None = None) -> tuple[_Strokes, Gray]:
    """Find strokes darker than their surroundings, first broad and thin ones, then closer.

    Args:
        gray: `(h, w)` float32, 0 to 255; of light ink, its negative.
        dark_lines: The lines that the search for dark ink found, if this is the one for light ink.

    Returns:
        The strokes and the printed lines.
    """
    side = _BROADEST_STROKE * max(gray.shape)
    sheet = _sheet(gray, side, dark_lines)
    lines = sheet.lines
    found = _clearest(sheet)
    if not found.most:
        # Shadows may run into every stroke; close around a thin pen they have no edge.
        side *= _CLOSER
        sheet = _sheet(gray, side, dark_lines, lines)
        found = _clearest(sheet)
    if not found.most:
        return found, lines
    level = max(sheet.floor, 0.3 * float(found.top[found.best]))
    width = stroke_width((found.labels == found.best).astype(np.float32))
    room = max(_LEAST_ROOM, _ROOM * width + 4)
    if room < 0.7 * side:
        closer = _strokes(_sheet(gray, room, dark_lines, lines), level)
        if closer.most > _STILL * found.most:
            return closer, lines
    again = _strokes(sheet, level)
    return (again if again.most > _STILL * found.most else found), lines


def _clearest(sheet: _Sheet) -> _Strokes:
    """The strokes at the level that parts them best from shadows."""
    found = _strokes(sheet, sheet.floor)
    for level in _LEVELS:
        higher = _strokes(sheet, level * sheet.floor)
        if higher.most > 1.2 * found.most:
            found = higher
    return found


def _sheet(gray: Gray, side: float, dark_lines: Gray | None, lines: Gray | None = None) -> _Sheet:
    is_dark = dark_lines is None
    contrast, gain = evenly_lit(gray, side, takes_light=is_dark)
    noise = grain(gray, gain)
    if lines is None:
        lines = ruled_lines(contrast)
    slope = squared_slope(contrast)
    slope *= slope > _STEEP * np.median(slope[::4, ::4])
    around = np.ones((7, 7), np.uint8)
    rise = (cv2.dilate(gray, around) - cv2.erode(gray, around)) * gain - 3 * noise
    floor = max(_FAINTEST, _NOISE_FACTOR * noise)
    ruled = (lines > 0) & (contrast <= 1.3 * lines + 0.5 * floor)
    known = ruled if dark_lines is None else ruled | (dark_lines > 0)
    fences = cv2.dilate(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    border_weight = _BORDER_WEIGHT if is_dark else 0.0
    return _Sheet(contrast, lines, ruled, fences, slope, rise, floor, border_weight)


def _strokes(sheet: _Sheet, level: float) -> _Strokes:
    """Part what is darker than a level, and weigh what speaks for ink.

    All around a pen's stroke the picture gets lighter, and steeply. What a shadow leaves over is
    bounded so on one side; on the other it ends because the estimate of the paper does.
    """
    dark = sheet.contrast > level
    written = dark & ~sheet.ruled
    if sheet.ruled.any():
        written |= sheet.ruled & dark & _bridged(written)
    contrast = sheet.contrast * written
    labels, boxes = components(written)
    count = len(boxes)
    top = _top(contrast, labels, count)
    framed = cv2.erode(written.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    outline = written & (framed == 0)
    around = np.maximum(np.bincount(labels[outline], minlength=count), 1)
    outline &= ~sheet.fences
    where = labels[outline]
    length = np.bincount(where, minlength=count)
    closed = sheet.rise[outline] > _LIGHTER * top[where]
    outlined = np.bincount(where, weights=closed, minlength=count) / np.maximum(length, 1)
    edges = np.bincount(where, weights=sheet.slope[outline], minlength=count)
    crisp = np.sqrt(edges / np.maximum(length, 1)) / np.maximum(top, 1)
    kept = (outlined >= _OUTLINED) & (crisp >= _CRISP) & (top >= _CERTAIN * sheet.floor)
    size = boxes[:, 2:4].max(axis=1)
    kept &= (top >= _FAINTEST_PEN) & (size >= 3)
    kept[0] = False
    at_edge = touch_border(boxes, contrast.shape)
    slender = 2 * boxes[:, cv2.CC_STAT_AREA] <= _STOUTEST * size * around
    likely = kept & slender & (size >= _LEAST_SIZE * max(contrast.shape))
    evidence = edges * likely * np.where(at_edge, sheet.border_weight, 1.0)
    evidence[evidence < _LEAST_EVIDENCE] = 0
    return _Strokes(contrast, labels, evidence, kept, top, sheet.floor)


def _top(contrast: Gray, labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float64]:
    """Contrast of full ink in each part: the mean of its darker pixels."""
    flat, values = labels.ravel(), contrast.ravel()
    mass = np.bincount(flat, weights=values, minlength=count)
    square = np.bincount(flat, weights=values**2, minlength=count)
    return square / np.maximum(mass, 1e-6)


def _bridged(written: Mask) -> Mask:
    """What joins the strokes above and below a line."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    return cv2.morphologyEx(written.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
