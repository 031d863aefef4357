"""Loading of untrusted pictures: one upright 8-bit array, or an error message for the user.

Only this module opens files from outside. Nothing is decoded before its size is known, and whatever
a decoder raises on a damaged or hostile file, the caller sees a `PictureError`.
"""

import io
import math
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

Samples: TypeAlias = npt.NDArray[Any]
"""An array of any dtype."""

Picture: TypeAlias = npt.NDArray[np.uint8]
"""`(H, W)` gray or `(H, W, 3)` RGB, uint8, upright; 0 is black and 255 is white."""

MAX_FILE_BYTES: Final = 20_000_000
"""Maximum file size; a 48-megapixel JPEG from a phone stays below it."""

MAX_PIXELS: Final = 50_000_000
"""Maximum number of pixels, checked before decoding: enough for 48 megapixels."""

MAX_SIDE: Final = 20_000
"""Maximum side in pixels: more than the panoramas of cameras and phones have."""

MIN_SIDE: Final = 5
"""Minimum side in pixels: narrower pictures show dashes, which look like ones."""

MAX_SCANS: Final = 64
"""Maximum number of scans of a JPEG. Encoders write up to about 20; each costs a pass over all
pixels, so a small file with thousands of empty scans would keep a decoder busy for hours."""

MAX_PARTS: Final = 100_000
"""Maximum number of strips or tiles of a TIFF: one per row of a tall scan, not one per pixel."""

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""Supported formats, by Pillow's names; others are never opened (EPS runs Ghostscript)."""

_TAGS: Final = ExifTags.Base

# Exceptions that Pillow's parsers raise on damaged files.
_DECODER_ERRORS: Final = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
)

# Full scales of samples: 1 bit, 8 bits, and the bit depths of cameras and scanners.
_FULL_SCALES: Final = (1, 255, 1023, 4095, 16383, 65535)

# Larger pictures are subsampled to this side to choose the paper under transparent parts.
_SAMPLED_SIDE: Final = 1000

# Minimum difference between ink and paper, in gray levels; shades of one ink differ by less.
_TWO_TONES: Final = 96

# Brands of ISO media files with HEVC pictures; AVIF has its own brands.
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class PictureError(ValueError):
    """A picture cannot be used; the message tells the user what is wrong and what to do.

    Attributes:
        code: A key of `SENTENCES`, for pages with their own messages; or `array` for a wrong array.
    """

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


_USE: Final = "Use a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF picture."
SENTENCES: Final = {
    "none": f"No picture was given. {_USE}",
    "not_opened": "The file cannot be opened. Check its name, or choose the picture again.",
    "empty": f"The file is empty. {_USE}",
    "format": f"This file is not a picture that can be read here. {_USE}",
    "heic": "This is a HEIC picture, which is not supported. Save it as JPEG or PNG (on an iPhone: "
    "Settings, Camera, Formats, Most Compatible), or use a screenshot of it.",
    "damaged": "This picture is damaged or incomplete. Take it from its source again, or save it "
    "again as PNG.",
    "too_large": f"The file is too large: at most {MAX_FILE_BYTES // 1_000_000} MB are accepted. "
    "Make the picture smaller, or save it as JPEG or PNG.",
    "too_many_pixels": "This picture has too many pixels: at most "
    f"{MAX_PIXELS // 1_000_000} million are accepted. Make it smaller and try again.",
    "too_long": f"This picture is too long: at most {MAX_SIDE:,} pixels per side are accepted. "
    "Cut the digits out of it and try again.",
    "too_small": f"This picture is too small: a digit needs at least {MIN_SIDE} pixels per side. "
    "Use a larger one.",
    "too_many_parts": "This file stores its picture in too many parts. Save it as PNG and try "
    "again.",
    "memory": "This picture needs too much memory. Make it smaller.",
}
"""Error messages: why a picture cannot be used, and what to do."""


def _refusal(code: str) -> PictureError:
    return PictureError(SENTENCES[code], code)


def load_picture(source: str | os.PathLike[str] | bytes | Image.Image | Samples) -> Picture:
    """Load a picture at full resolution, upright and without transparency.

    Transparent parts become paper in the tone that keeps the ink visible. Samples of more than 8
    bits are scaled, not clipped. Of several frames or pages, the first one is used.

    Args:
        source: A file by path or content, a Pillow image, or an array `(H, W)`, `(H, W, 1)`,
            `(H, W, 2)` gray with alpha, `(H, W, 3)` RGB or `(H, W, 4)` RGBA of any real dtype.

    Returns:
        A new array: `(H, W)` uint8 for opaque gray, else `(H, W, 3)` uint8 RGB.

    Raises:
        PictureError: If it is not a picture, damaged, in an unsupported format or beyond the limits
            at the top of this module.
    """
    try:
        if isinstance(source, np.ndarray):
            return _from_array(source)
        if isinstance(source, Image.Image):
            return _from_image(source)
        if isinstance(source, str | os.PathLike):
            source = _read_file(source)
        if isinstance(source, bytes):
            return _from_file_content(source)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refusal("too_many_pixels") from error
    except MemoryError as error:
        raise _refusal("memory") from error
    except _DECODER_ERRORS as error:
        raise _refusal("damaged") from error
    raise _refusal("none")


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        # Regular files only: a named pipe or a device could block forever.
        if Path(path).is_file():
            with Path(path).open("rb") as file:
                return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _refusal("not_opened") from error
    raise _refusal("not_opened")


