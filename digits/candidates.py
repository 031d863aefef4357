"""From any upright picture to candidates for its ink, without paper, light and polarity.

Arrays are height x width; ink is float32, 0 for paper and 1 for full ink.
"""

from contextlib import suppress

import cv2
import numpy as np
import numpy.typing as npt

from digits.clutter import without_lines, without_long_lines, without_specks
from digits.desk import sheet_on_desk
from digits.ink import (
    FRINGE,
    STRONG_INK,
    BlankPictureError,
    Ink,
    InkArray,
    border,
    components,
    full_contrast,
    touch_border,
)
from digits.light import strong_level
from digits.paper import photographed_inks
from digits.pictures import Picture

Color = npt.NDArray[np.float32]
"""`(depth,)`."""

WORK_SIDE = 800
"""Larger pictures are reduced to this side: a digit of a tenth of it still has 80 pixels."""

FINE_SIDE = 1200
"""The same for a second look where nothing was found: a thin pen's stroke that is reduced to less
than half a pixel has no more contrast than the paper's grain."""

_PLAIN_STEP = 3.0
"""Gray levels that a border may waver and still be plain paper (canvas, clean scan)."""

_UNIFORM_STEP = 6.0
"""Gray levels that plain paper, or ink of one tone, may waver within (what JPEG leaves around)."""

_DRAWN = 0.3
"""Share of the ink that is of one tone, on a canvas; the rest are the strokes' soft edges."""

_PLAIN_BORDER = 0.85
"""Share of the border that must be plain: strokes may run over the edge."""

_PLAIN_IN_PART = 0.5
"""The same for a scan cut close to the digit; of a photograph's border less is plain, as a rule."""

_SMALLEST_PHOTO = 32
"""Smaller pictures are MNIST's own or the like, and have no room for shadows, lines and dust."""

_MIN_CONTRAST = 14.0
"""Gray levels between paper and ink, or between a sheet and its margin, at the least."""

_NOTHING = "Expected ink on the paper. Received: nothing but paper"

_FILLED = 0.5
"""Share of its box that a sheet on a plain desk fills at the least; few strokes fill as much."""

_MARGIN = 0.05
"""Broadest margin around a sheet that fills the picture, as a share of the picture's side."""

_PLAIN_OUTLINE = 0.9
"""Share of the sheet's outline that shows nothing but paper."""

_PLAIN_SHEET = 0.5
"""The same of the whole sheet: a line around it shows no paper within its thickness."""


