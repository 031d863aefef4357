"""A sheet of paper on a desk: photographs that show more than the sheet.

The outline of the sheet is darker on its far side all along, as the outline of ink is; left in the
picture it is taken for writing. So the desk is covered with the paper's own colour.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Gray, InkArray, Mask
from digits.pictures import Picture

Points = npt.NDArray[np.float64]

_SIDE = 320
"""Pixels of the copy's larger side in which the sheet is looked for."""

_LEVELS = 16
"""Levels of brightness at which the sheet is tried to be told from the desk."""

_SMALLEST = 0.06
"""Area of the smallest sheet, as a share of the picture's."""

_SOLID = 0.96
"""How much of its convex hull a sheet fills."""

_STRAIGHT = 0.012
"""How far an outline may leave a straight side, as a share of the outline's length."""

_MOST_CORNERS = 7
"""A sheet has four, and two for each side of the picture that cuts it."""

_EDGE = 3.0
"""Pixels of the copy from the picture's edge within which that edge cuts the sheet."""

_LEAST_SIDES = 3
"""Sides of the sheet that the picture must show: a shadow may look like one side, or like two."""

_MOST_SKEWED = 0.5
"""Cosine of the angle at a corner: a sheet's are right ones, seen aslant at the most."""

_SHORTEST = 0.12
"""Length of the shortest side that counts, as a share of the picture's shorter side."""

_ACROSS = 4.0
"""Distance to both sides of an outline at which paper and desk are compared, in pixels."""

_DARKER = 0.9
"""Brightness of the desk beside the paper, as a share of the paper's."""

_ALONG = 0.9
"""Share of each side along which that holds."""

_BLURRED = 4.0
"""How far into the sheet its edge is taken for desk, in pixels of the copy."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of paper in a picture.

    Attributes:
        paper: `(h, w, depth)` uint8, the sheet turned upright, paper all over.
        matrix: `(2, 3)` float64, takes x and y in the picture to x and y in `paper`.
    """

    paper: Picture
    matrix: Points

    def back(self, ink: InkArray, shape: tuple[int, ...]) -> InkArray:
        """Bring the ink of `paper` to where it lies in the picture.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`.
            shape: Height and width of the picture.
        """
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(ink, self.matrix, shape[1::-1], flags=flags)


def sheet_on_desk(planes: Picture) -> Sheet | None:
    """Find the sheet of which a photograph shows three sides or four.

    Args:
        planes: `(h, w, depth)` uint8, paper lighter than ink and desk.

    Returns:
        The sheet; None where no sheet's outline is seen.
    """
    scale = _SIDE / max(planes.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in planes.shape[1::-1])
    small = cv2.resize(planes, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)
    # White paper stands out of wood by its blue, and colored paper by what it is bright in.
    found = [_outline(light.astype(np.float32)) for light in (small.max(axis=2), small.min(axis=2))]
    outline = max(found, key=_area)
    if not len(outline):
        return None
    mask = np.zeros(planes.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round((outline + 0.5) / scale - 0.5).astype(np.int32), 255)
    depth = 1 + 2 * round(_BLURRED / scale)
    # What lies beyond the picture is no desk: nothing is taken off there.
    mask = cv2.erode(mask, np.ones((depth, depth), np.uint8), borderValue=255)
    return _upright(planes, mask, _turn(outline, size))


def _upright(planes: Picture, mask: npt.NDArray[np.uint8], angle: float) -> Sheet:
    """Turn the masked sheet upright and cover all else."""
    matrix = cv2.getRotationMatrix2D((0, 0), angle, 1.0)
    outline = cv2.findNonZero(mask).reshape(-1, 2) @ matrix[:, :2].T
    low, high = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0))
    matrix[:, 2] = -low
    width, height = (high - low + 1).astype(int).tolist()
    turned = cv2.warpAffine(planes, matrix, (width, height), flags=cv2.INTER_LINEAR)
    sheet = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST) > 0
    return Sheet(_covered(turned.reshape(height, width, -1), sheet), matrix)


def _turn(corners: Points, size: tuple[int, ...]) -> float:
    """By how many degrees, from -45 to 45, the longest side that is the sheet's own is turned."""
    across, down = max((side for _, side in _sides(corners, size)), key=np.linalg.norm)
    return (float(np.degrees(np.arctan2(down, across))) + 45) % 90 - 45


