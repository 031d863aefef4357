"""From any upright picture to the ink: what was written, without paper, light and polarity.

Arrays are height x width; ink is float32, 0 for paper and 1 for full ink.
"""

import functools
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.desk import sheet_on_desk
from digits.frames import sheet_within, without_lines
from digits.long_lines import without_long_lines
from digits.paper import at_border, photographed_ink, photographed_inks
from digits.specks import without_specks

Picture = npt.NDArray[np.uint8]
InkArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

WORK_SIDE = 800
"""Larger pictures are reduced to this side: a digit of a tenth of it still has 80 pixels."""

FINE_SIDE = 1200
"""The same for a second look where nothing was found: a thin pen's stroke that is reduced to less
than half a pixel has no more contrast than the paper's grain."""

_PLAIN_STEP = 3.0
"""Gray levels that a border may waver and still be plain paper (canvas, clean scan)."""

_UNIFORM_STEP = 6.0
"""Gray levels that plain paper may waver within (what JPEG leaves around strokes)."""

_ONE_TONE = 10.0
"""Gray levels within which ink is of one tone."""

_DRAWN = 0.3
"""Share of the ink that has that tone, on a canvas; the rest are the strokes' soft edges."""

_PLAIN_BORDER = 0.85
"""Share of the border that must be plain: strokes may run over the edge."""

_PLAIN_IN_PART = 0.5
"""The same for a scan cut close to the digit; of a photograph's border less is plain, as a rule."""

_MOST_WAYS = 4
"""Ways to tell ink from paper that are worth asking the network about."""

_SMALLEST_PHOTO = 32
"""Smaller pictures are MNIST's own or the like, and have no room for shadows, lines and dust."""

_MIN_CONTRAST = 14.0
"""Gray levels below which nothing counts as ink, whatever the noise."""

_STRONG = 0.3
"""Ink that is certainly written; fainter ink counts where it is connected to such."""

_NOTHING = "Expected ink on the paper. Received: nothing but paper"

_DARK_DESK = 100.0
"""Gray levels of a desk at the most, where it is plain enough to be taken for paper."""

_FILLED = 0.5
"""Share of its box that a sheet on such a desk fills at the least; few strokes fill as much."""


class BlankPictureError(ValueError):
    """There is no ink in the picture."""


@dataclass(frozen=True)
class Ink:
    """What was written.

    Attributes:
        array: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
        scale: Picture pixels to one ink pixel; above 1 if the picture was reduced.
        clean: Whether the paper was plain (a canvas, a clean scan) rather than photographed.
    """

    array: InkArray
    scale: float
    clean: bool


def possible_inks(picture: Picture) -> list[Ink]:
    """Separate ink from paper in each way that makes sense, whatever the light and the colours.

    The paper's colour is the border's where the border is plain, else the brightest (under light
    ink the darkest) around, so that shadows and falling light cancel. Ink is what leaves the
    paper's colour in the direction in which the strongest pixels leave it; on plain paper this
    decides dark-on-light or light-on-dark by itself. Half of a border may be plain because the
    picture is cut so close that strokes fill the rest, or because a photograph has little noise;
    and light between shadows may look like a sheet of paper on a desk. The network decides which
    ink is a digit.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        The ink, its larger side at most `FINE_SIDE`; with a sheet on a desk, that on the sheet and
        then that of the whole picture; where the paper may be a board, dark ink and light; where
        the border is plain in part, as of a photograph and then as of plain paper; where lines of
        plain paper run out of the picture, as of plain paper and then as of a photograph.

    Raises:
        BlankPictureError: If nothing stands out of the paper.
    """
    if max(picture.shape[:2]) > WORK_SIDE:
        with suppress(BlankPictureError):
            return _seen(picture, WORK_SIDE)
    return _seen(picture, FINE_SIDE)