def candidate_inks(picture: Picture) -> list[Ink]:
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
        One to five, the larger side at most `FINE_SIDE`; with a sheet on a desk, the ink on the
        sheet and then that of the whole picture; where the paper may be a board, dark ink and
        light; where the border is plain in part, as of a photograph and then as of plain paper;
        where lines of plain paper run out of the picture, as of plain paper and then as of a
        photograph.

    Raises:
        BlankPictureError: If nothing stands out of the paper.
    """
    if max(picture.shape[:2]) > WORK_SIDE:
        with suppress(BlankPictureError):
            return _candidates(picture, WORK_SIDE)
    return _candidates(picture, FINE_SIDE)


def _candidates(picture: Picture, work_side: int) -> list[Ink]:
    """Do what `candidate_inks` does, on a picture reduced to a side."""
    planes, scale = _reduce(picture, work_side)
    edge = border(planes).astype(np.float32)
    paper: Color = np.median(edge, axis=0)
    plain = np.mean(np.abs(edge - paper).max(axis=1) <= _PLAIN_STEP)
    if min(planes.shape[:2]) < _SMALLEST_PHOTO:
        return [_on_plain_paper(planes, paper, scale)]
    if plain > _PLAIN_BORDER:
        ink = _on_plain_paper(planes, paper, scale)
        outside = ink.clean and _comes_from_outside(ink.array)
        more = _photographed(planes) if outside and not _is_drawn(planes, paper) else []
        return [ink, *(Ink(array, scale, clean=False) for array in more)]
    inks = [Ink(array, scale, clean=False) for array in _photographed(planes)]
    if plain > _PLAIN_IN_PART:
        with suppress(BlankPictureError):
            inks.append(_on_plain_paper(planes, paper, scale))
    if not inks:
        raise BlankPictureError(_NOTHING)
    return inks


def _reduce(picture: Picture, work_side: int) -> tuple[Picture, float]:
    scale = max(picture.shape[:2]) / work_side
    planes = picture if picture.ndim == 3 else picture[..., None]
    if scale <= 1:
        return planes, 1.0
    size = (max(1, round(planes.shape[1] / scale)), max(1, round(planes.shape[0] / scale)))
    reduced = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    return reduced.reshape(size[1], size[0], -1), scale


def _on_plain_paper(planes: Picture, paper: Color, scale: float) -> Ink:
    array = np.zeros(planes.shape[:2], np.float32)
    box = _off_paper(planes, paper)
    is_large = min(planes.shape[:2]) >= _SMALLEST_PHOTO
    if is_large and (sheet := _sheet_within(planes, paper, box)):
        # It is reduced already, be it for a closer look.
        array[sheet] = _candidates(planes[sheet], FINE_SIDE)[0].array
        return Ink(array, scale, clean=True)
    if is_large and _is_filled(planes[box], paper):
        lying = _on_sheet(planes)
        if lying is not None and lying.any():
            return Ink(lying, scale, clean=False)
    array[box] = _plain_ink(planes[box], paper)
    return Ink(without_lines(without_specks(array)) if is_large else array, scale, clean=True)


def _off_paper(planes: Picture, paper: Color) -> tuple[slice, slice]:
    """Rows and columns that hold all that is not paper, so that the rest costs nothing more."""
    low, high = np.ceil(paper - _UNIFORM_STEP), np.floor(paper + _UNIFORM_STEP)
    left, top, width, height = cv2.boundingRect(~cv2.inRange(planes, low, high))
    if not width:
        raise BlankPictureError(_NOTHING)
    return slice(top, top + height), slice(left, left + width)


def _sheet_within(
    planes: Picture, margin: Color, box: tuple[slice, slice]
) -> tuple[slice, slice] | None:
    """Find the sheet that fills a picture but for a narrow margin of another colour.

    Args:
        planes: `(h, w, depth)` uint8.
        margin: The colour of its outline.
        box: Rows and columns that hold all that differs from that colour.

    Returns:
        Rows and columns of the sheet; None where the box holds ink on the outline's own paper.
    """
    height, width = planes.shape[:2]
    rows, columns = box
    margins = rows.start, height - rows.stop, columns.start, width - columns.stop
    if not 0 < max(margins) <= _MARGIN * max(height, width):
        return None
    rows = slice(rows.start + FRINGE, rows.stop - FRINGE)
    columns = slice(columns.start + FRINGE, columns.stop - FRINGE)
    sheet = planes[rows, columns].astype(np.int16)
    if not sheet.size:
        return None
    outline = border(sheet)
    paper = np.median(outline, axis=0)
    if np.abs(paper - margin).max() < _MIN_CONTRAST:
        return None
    if np.mean(np.abs(outline - paper).max(axis=1) <= _UNIFORM_STEP) < _PLAIN_OUTLINE:
        return None
    like_paper = np.mean(np.abs(sheet - paper).max(axis=2) <= _UNIFORM_STEP)
    return (rows, columns) if _PLAIN_SHEET <= like_paper < 1 else None


def _is_filled(box: Picture, desk: Color) -> bool:
    """Tell that much is light on a darker, plain desk.

    It is a sheet if it has the outline of one, and something is written on it; else it is a stroke.
    """
    return bool(np.mean(box.min(axis=2) > desk.max() + _MIN_CONTRAST) >= _FILLED)


def _on_sheet(planes: Picture) -> InkArray | None:
    """Ink of a sheet on a desk; None where there is no sheet."""
    sheet = sheet_on_desk(planes)
    if sheet is None:
        return None
    found = photographed_inks(sheet.paper)
    return sheet.back(found[0], planes.shape) if found else np.zeros(planes.shape[:2], np.float32)


def _plain_ink(planes: Picture, paper: Color) -> InkArray:
    """Ink on plain paper: `(h, w, depth)` picture to `(h, w)` ink; drops what is only faint."""
    contrast = _contrast(planes, paper)
    strong = contrast[contrast > _MIN_CONTRAST]
    if not strong.size:
        raise BlankPictureError(
            f"Expected ink of more than {_MIN_CONTRAST:.0f} gray levels. "
            f"Received: {contrast.max():.0f}"
        )
    full = full_contrast(strong)
    low = min(_UNIFORM_STEP, 0.5 * full)
    ink = np.clip((contrast - low) / (full - low), 0, 1)
    labels, boxes = components(contrast > low)
    # Canny's hysteresis: fainter ink counts where it is connected to strong ink.
    keep = np.zeros(len(boxes), bool)
    keep[labels[ink > STRONG_INK]] = True
    return ink * keep[labels]


def _contrast(planes: Picture, paper: Color) -> InkArray:
    """Project on the colour in which the ink differs from the paper: positive is ink.

    Args:
        planes: `(h, w, depth)` uint8.
        paper: The paper's colour.

    Returns:
        `(h, w)` float32 in gray levels.
    """
    height, width, depth = planes.shape
    scalar = (*paper.tolist(), 0.0, 0.0, 0.0)[:4]
    away = cv2.absdiff(planes, scalar).reshape(-1, depth)
    magnitude = cv2.reduce(away, 1, cv2.REDUCE_MAX).reshape(height, width)
    cutoff = strong_level(magnitude, max(8, height * width // 2000))
    strongest = cv2.inRange(magnitude, cutoff, 255.0)
    direction = np.array(cv2.mean(planes, strongest)[:depth]) - paper
    length = float(np.linalg.norm(direction))
    if length == 0:
        return np.zeros((height, width), np.float32)
    axis = direction / (length * np.sqrt(depth))
    projection = np.append(axis, -axis @ paper).astype(np.float32)
    return cv2.transform(planes.astype(np.float32), projection[None]).reshape(height, width)


def _comes_from_outside(ink: InkArray) -> bool:
    """Tell that ink runs from edge to edge, or some out of the picture and some not: a shadow."""
    boxes = components(ink > 0)[1][1:]
    outside = touch_border(boxes, ink.shape)
    across = (boxes[:, 2:4] >= ink.shape[::-1]).any()
    return bool(across or (outside.any() and not outside.all()))


def _is_drawn(planes: Picture, paper: Color) -> bool:
    """Tell ink of one tone, but for its edges, as on a canvas or a scan in black and white."""
    away = np.abs(planes.astype(np.float32) - paper).max(axis=2)
    darkest = away > away.max() - _UNIFORM_STEP
    return bool(darkest.sum() >= _DRAWN * (away > _UNIFORM_STEP).sum())


def _photographed(planes: Picture) -> list[InkArray]:
    """Ink on the sheet, and on the whole picture in case that light and shadow only look like one.

    An empty sheet is blank, whatever the desk beside it looks like.
    """
    found = photographed_inks(planes)
    on_sheet = _on_sheet(planes)
    if on_sheet is not None:
        found = [on_sheet, *found] if on_sheet.any() else []
    cleared = [without_long_lines(array) for array in found[:1]]
    return found + [array for array in cleared if array is not found[0]]