def _sides(corners: Points, size: tuple[int, ...]) -> Iterator[tuple[Points, Points]]:
    """Yield where each side starts and how far it goes: nowhere if it is the picture's own edge."""
    for start, end in itertools.pairwise([*corners, corners[0]]):
        ends = np.stack([start, end])
        near = np.concatenate([ends <= _EDGE, ends >= np.array(size) - 1 - _EDGE], axis=1)
        yield start, (end - start) * ~near.all(axis=0).any()


def _outline(light: Gray) -> Points:
    """Corners of the largest bright shape with straight sides: `(n, 2)` x and y; n may be 0."""
    smooth = cv2.GaussianBlur(light, (0, 0), 1.0)
    best, best_area = np.zeros((0, 2)), _SMALLEST * light.size
    closing = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    dark, lit = np.quantile(smooth[::2, ::2], [0.02, 0.95])
    for level in np.linspace(dark, lit, _LEVELS):
        bright = cv2.morphologyEx((smooth > level).astype(np.uint8), cv2.MORPH_CLOSE, closing)
        bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, closing)
        outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for outline in outlines:
            area = cv2.contourArea(outline)
            if area <= best_area:
                continue
            corners = _corners(outline, area)
            if corners is not None and _lies_on_desk(smooth, corners):
                best, best_area = corners, area
    return best


def _area(corners: Points) -> float:
    return float(cv2.contourArea(corners.astype(np.float32))) if len(corners) else 0.0


def _corners(outline: npt.NDArray[np.int32], area: float) -> Points | None:
    hull = cv2.convexHull(outline)
    if area < _SOLID * cv2.contourArea(hull):
        return None
    reach = _STRAIGHT * cv2.arcLength(hull, closed=True)
    corners = cv2.approxPolyDP(hull, reach, closed=True).reshape(-1, 2)
    return corners.astype(np.float64) if len(corners) <= _MOST_CORNERS else None


def _lies_on_desk(light: Gray, corners: Points) -> bool:
    """Whether enough sides are seen, and all of those have something darker beyond them."""
    height, width = light.shape
    shortest = _SHORTEST * min(height, width)
    middle = corners.mean(axis=0)
    sides: list[Points] = []
    for start, side in _sides(corners, (width, height)):
        length = float(np.linalg.norm(side))
        if length < shortest + 2 * _ACROSS:
            sides.append(np.zeros(2))
            continue
        along = side / length
        outward = np.array([along[1], -along[0]])
        outward *= np.sign(outward @ (start - middle)) or 1
        steps = np.arange(_ACROSS, length - _ACROSS)[:, None]
        line = start + steps * along
        beyond, inside = line + _ACROSS * outward, line - _ACROSS * outward
        shown = ((beyond >= 0) & (beyond <= (width - 1, height - 1))).all(axis=1)
        darker = _sample(light, beyond[shown]) < _DARKER * _sample(light, inside[shown])
        if darker.size < shortest or darker.mean() < _ALONG:
            return False
        sides.append(along)
    turns = [abs(float(a @ b)) for a, b in itertools.pairwise([*sides, sides[0]])]
    return sum(map(np.any, sides)) >= _LEAST_SIDES and max(turns) <= _MOST_SKEWED


def _sample(light: Gray, points: Points) -> Gray:
    columns, rows = np.round(points).astype(int).T
    height, width = light.shape
    return light[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]


def _covered(planes: Picture, sheet: Mask) -> Picture:
    """Continue the paper beyond the sheet, with the light that falls on it there."""
    weight = sheet.astype(np.float32)
    filled = planes * weight[..., None]
    small, share = filled, weight
    layers = []
    while min(share.shape) > 2:
        layers.append((small, share))
        size = (share.shape[1] + 1) // 2, (share.shape[0] + 1) // 2
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)
        share = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
    color = small.sum(axis=(0, 1)) / max(float(share.sum()), 1e-6)
    below = np.broadcast_to(color, (*share.shape, planes.shape[2])).astype(np.float32)
    for small, share in reversed(layers):
        size = share.shape[::-1]
        wider = cv2.resize(below, size, interpolation=cv2.INTER_LINEAR).reshape(*size[::-1], -1)
        below = small + (1 - share[..., None]) * wider
    return np.where(sheet[..., None], planes, np.clip(np.round(below), 0, 255)).astype(np.uint8)