def _seen(picture: Picture, work_side: int) -> list[Ink]:
    """Do what `possible_inks` does, on a picture reduced to a side."""
    planes, scale = _reduce(picture, work_side)
    border = _border(planes)
    paper = np.median(border, axis=0)
    plain = np.mean(np.abs(border - paper).max(axis=1) <= _PLAIN_STEP)
    if min(planes.shape[:2]) < _SMALLEST_PHOTO:
        return [_on_plain_paper(planes, paper, scale)]
    if plain > _PLAIN_BORDER:
        ink = _on_plain_paper(planes, paper, scale)
        outside = ink.clean and _comes_from_outside(ink.array)
        more = _photographed(planes) if outside and not _is_drawn(planes, paper) else []
        return [ink, *(Ink(array, scale, clean=False) for array in more)]
    inks = [Ink(array, scale, clean=False) for array in _photographed(planes)]
    if plain > _PLAIN_IN_PART and len(inks) < _MOST_WAYS:
        with suppress(BlankPictureError):
            inks.append(_on_plain_paper(planes, paper, scale))
    if not inks:
        raise BlankPictureError(_NOTHING)
    return inks


def _on_plain_paper(planes: Picture, paper: npt.NDArray[np.float32], scale: float) -> Ink:
    array = np.zeros(planes.shape[:2], np.float32)
    rows, columns = _off_paper(planes, paper)
    sheet = sheet_within(planes, paper, rows, columns)
    lying = None if sheet else _on_dark_desk(planes, paper, rows, columns)
    if lying is not None:
        return Ink(lying, scale, clean=False)
    if sheet:
        # It is reduced already, be it for a closer look.
        array[sheet] = _seen(planes[sheet], FINE_SIDE)[0].array
    else:
        written = _plain_ink(planes[rows, columns], paper)
        large = min(planes.shape[:2]) >= _SMALLEST_PHOTO
        array[rows, columns] = without_specks(written) if large else written
        array = without_lines(array)
    if not array.any():
        raise BlankPictureError(_NOTHING)
    return Ink(array, scale, clean=True)


def _comes_from_outside(ink: InkArray) -> bool:
    """Tell that ink runs from edge to edge, or some out of the picture and some not: a shadow."""
    if not any(side.any() for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1])):
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8))
    outside = at_border(stats, ink.shape)[1:]
    across = (stats[1:, 2:4] >= ink.shape[::-1]).any()
    return bool(across or (outside.any() and not outside.all()))


def _is_drawn(planes: Picture, paper: npt.NDArray[np.float32]) -> bool:
    """Tell ink of one tone, but for its edges, as on a canvas or a scan in black and white."""
    away = np.abs(planes.astype(np.float32) - paper).max(axis=2)
    darkest = away > away.max() - _ONE_TONE
    return bool(darkest.sum() >= _DRAWN * (away > _UNIFORM_STEP).sum())


def _photographed(planes: Picture) -> list[InkArray]:
    """Ink on the sheet, and on the whole picture in case that light and shadow only look like one.

    An empty sheet is blank, whatever the desk beside it looks like.
    """
    found = photographed_inks(planes)
    sheet = sheet_on_desk(planes)
    if sheet is not None:
        on_sheet = sheet.back(photographed_ink(sheet.paper), planes.shape)
        found = [on_sheet, *found] if on_sheet.any() else []
    cleared = [without_long_lines(array) for array in found[:1]]
    return found + [array for array in cleared if array is not found[0]]


def _on_dark_desk(
    planes: Picture, desk: npt.NDArray[np.float32], rows: slice, columns: slice
) -> InkArray | None:
    """Ink of a sheet on a desk that is dark and plain; None where there is no such thing.

    What is light on dark and fills its box is a sheet if it has the outline of one, and something
    is written on it; else it is a stroke.
    """
    box = planes[rows, columns]
    if min(planes.shape[:2]) < _SMALLEST_PHOTO or desk.max() > _DARK_DESK or not box.size:
        return None
    if np.mean(box.min(axis=2) > desk.max() + _MIN_CONTRAST) < _FILLED:
        return None
    sheet = sheet_on_desk(planes)
    if sheet is None:
        return None
    ink = photographed_ink(sheet.paper)
    return sheet.back(ink, planes.shape) if ink.any() else None


