"""Variation of pen movements: hooks, loops, gaps, overshoot, retraced and detached strokes.

Strokes are lists of `(n, 2)` float64 arrays of x (right) and y (down) in a box of `BOX` x `BOX`;
one point is a dot. All functions return new arrays.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting.strokes import Points, Strokes, box, interpolate, rotation

BOX = 100.0

_STEP = 2.5
"""Distance between points after resampling."""

_CORNER = np.radians(65)
"""Minimum turn of a corner within six steps, in radians."""

_MEETING = 7.0
"""Distance to other ink below which an end meets it; farther ends are free."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far a character may be varied before it is read as another one.

    Attributes:
        hook: Maximum length of a hook at an end.
        loop: Maximum tension of a loop at a corner.
        bend: Maximum standard deviation of a bend.
        rounds: Whether corners may be rounded.
        opens: Whether a gap may open where strokes meet.
        narrows: Whether it may become narrower.
    """

    hook: float = 18.0
    loop: float = 3.5
    bend: float = 3.2
    rounds: bool = True
    opens: bool = True
    narrows: bool = True


LIMITS = {
    "0": Limits(hook=15, opens=False, narrows=False),  # or U, 6; without its hole 1
    "1": Limits(hook=12, loop=1.3, bend=2),  # or 7, 2; 9; 2, 5
    "3": Limits(rounds=False),  # or a parenthesis
    "4": Limits(hook=9, loop=2, rounds=False),  # or 9; 6; 9
    "5": Limits(hook=9),  # or 6
    "6": Limits(hook=12),  # or 8
    "7": Limits(hook=9, loop=1.2, rounds=False, narrows=False),  # or 2; 9; 1; 1
    "8": Limits(opens=False),  # or 3, 5
    "V": Limits(rounds=False),  # or U
}
"""By character; comments name what a stronger variation would turn it into."""


def vary(
    strokes: Sequence[npt.NDArray[np.floating]], label: str, rng: np.random.Generator
) -> Strokes:
    """Write the same character with another movement.

    Takes at least one stroke, in any unit; the result is centered and its larger side is `BOX`. The
    label is a digit or the name of another character.
    """
    limits = LIMITS.get(label, Limits())
    chance = rng.random(6)
    moved = [_resample(stroke) for stroke in fit(strokes)]
    if chance[0] < 0.4:
        moved = _shift_strokes(moved, rng)
    if chance[1] < 0.4:
        tension = _corner_tension(limits, rng)
        moved = [_shape_corners(stroke, tension, int(rng.integers(2, 5))) for stroke in moved]
    if chance[2] < 0.6:
        moved = _vary_ends(moved, limits, rng)
    if chance[3] < 0.7:
        amplitude = rng.uniform(0.5, limits.bend)
        moved = [_bend(stroke, amplitude, rng) for stroke in moved]
    if chance[4] < 0.08:
        moved = _write_twice(moved, rng)
    if chance[5] < 0.6:
        moved = _vary_proportions(moved, limits, rng)
    return fit(_make_unsteady(moved, rng))


def fit(strokes: Sequence[npt.NDArray[np.floating]]) -> Strokes:
    """Scale the larger side of the strokes to `BOX` and center them."""
    low, high = box(strokes)
    scale = BOX / max(float((high - low).max()), 1e-6)
    return [(stroke - (low + high) / 2) * scale + BOX / 2 for stroke in strokes]


def join(strokes: Strokes) -> Strokes:
    """Join lines that `trace` has split at forks, smoothest continuations first."""
    joined = list(strokes)
    while True:
        smoothest = min(_continuations(joined), key=lambda found: found[0], default=None)
        if smoothest is None:
            return _without_fragments(joined)
        _, used, line = smoothest
        joined = [*(stroke for n, stroke in enumerate(joined) if n not in used), line]


def _without_fragments(strokes: Strokes) -> Strokes:
    """Drop lines too short for a pen stroke, unless there is nothing else."""
    sizes = [np.ptp(stroke, axis=0).max() for stroke in strokes]
    least = min(0.1 * np.ptp(np.concatenate(strokes), axis=0).max(), max(sizes))
    return [stroke for stroke, size in zip(strokes, sizes, strict=True) if size >= least]


def _continuations(strokes: Strokes) -> Iterator[tuple[float, tuple[int, int], Points]]:
    """Find pairs of strokes that continue each other with a turn below 60 degrees.

    Yields the turn in radians, the two indices, and the joined stroke.
    """
    ways = [
        (n, way, _heading(way, 4))
        for n, stroke in enumerate(strokes)
        if len(stroke) > 1
        for way in (stroke[::-1], stroke)
    ]
    for (i, first, heading), (k, second, other_heading) in itertools.combinations(ways, 2):
        if i == k or np.abs(first[-1] - second[-1]).max() > 1e-6:
            continue
        turn = abs((heading - other_heading) % (2 * np.pi) - np.pi)
        if turn < np.radians(60):
            yield turn, (i, k), np.concatenate([first, second[-2::-1]])


def _heading(stroke: Points, reach: int) -> float:
    """Return the direction of a stroke at its end, in radians."""
    x, y = stroke[-1] - stroke[max(0, len(stroke) - 1 - reach)]
    return float(np.arctan2(y, x))


def _resample(stroke: npt.NDArray[np.floating]) -> Points:
    """Resample at equal distances; a stroke without length becomes a dot."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    if along[-1] < _STEP / 2:
        return np.asarray(stroke[:1], np.float64)
    places = np.linspace(0, along[-1], round(along[-1] / _STEP) + 2)
    return interpolate(stroke, places, along)


