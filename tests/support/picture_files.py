"""The same handwritten five as a file of every kind, for every entrance of the app."""

import functools
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

HEIGHT, WIDTH = 120, 88
DIGIT = 5
PNG = b"\x89PNG\r\n\x1a\n"

Gray = npt.NDArray[np.uint8]


def ink() -> Gray:
    """Draw the five: (HEIGHT, WIDTH) uint8, 255 where ink is."""
    strokes = (
        [(64, 24), (30, 24), (27, 56)],
        [(27, 56), (46, 50), (62, 64), (60, 86), (42, 98), (22, 90)],
    )
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    for stroke in strokes:
        cv2.polylines(drawn, [np.array(stroke, np.int32)], isClosed=False, color=255, thickness=9)
    return drawn


INK = ink()
ON_WHITE = 255 - INK
ON_BLACK = INK


@dataclass(frozen=True)
class Readable:
    """A file and the picture that it must give: `(H, W)` gray levels, within `tolerance`."""

    content: bytes
    expected: Gray = field(default_factory=lambda: ON_WHITE)
    tolerance: int = 0


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Save a Pillow image as a file's content."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _gray() -> Image.Image:
    return Image.fromarray(ON_WHITE)


def _rgba(color: int, alpha: Gray) -> Image.Image:
    return Image.merge(
        "RGBA", [Image.new("L", (WIDTH, HEIGHT), color)] * 3 + [Image.fromarray(alpha)]
    )


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# How a camera stores the upright picture when it writes this orientation: the inverse turn.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_as(orientation: int) -> Image.Image:
    """Return the five as it lies in a file with this EXIF orientation."""
    return _gray().transpose(_STORED[orientation]) if orientation in _STORED else _gray()


def _oriented() -> dict[str, Readable]:
    files = {
        f"exif-{orientation}.jpg": Readable(
            encode(stored_as(orientation), "JPEG", quality=95, exif=_exif(orientation)),
            tolerance=24,
        )
        for orientation in range(1, 9)
    }
    for kind in ("PNG", "WEBP", "TIFF"):
        content = encode(stored_as(6).convert("RGB"), kind, exif=_exif(6), lossless=True)
        files[f"exif-6.{kind.lower()}"] = Readable(content)
    return files


def _few_bits() -> dict[str, Readable]:
    one_bit = _gray().convert("1", dither=Image.Dither.NONE)
    palette = _gray().convert("P")
    return {
        "gray.png": Readable(encode(_gray(), "PNG")),
        "rgb.png": Readable(encode(_gray().convert("RGB"), "PNG")),
        "1-bit.png": Readable(encode(one_bit, "PNG")),
        "1-bit.tiff": Readable(encode(one_bit, "TIFF", compression="group4")),
        "1-bit.bmp": Readable(encode(one_bit, "BMP")),
        "palette.png": Readable(encode(palette, "PNG")),
        "palette-2-bit.png": Readable(encode(one_bit.convert("L").quantize(4), "PNG", bits=2)),
        "palette.bmp": Readable(encode(palette, "BMP")),
        "interlaced.png": Readable(interlaced_png(ON_WHITE)),
    }


def _many_bits() -> dict[str, Readable]:
    wide = ON_WHITE.astype(np.uint16)
    arrays = {
        "16-bit.png": (wide * 257, "PNG"),
        "12-of-16-bit.png": (np.round(wide * (4095 / 255)).astype(np.uint16), "PNG"),
        "16-bit.tiff": (wide * 257, "TIFF"),
        "32-bit.tiff": (wide.astype(np.int32) * 8_000_000, "TIFF"),
        "negative.tiff": (wide.astype(np.int32) - 128, "TIFF"),
        "float-unit.tiff": (wide.astype(np.float32) / 255, "TIFF"),
        "float-255.tiff": (wide.astype(np.float32), "TIFF"),
        "float-signed.tiff": (wide.astype(np.float32) / 127.5 - 1, "TIFF"),
    }
    files = {
        name: Readable(encode(Image.fromarray(array), kind), tolerance=1)
        for name, (array, kind) in arrays.items()
    }
    rgb = cv2.imencode(".png", np.dstack([wide * 257] * 3))[1].tobytes()  # Pillow has no such mode
    files["16-bit-rgb.png"] = Readable(rgb)
    return files


def _transparent() -> dict[str, Readable]:
    opaque = np.full_like(INK, 255)
    black, white = _rgba(0, INK), _rgba(255, INK)
    palette = Image.fromarray((INK > 127).astype(np.uint8), "L").convert("P")
    palette.putpalette([0, 0, 0] * 2)
    corners = opaque.copy()
    corners[:12, :12] = 0
    gray_and_alpha = Image.merge("LA", [Image.new("L", (WIDTH, HEIGHT), 0), Image.fromarray(INK)])
    sheet = _gray().convert("RGB")
    sheet.putalpha(Image.fromarray(corners))
    return {
        "black-ink-on-transparent.png": Readable(encode(black, "PNG")),
        "black-ink-on-transparent.webp": Readable(encode(black, "WEBP", lossless=True)),
        "white-ink-on-transparent.png": Readable(encode(white, "PNG"), ON_BLACK),
        "gray-and-alpha.png": Readable(encode(gray_and_alpha, "PNG")),
        "palette-with-transparency.png": Readable(encode(palette, "PNG", transparency=0)),
        "palette-with-transparency.gif": Readable(encode(palette, "GIF", transparency=0)),
        "gray-with-transparent-level.png": Readable(encode(_gray(), "PNG", transparency=255)),
        "16-bit-with-transparent-level.png": Readable(
            encode(Image.fromarray(INK.astype(np.uint16) * 257), "PNG", transparency=0), ON_BLACK, 1
        ),
        "sheet-with-transparent-corner.png": Readable(encode(sheet, "PNG")),
        "opaque-rgba.png": Readable(encode(_gray().convert("RGBA"), "PNG")),
    }


