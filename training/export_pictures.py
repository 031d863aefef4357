"""The way from a picture to an image in TensorFlow's own operations, for a SavedModel to hold.

It follows `digits.ink` and `digits.preprocessing` as far as plain paper goes: a canvas, a clean
scan, a sticker. What it leaves out: frames and ruled lines, shadows and everything else that
photographs of paper bring, the second look at faint specks, and turning by EXIF. How often it
agrees with the app is counted by `python -m training.export --check`. Arrays are height x width x
depth, float32; gray levels run from 0 to 255, ink from 0 for paper to 1.
"""

import cv2
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.ink import WORK_SIDE
from digits.preprocessing import BOX_SIDE, IMAGE_SIDE, MIN_STROKE

# As in digits.ink and digits.preprocessing, where they are explained.
_UNIFORM_STEP = 6.0
_MIN_CONTRAST = 14.0
_EDGE = 0.1
_FINE_SIDE = 4 * BOX_SIDE

_TWO_TONES = 96.0
"""Gray levels between ink and paper; one ink's own shades differ by less."""

_FAR = 1e6
"""More than any distance in a picture, in pixels."""

_STEP, _DIAGONAL = 0.955, 1.3693
"""Lengths of a step in OpenCV's distances by a mask of 3x3."""


def images_of(contents: tf.Tensor) -> tf.Tensor:
    """Bring the one digit of each picture into MNIST's frame, in both ways that the app knows.

    Args:
        contents: `(N,)` string, whole PNG, JPEG, GIF or BMP files.

    Returns:
        `(N, 2, 28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink: first the ink where it is, for a
        picture of 28x28, else normalized as the second one always is. All 0 without ink.
    """
    form = tf.TensorSpec((2, IMAGE_SIDE, IMAGE_SIDE), tf.float32)
    return tf.map_fn(
        lambda content: _framings(_decode(content)), contents, fn_output_signature=form
    )


def _framings(picture: tf.Tensor) -> tf.Tensor:
    ink = _ink(_reduce(picture))

    def framed() -> tf.Tensor:
        normalized = _normalize(ink)
        is_small = tf.reduce_all(tf.equal(tf.shape(ink), IMAGE_SIDE))
        first = tf.cond(is_small, lambda: ink, lambda: normalized)
        return tf.stack([tf.ensure_shape(first, normalized.shape), normalized])

    nothing = tf.zeros((2, IMAGE_SIDE, IMAGE_SIDE))
    return tf.cond(tf.reduce_any(ink > _EDGE), framed, lambda: nothing)


def _decode(content: tf.Tensor) -> tf.Tensor:
    """Decode one file to `(H, W, 3)` gray levels, on paper where it is transparent."""
    decoded = tf.io.decode_image(content, expand_animations=False)
    samples = tf.ensure_shape(tf.cast(decoded, tf.float32), (None, None, None))
    depth = tf.shape(samples)[2]
    color = tf.gather(samples, tf.where(depth >= 3, [0, 1, 2], [0, 0, 0]), axis=2)
    return tf.cond(depth % 2 == 0, lambda: _on_paper(color, samples[..., -1:] / 255), lambda: color)