def _from_file_content(content: bytes) -> Picture:
    if not content:
        raise _refusal("empty")
    if len(content) > MAX_FILE_BYTES:
        raise _refusal("too_large")
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS and b"avif" not in content[8:64]:
        raise _refusal("heic")
    if content.startswith(b"\xff\xd8") and _count_scans(content) > MAX_SCANS:
        raise _refusal("too_many_parts")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        # Pillow raises this as well if a file is truncated or damaged before its first pixel.
        if content.startswith(_SIGNATURES) or content[8:12] in (b"WEBP", b"avif"):
            raise _refusal("damaged") from error
        raise _refusal("format") from error
    with image:
        return _from_image(image)


# First bytes of supported formats. In WebP and AVIF they follow a length; the two of BMP are not
# conclusive.
_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")

_MARKER: Final = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])", re.DOTALL)


def _count_scans(jpeg: bytes) -> int:
    """Count the passes of a decoder over a JPEG: start-of-scan markers before its end."""
    scans = 0
    position = 2
    while marker := _MARKER.search(jpeg, position):
        kind = marker[1][0]
        if kind == 0xD9:  # End of image: what follows (a video, a second picture) is not decoded.
            break
        scans += kind == 0xDA
        length = int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
        position = marker.end() + length
    return scans


def _from_image(image: Image.Image) -> Picture:
    """Convert a Pillow image, decoded or not, to a picture."""
    _check_parts(image)
    image.load()
    image = _upright(image)
    if image.mode.startswith(("I", "F")):
        return _wide_to_bytes(np.asarray(image), image.info.get("transparency"))
    if image.has_transparency_data:
        return _without_transparency(image)
    # Pillow converts 1-bit samples to 0 and 255; np.array copies, so the result is writable.
    return np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _check_parts(image: Image.Image) -> None:
    """Reject pictures that need too much memory or time to decode."""
    _check_size(*image.size)
    if len(getattr(image, "tile", ())) > MAX_PARTS:
        raise _refusal("too_many_parts")
    # The tiles of a TIFF have their own size; each is decoded as a whole.
    tags = getattr(image, "tag_v2", {})
    sides = (int(tags.get(tag, 1)) for tag in (_TAGS.TileWidth, _TAGS.TileLength))
    if math.prod(sides) > MAX_PIXELS:
        raise _refusal("too_many_pixels")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _refusal("too_many_pixels")
    if max(width, height) > MAX_SIDE:
        raise _refusal("too_long")
    if min(width, height) < MIN_SIDE:
        raise _refusal("too_small")


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; damaged EXIF is ignored."""
    try:
        if image.getexif().get(_TAGS.Orientation, 1) == 1:
            return image  # exif_transpose would copy it
        return ImageOps.exif_transpose(image)
    except _DECODER_ERRORS:
        return image


def _wide_to_bytes(values: Samples, transparency: object = None) -> Picture:
    """Scale samples of any real dtype to 0-255.

    Args:
        values: `(H, W)` or `(H, W, C)`. Without negative values, full scale is that of the smallest
            of 1, 8, 10, 12, 14 and 16 bits that holds them, so that a faint picture stays faint;
            with negative values, it is their range.
        transparency: The value of a gray PNG that means transparent, or None.
    """
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PictureError(
            "This picture is damaged: some values are not numbers. Save it again as PNG.", "damaged"
        )
    samples = values.astype(np.result_type(values, np.float32))
    if low < 0:
        # Halved first: the range of large numbers may overflow the dtype.
        samples /= 2
        samples -= samples.min()
        full_scale = float(samples.max())
    else:
        scales = (max(scale, high) for scale in _FULL_SCALES if high <= scale * 1.05)
        full_scale = float(next(scales, high))  # filters may overshoot a scale by 5 %
    if full_scale:
        samples /= full_scale
        samples *= 255
    scaled = np.round(samples, out=samples).astype(np.uint8)
    if not isinstance(transparency, int):
        return scaled
    alpha = np.where(values == transparency, 0, 255).astype(np.uint8)
    return _without_transparency(Image.fromarray(np.dstack((scaled, alpha)), "LA"))


def _from_array(array: Samples) -> Picture:
    if array.dtype.kind not in "buif":
        raise PictureError(f"Expected an array of numbers. Received: dtype={array.dtype}.", "array")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (2, 3, 4)):
        raise PictureError(
            f"Expected (H, W) or (H, W, C), C of 1 to 4. Received: shape={array.shape}.",
            "array",
        )
    _check_size(array.shape[1], array.shape[0])
    scaled = array if array.dtype == np.uint8 else _wide_to_bytes(array)
    if array.ndim == 3 and array.shape[2] in (2, 4):
        return _without_transparency(Image.fromarray(np.ascontiguousarray(scaled)))
    return np.array(scaled)


def _without_transparency(image: Image.Image) -> Picture:
    """Composite an image onto paper: `(H, W, 3)` uint8 RGB."""
    image = image.convert("RGBA")
    paper = Image.new("RGB", image.size, (_paper_under(image),) * 3)
    paper.paste(image, mask=image)
    return np.array(paper)


def _paper_under(image: Image.Image) -> int:
    """Choose the gray level, 0 to 255, of the paper under a partly transparent RGBA image.

    Ink alone (one tone) gets paper of the opposite tone, or it would be invisible. If both ink and
    paper are visible (a sheet with round corners, a sticker with a border), the tone next to the
    transparent part is extended.
    """
    step = max(1, max(image.size) / _SAMPLED_SIDE)
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