def _reduce(picture: Picture, work_side: int) -> tuple[Picture, float]:
    scale = max(picture.shape[:2]) / work_side
    planes = picture if picture.ndim == 3 else picture[..., None]
    if scale <= 1:
        return planes, 1.0
    size = (max(1, round(planes.shape[1] / scale)), max(1, round(planes.shape[0] / scale)))
    reduced = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    return reduced.reshape(size[1], size[0], -1), scale


def _border(planes: Picture) -> npt.NDArray[np.float32]:
    edges = (planes[0], planes[-1], planes[:, 0], planes[:, -1])
    return np.concatenate(edges).astype(np.float32)


def _off_paper(planes: Picture, paper: npt.NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns that hold all that is not paper, so that the rest costs nothing more."""
    # The whole canvas passes here at every stroke of a visitor's: OpenCV takes one pass.
    low, high = np.ceil(paper - _UNIFORM_STEP), np.floor(paper + _UNIFORM_STEP)
    off = cv2.bitwise_not(cv2.inRange(planes, low, high))
    left, top, width, height = cv2.boundingRect(off)
    return slice(top, top + height), slice(left, left + width)


def _plain_ink(planes: Picture, paper: npt.NDArray[np.float32]) -> InkArray:
    """Ink on plain paper: `(h, w, depth)` picture and `(depth,)` paper to `(h, w)` ink."""
    if planes.size == 0:
        return np.zeros(planes.shape[:2], np.float32)
    contrast = _contrast(planes, paper)
    return _between(contrast, _UNIFORM_STEP, _full_ink(contrast, _MIN_CONTRAST))


def _contrast(planes: Picture, paper: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Project on the colour in which the ink differs from the paper: positive is ink.

    Args:
        planes: `(h, w, depth)` uint8.
        paper: `(depth,)` float32, the paper's colour.

    Returns:
        `(h, w)` float32 in gray levels.
    """
    height, width, depth = planes.shape
    scalar = (*paper.tolist(), 0.0, 0.0, 0.0)[:4]
    magnitude = functools.reduce(cv2.max, cv2.split(cv2.absdiff(planes, scalar)))
    # A histogram finds the strongest few without sorting the whole picture.
    counts = cv2.calcHist([magnitude], [0], None, [256], [0, 256]).ravel()
    from_top = np.cumsum(counts[::-1])[::-1]
    cutoff = np.flatnonzero(from_top >= min(height * width, max(8, height * width // 2000)))[-1]
    strongest = cv2.inRange(magnitude, float(cutoff), 255.0)
    direction = np.array(cv2.mean(planes, strongest)[:depth]) - paper
    length = float(np.linalg.norm(direction))
    if length == 0:
        return np.zeros((height, width), np.float32)
    axis = direction / (length * np.sqrt(depth))
    projection = np.append(axis, -axis @ paper).astype(np.float32)
    return cv2.transform(planes.astype(np.float32), projection[None]).reshape(height, width)


def _full_ink(contrast: npt.NDArray[np.float32], floor: float) -> float:
    """Contrast of the middle of a stroke in gray levels; `BlankPictureError` if under the floor."""
    strong = contrast[contrast > floor]
    if strong.size == 0:
        raise BlankPictureError(
            f"Expected ink of more than {floor:.0f} gray levels. Received: {contrast.max():.0f}"
        )
    return float(np.quantile(strong[:: 1 + strong.size // 5000], 0.8))


def _between(contrast: npt.NDArray[np.float32], low: float, full: float) -> InkArray:
    """Scale contrast to ink and drop what touches no strong ink."""
    low = min(low, 0.5 * full)
    ink = np.clip((contrast - low) / (full - low), 0, 1)
    return ink * _connected_to(contrast > low, ink > _STRONG)


def _connected_to(weak: Mask, strong: Mask) -> Mask:
    """Those components of the weak mask that hold a strong pixel (Canny's hysteresis)."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    if count == 2 and (strong & weak).any():
        return weak
    keep = np.zeros(labels.max() + 1, bool)
    keep[labels[strong & weak]] = True
    keep[0] = False
    return keep[labels]