def _lossy() -> dict[str, Readable]:
    rgb = _gray().convert("RGB")
    files = {
        "gray.jpg": encode(_gray(), "JPEG", quality=95),
        "rgb.jpg": encode(rgb, "JPEG", quality=95),
        "progressive.jpg": encode(rgb, "JPEG", quality=95, progressive=True),
        "cmyk.jpg": encode(rgb.convert("CMYK"), "JPEG", quality=95),
        "ycck.jpg": ycck_jpeg(ON_WHITE),
        "several-pictures.mpo": encode(rgb, "MPO", save_all=True, append_images=[rgb], quality=95),
        "lossy.webp": encode(rgb, "WEBP", quality=95),
        "jpeg-in.tiff": encode(rgb, "TIFF", compression="jpeg", quality=95),
        "still.avif": encode(rgb, "AVIF", quality=95),
        "animated.avif": encode(rgb, "AVIF", quality=95, save_all=True, append_images=[_blank()]),
    }
    return {name: Readable(content, tolerance=40) for name, content in files.items()}


def _blank() -> Image.Image:
    return Image.new("RGB", (WIDTH, HEIGHT), "white")


def _several_frames() -> dict[str, Readable]:
    rgb = _gray().convert("RGB")
    more = {"save_all": True, "append_images": [_blank()] * 3}
    return {
        "still.gif": Readable(encode(_gray(), "GIF")),
        "animated.gif": Readable(encode(rgb, "GIF", **more)),
        "animated.png": Readable(encode(rgb, "PNG", **more)),
        "animated.webp": Readable(encode(rgb, "WEBP", lossless=True, **more)),
        "pages.tiff": Readable(encode(rgb, "TIFF", **more)),
        "thousands-of-frames.gif": Readable(many_frames(3000)),
    }


def _other() -> dict[str, Readable]:
    rgb = _gray().convert("RGB")
    return {
        "rgb.bmp": Readable(encode(rgb, "BMP")),
        "lzw.tiff": Readable(encode(rgb, "TIFF", compression="tiff_lzw")),
        "deflate.tiff": Readable(encode(rgb, "TIFF", compression="tiff_adobe_deflate")),
        "cmyk.tiff": Readable(encode(rgb.convert("CMYK"), "TIFF")),
        "lossless.webp": Readable(encode(rgb, "WEBP", lossless=True)),
        "png-and-zip.png": Readable(encode(_gray(), "PNG") + zip_file()),
        "gif-and-script.gif": Readable(encode(_gray(), "GIF") + b"/*<script>alert(1)</script>"),
        "pdf-in-jpeg.jpg": Readable(
            _with_comment(encode(_gray(), "JPEG", quality=95)), tolerance=24
        ),
        "two-pngs.png": Readable(encode(_gray(), "PNG") + encode(_blank(), "PNG")),
        "damaged-exif.jpg": Readable(
            encode(_gray(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"),
            tolerance=24,
        ),
    }


@functools.cache
def readable() -> dict[str, Readable]:
    """Return the files that must be read, by name."""
    return (
        _oriented()
        | _few_bits()
        | _many_bits()
        | _transparent()
        | _lossy()
        | _several_frames()
        | _other()
    )


def _with_comment(jpeg: bytes) -> bytes:
    """Write a document that also is a JPEG: its text stands in the picture's comment."""
    comment = b"%PDF-1.7\n<script>alert(1)</script>\n%%EOF\n"
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def patched(content: bytes, position: int, replacement: bytes) -> bytes:
    return content[:position] + replacement + content[position + len(replacement) :]


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "b")
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_file(header: bytes, *chunks: bytes) -> bytes:
    return PNG + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def with_checksums(png: bytes) -> bytes:
    """Write the right checksum behind each chunk of a PNG, as far as it has whole ones."""
    mended = bytearray(png)
    start = len(PNG)
    while start + 12 <= len(png):
        end = start + 8 + int.from_bytes(png[start : start + 4], "big")
        if end + 4 > len(png):
            break
        mended[end : end + 4] = zlib.crc32(mended[start + 4 : end]).to_bytes(4, "big")
        start = end + 4
    return bytes(mended)


def interlaced_png(gray: Gray) -> bytes:
    """Write an Adam7-interlaced gray PNG, as Pillow cannot."""
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    raw = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in gray[top::down, left::right]
    )
    header = struct.pack(">IIBBBBB", gray.shape[1], gray.shape[0], 8, 0, 0, 0, 1)
    return png_file(header, chunk(b"IDAT", zlib.compress(raw)))


def ycck_jpeg(gray: Gray) -> bytes:
    """Write a JPEG as Adobe's programs do for print: luminance, two chroma and key planes.

    Pillow writes the four planes as they are but calls them CMYK in the Adobe segment, whose last
    byte says what they are. All the ink is in the key plane; Pillow stores each plane inverted.
    """
    luminance, chroma = np.full_like(gray, 255), np.full_like(gray, 127)
    planes = np.dstack((luminance, chroma, chroma, 255 - gray))
    content = encode(Image.fromarray(planes, "CMYK"), "JPEG", quality=95)
    adobe = content.index(b"Adobe")
    return patched(content, adobe + 11, b"\x02")


def many_frames(frames: int) -> bytes:
    """Write a GIF that repeats its one frame."""
    still = encode(_gray(), "GIF")
    frame_start = still.index(b",", 13)
    return still[:frame_start] + still[frame_start:-1] * frames + still[-1:]