def _on_paper(color: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Put ink of one tone on paper of the other; where both are visible, go on with the paper."""
    gray = tf.reduce_mean(color, axis=2, keepdims=True)
    tones = tf.sort(tf.boolean_mask(gray, alpha > tf.reduce_max(alpha) / 2))

    def paper() -> tf.Tensor:
        is_one_tone = _quantile(tones, 0.99) - _quantile(tones, 0.01) < _TWO_TONES
        opposite = tf.where(tf.reduce_mean(tones) < 128, 255.0, 0.0)
        return tf.where(is_one_tone, opposite, _quantile(tones, 0.5))

    under = tf.cond(tf.size(tones) > 0, paper, lambda: tf.constant(255.0))
    return tf.round(color * alpha + under * (1 - alpha))


def _reduce(picture: tf.Tensor) -> tf.Tensor:
    side = tf.cast(tf.reduce_max(tf.shape(picture)[:2]), tf.float32)
    return tf.cond(side > WORK_SIDE, lambda: _resize(picture, WORK_SIDE / side), lambda: picture)


def _ink(picture: tf.Tensor) -> tf.Tensor:
    """What leaves the colour of the border: `(H, W, 3)` gray levels to `(H, W)` ink."""
    edges = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    border = tf.sort(tf.concat(edges, axis=0), axis=0)
    last = tf.shape(border)[0] - 1
    paper = (border[last // 2] + border[(last + 1) // 2]) / 2
    difference = picture - paper
    off = tf.reduce_any(tf.abs(difference) > _UNIFORM_STEP, axis=2)
    blank = tf.zeros(tf.shape(off))

    def found() -> tf.Tensor:
        rows, columns = _bounds(off)
        inner = _plain_ink(difference[rows[0] : rows[1], columns[0] : columns[1]])
        height, width = tf.unstack(tf.shape(off))
        return tf.pad(inner, [(rows[0], height - rows[1]), (columns[0], width - columns[1])])

    return tf.ensure_shape(tf.cond(tf.reduce_any(off), found, lambda: blank), (None, None))


def _plain_ink(difference: tf.Tensor) -> tf.Tensor:
    """Ink on plain paper, in the direction in which the strongest pixels leave it."""
    magnitude = tf.reshape(tf.reduce_max(tf.abs(difference), axis=2), [-1])
    count = tf.size(magnitude)
    few = tf.minimum(count, tf.maximum(8, count // 2000))
    cutoff = tf.floor(tf.math.top_k(magnitude, few).values[-1])
    strongest = tf.boolean_mask(tf.reshape(difference, (-1, 3)), magnitude >= cutoff)
    direction = tf.reduce_mean(strongest, axis=0)
    projection = tf.math.divide_no_nan(direction, tf.norm(direction) * np.sqrt(3))
    contrast = tf.tensordot(difference, projection, 1)
    strong = tf.boolean_mask(contrast, contrast > _MIN_CONTRAST)

    def scaled() -> tf.Tensor:
        full = _quantile(tf.sort(strong[:: 1 + tf.size(strong) // 5000]), 0.8)
        low = tf.minimum(_UNIFORM_STEP, 0.5 * full)
        return tf.clip_by_value((contrast - low) / (full - low), 0, 1)

    return tf.cond(tf.size(strong) > 0, scaled, lambda: tf.zeros_like(contrast))


def _normalize(ink: tf.Tensor) -> tf.Tensor:
    thick = _thicken(_crop(ink))
    side = tf.cast(tf.reduce_max(tf.shape(thick)), tf.float32)
    return _center_by_mass(_resize(thick[..., None], BOX_SIDE / side)[..., 0])


def _crop(ink: tf.Tensor) -> tf.Tensor:
    rows, columns = _bounds(ink > _EDGE)
    return ink[rows[0] : rows[1], columns[0] : columns[1]]


def _thicken(ink: tf.Tensor) -> tf.Tensor:
    """Widen strokes that would be thinner than `MIN_STROKE` in the image."""
    large = tf.cast(tf.reduce_max(tf.shape(ink)), tf.float32)
    fine = tf.cond(
        large > _FINE_SIDE,
        lambda: _resize(ink[..., None], _FINE_SIDE / large)[..., 0],
        lambda: ink,
    )
    pitch = tf.minimum(large, _FINE_SIDE) / BOX_SIDE
    missing = tf.cast(tf.round(MIN_STROKE * pitch - _stroke_width(fine)), tf.int32)

    def widened() -> tf.Tensor:
        padded = tf.pad(fine / tf.reduce_max(fine), [(missing, missing)] * 2)
        kernel = tf.constant(_KERNELS)[missing]
        dilated = tf.nn.dilation2d(
            padded[None, ..., None], kernel[..., None], [1] * 4, "SAME", "NHWC", [1] * 4
        )
        return _crop(dilated[0, ..., 0])

    return tf.cond(missing >= 1, widened, lambda: fine)


def _stroke_width(ink: tf.Tensor) -> tf.Tensor:
    """Mean width of the strokes in pixels, from each pixel's distance to the paper."""
    mask = tf.pad(ink > 0.5 * tf.reduce_max(ink), [(1, 1), (1, 1)])
    start = tf.where(mask, _FAR, 0.0)[None, ..., None]
    steps = -tf.constant(
        [[_DIAGONAL, _STEP, _DIAGONAL], [_STEP, 0, _STEP], [_DIAGONAL, _STEP, _DIAGONAL]]
    )

    def shorter(distance: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        after = tf.nn.erosion2d(distance, steps[..., None], [1] * 4, "SAME", "NHWC", [1] * 4)
        return after, tf.reduce_any(after < distance)

    begun = tf.constant(value=True)
    distance, _ = tf.while_loop(lambda _, changed: changed, shorter, (start, begun))
    inside = tf.boolean_mask(distance[0, ..., 0], mask)
    return 4 * (tf.reduce_mean(inside) - 0.5)


def _center_by_mass(box: tf.Tensor) -> tf.Tensor:
    sides = tf.shape(box)
    mass = tf.reduce_sum(box)
    places = []
    for axis in (0, 1):
        indices = tf.cast(tf.range(sides[axis]), tf.float32)
        middle = tf.tensordot(tf.reduce_sum(box, axis=1 - axis), indices, 1) / mass
        place = tf.cast(tf.floor(IMAGE_SIDE / 2 - middle + 0.5), tf.int32)
        places.append(tf.clip_by_value(place, 0, IMAGE_SIDE - sides[axis]))
    margins = [(places[axis], IMAGE_SIDE - sides[axis] - places[axis]) for axis in (0, 1)]
    return tf.ensure_shape(tf.pad(box, margins), (IMAGE_SIDE, IMAGE_SIDE))


def _bounds(mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First row and the one after the last that hold something, and the same of columns."""
    places = tf.where(mask)
    first = tf.cast(tf.reduce_min(places, axis=0), tf.int32)
    end = tf.cast(tf.reduce_max(places, axis=0), tf.int32) + 1
    return tf.stack([first[0], end[0]]), tf.stack([first[1], end[1]])


def _resize(picture: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.shape(picture)[:2], tf.float32) * factor
    size = tf.maximum(1, tf.cast(tf.round(size), tf.int32))
    smaller = tf.cond(
        factor < 1,
        lambda: tf.image.resize(picture, size, tf.image.ResizeMethod.AREA),
        lambda: tf.clip_by_value(
            tf.image.resize(picture, size, tf.image.ResizeMethod.BICUBIC), 0, 1
        ),
    )
    return tf.ensure_shape(smaller, (None, None, picture.shape[2]))


def _quantile(ordered: tf.Tensor, share: float) -> tf.Tensor:
    """Read a quantile off sorted values, linearly between two of them."""
    place = share * tf.cast(tf.size(ordered) - 1, tf.float32)
    low, high = tf.floor(place), tf.math.ceil(place)
    between = place - low
    return (1 - between) * ordered[tf.cast(low, tf.int32)] + between * ordered[
        tf.cast(high, tf.int32)
    ]


def _dilation_kernels() -> npt.NDArray[np.float32]:
    """`(8, 9, 9)`: by missing width, what `cv2.dilate` looks at, 0 for a pixel that counts."""
    kernels = np.full((8, 9, 9), -_FAR, np.float32)
    for missing, kernel in enumerate(kernels):
        side = missing + 1
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        # OpenCV's anchor is the pixel after the middle where there is no middle one.
        corner = 4 - side // 2
        kernel[corner : corner + side, corner : corner + side][ellipse > 0] = 0
    return kernels


_KERNELS = _dilation_kernels()