def _shift_strokes(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Rotate, scale and move all strokes but the longest: bars detach, slip and change length."""
    longest = max(range(len(strokes)), key=lambda i: len(strokes[i]))
    shifted = list(strokes)
    for i, stroke in enumerate(strokes):
        if i != longest:
            middle = stroke.mean(axis=0)
            turn = rotation(rng.normal(0, np.radians(7)))[:2, :2] * np.exp(rng.normal(0, 0.15))
            shifted[i] = (stroke - middle) @ turn.T + middle + rng.normal(0, 2.5, 2)
    return shifted


def _corner_tension(limits: Limits, rng: np.random.Generator) -> float:
    """Return a tension below 0 for round corners or above 1 for loops."""
    if rng.random() < 0.5 and limits.rounds:
        return rng.uniform(-0.6, 0)
    return rng.uniform(1, limits.loop)


def _shape_corners(stroke: Points, tension: float, reach: int) -> Points:
    """Replace corners by Bezier curves whose handles are short of the corner or beyond it."""
    t = np.linspace(0, 1, 4 * reach)[:, None]
    parts: Strokes = []
    done = 0
    for corner in _corners(stroke, reach):
        first, last = max(done, corner - reach), min(len(stroke) - 1, corner + reach)
        a, c, b = stroke[first], stroke[corner], stroke[last]
        in_handle, out_handle = a + (1 + tension) * (c - a), b + (1 + tension) * (c - b)
        curve = (1 - t) ** 3 * a + t**3 * b
        curve += 3 * t * (1 - t) * ((1 - t) * in_handle + t * out_handle)
        parts += [stroke[done:first], curve]
        done = last + 1
    return np.concatenate([*parts, stroke[done:]])


def _corners(stroke: Points, reach: int) -> Iterator[int]:
    """Find the sharpest turns of a stroke, more than `reach` points apart."""
    if len(stroke) < 4 * reach:
        return
    steps = np.diff(stroke, axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turns = np.abs(headings[5:] - headings[:-5])  # turns[i] is the turn about point i + 3
    i = max(reach - 3, 0)
    while i < len(turns):
        if turns[i] > _CORNER:
            corner = i + int(turns[i : i + 6].argmax()) + 3
            yield corner
            i = corner + reach - 2
        else:
            i += 1


def _vary_ends(strokes: Strokes, limits: Limits, rng: np.random.Generator) -> Strokes:
    varied = list(strokes)
    for i in [i for i in range(len(strokes)) for _ in range(2)]:
        varied[i] = varied[i][::-1]
        if len(varied[i]) > 3:
            if _meets(i, varied):
                varied[i] = _vary_meeting_end(varied[i], rng, opens=limits.opens)
            else:
                varied[i] = _vary_free_end(varied[i], limits.hook, rng)
    return varied


def _meets(i: int, strokes: Strokes) -> bool:
    """Return whether the end of a stroke is near another one or an earlier part of itself."""
    others = [strokes[i][:-8], *(stroke for k, stroke in enumerate(strokes) if k != i)]
    away = np.abs(np.concatenate(others) - strokes[i][-1]).max(axis=1)
    return bool(away.size and away.min() < _MEETING)


def _vary_meeting_end(stroke: Points, rng: np.random.Generator, *, opens: bool) -> Points:
    """Sometimes leave a gap before the other ink or overshoot it."""
    kind = rng.random()
    if kind < 0.2 and opens:
        return stroke[: -int(rng.integers(1, 4))]
    if kind < 0.55:
        return _extend(stroke, rng.uniform(3, 12), 0, _last_turn(stroke))
    return stroke


def _vary_free_end(stroke: Points, longest: float, rng: np.random.Generator) -> Points:
    """Sometimes shorten a stroke, extend it, or add a hook or a curl."""
    kind, side = rng.random(), rng.choice([-1, 1])
    if kind < 0.06:
        return stroke[: -int(rng.integers(1, 4))]
    if kind < 0.16:
        return _extend(stroke, rng.uniform(0.2, 0.7) * longest, 0, _last_turn(stroke))
    if kind < 0.32:
        return _extend(stroke, rng.uniform(3, longest), side * rng.uniform(0.8, 2.6), 0)
    if kind < 0.46:
        return _extend(stroke, rng.uniform(6, 1.3 * longest), 0, side * rng.uniform(0.2, 0.5))
    if kind < 0.5:
        return _extend(stroke, rng.uniform(0.8, 2) * longest, 0, side * rng.uniform(0.5, 0.8))
    return stroke


def _extend(stroke: Points, length: float, turn: float, turn_per_step: float) -> Points:
    """Extend a stroke, with a turn at its end and another one per step, in radians."""
    steps = np.arange(1, round(length / _STEP) + 1)
    headings = _heading(stroke, 2) + turn + turn_per_step * steps
    moves = _STEP * np.column_stack([np.cos(headings), np.sin(headings)])
    return np.concatenate([stroke, stroke[-1] + np.cumsum(moves, axis=0)])


def _last_turn(stroke: Points) -> float:
    """Return the mean turn per step near the end, in radians."""
    steps = np.diff(stroke[-7:], axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    return float(np.clip(np.diff(headings).mean(), -0.3, 0.3)) if len(headings) > 1 else 0.0


def _bend(stroke: Points, amplitude: float, rng: np.random.Generator) -> Points:
    """Displace the points of a stroke smoothly."""
    knots = rng.normal(0, amplitude, (2 + len(stroke) // 12, 1, 2))
    displaced = cv2.resize(knots, (1, len(stroke)), interpolation=cv2.INTER_CUBIC)
    return stroke + displaced.reshape(-1, 2)


def _write_twice(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Retrace a part of one stroke beside it, without lifting the pen."""
    twice = list(strokes)
    i = int(rng.integers(len(strokes)))
    back = strokes[i][::-1][: max(2, round(len(strokes[i]) * rng.uniform(0.2, 1)))]
    beside = np.linspace(0, 1, len(back))[:, None] * rng.normal(0, 3, 2)
    twice[i] = np.concatenate([strokes[i], back + beside])
    return twice


def _vary_proportions(strokes: Strokes, limits: Limits, rng: np.random.Generator) -> Strokes:
    """Slant, stretch, enlarge one half, and make the whole squarer or rounder."""
    low, high = box(strokes)
    middle, half = (high + low) / 2, np.maximum((high - low) / 2, 1.0)
    larger = np.clip(rng.normal(0, 0.15, 2), -0.28, 0.28)
    squareness = rng.choice([0.0, rng.uniform(-0.4, 0.0), rng.uniform(0, 1)], p=[0.7, 0.1, 0.2])
    stretch = np.exp(np.clip(rng.normal(0, 0.15), -0.3 if limits.narrows else 0, 0.3))
    slant = rng.normal(0, 0.12)
    varied = []
    for stroke in strokes:
        place = np.clip((stroke - middle) / half, -1, 1)
        round_radius, square_radius = np.hypot(*place.T), np.abs(place).max(axis=1)
        square = np.maximum(round_radius, 1e-6) / np.maximum(square_radius, 1e-6)
        place *= square[:, None] ** squareness
        place += larger * (1 - np.clip(place, -1, 1) ** 2)
        x, y = (place * half).T
        varied.append(np.column_stack([x * stretch - slant * y, y]))
    return varied


def _make_unsteady(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Sometimes use a mouse's straight segments, a trembling hand or a coarse grid."""
    kind = rng.random()
    if kind < 0.1:
        coarse = rng.uniform(1.5, 5)
        lines = [cv2.approxPolyDP(s.astype(np.float32), coarse, closed=False) for s in strokes]
        return [line.reshape(-1, 2).astype(np.float64) for line in lines]
    if kind < 0.2:
        tremor = rng.uniform(0.4, 1.6)
        return [stroke + rng.normal(0, tremor, stroke.shape) for stroke in strokes]
    if kind < 0.23:
        grid = rng.uniform(3, 7)
        return [np.round(stroke / grid) * grid for stroke in strokes]
    return strokes
