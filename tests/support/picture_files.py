"""The same handwritten five in files of every format, for every endpoint of the app."""

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
    """Draw the five: `(HEIGHT, WIDTH)` uint8, 255 is ink."""
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
    """A file and the picture expected from it: `(H, W)` gray levels, within `tolerance`."""

    content: bytes
    expected: Gray = field(default_factory=lambda: ON_WHITE)
    tolerance: int = 0


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode a Pillow image."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


GRAY = Image.fromarray(ON_WHITE)
RGB = GRAY.convert("RGB")
BLANK = Image.new("RGB", (WIDTH, HEIGHT), "white")


def jpeg(image: Image.Image = GRAY, kind: str = "JPEG", **options: object) -> bytes:
    return encode(image, kind, quality=95, **options)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# How a camera stores an upright picture for each EXIF orientation: with the inverse transform.
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
    """Return the five as stored in a file with this EXIF orientation."""
    return GRAY.transpose(_STORED[orientation]) if orientation in _STORED else GRAY


def _oriented() -> dict[str, Readable]:
    turned = {
        f"exif-{number}.jpg": Readable(jpeg(stored_as(number), exif=_exif(number)), tolerance=24)
        for number in range(1, 9)
    }
    lying = stored_as(6).convert("RGB")
    return turned | {
        f"exif-6.{kind.lower()}": Readable(encode(lying, kind, exif=_exif(6), lossless=True))
        for kind in ("PNG", "WEBP", "TIFF")
    }


def _few_bits() -> dict[str, bytes]:
    one_bit = GRAY.convert("1", dither=Image.Dither.NONE)
    palette = GRAY.convert("P")
    return {
        "gray.png": encode(GRAY, "PNG"),
        "rgb.png": encode(RGB, "PNG"),
        "1-bit.png": encode(one_bit, "PNG"),
        "1-bit.tiff": encode(one_bit, "TIFF", compression="group4"),
        "1-bit.bmp": encode(one_bit, "BMP"),
        "palette.png": encode(palette, "PNG"),
        "palette-2-bit.png": encode(one_bit.convert("L").quantize(4), "PNG", bits=2),
        "palette.bmp": encode(palette, "BMP"),
        "interlaced.png": interlaced_png(ON_WHITE),
    }


def _many_bits() -> dict[str, Readable]:
    wide = ON_WHITE.astype(np.uint16)
    arrays = {
        "16-bit.png": wide * 257,
        "12-of-16-bit.png": np.round(wide * (4095 / 255)).astype(np.uint16),
        "16-bit.tiff": wide * 257,
        "32-bit.tiff": wide.astype(np.int32) * 8_000_000,
        "negative.tiff": wide.astype(np.int32) - 128,
        "float-unit.tiff": wide.astype(np.float32) / 255,
        "float-255.tiff": wide.astype(np.float32),
        "float-signed.tiff": wide.astype(np.float32) / 127.5 - 1,
    }
    files = {
        name: Readable(encode(Image.fromarray(array), name.split(".")[1].upper()), tolerance=1)
        for name, array in arrays.items()
    }
    rgb = cv2.imencode(".png", np.dstack([wide * 257] * 3))[1].tobytes()  # no mode of Pillow
    return files | {"16-bit-rgb.png": Readable(rgb)}


def _transparent() -> dict[str, bytes]:
    palette = Image.fromarray((INK > 127).astype(np.uint8), "L").convert("P")
    palette.putpalette([0, 0, 0] * 2)
    corners = np.full_like(INK, 255)
    corners[:12, :12] = 0
    gray_and_alpha = Image.merge("LA", [Image.new("L", (WIDTH, HEIGHT), 0), Image.fromarray(INK)])
    sheet = RGB.copy()
    sheet.putalpha(Image.fromarray(corners))
    return {
        "black-ink-on-transparent.png": encode(_ink_of(0), "PNG"),
        "black-ink-on-transparent.webp": encode(_ink_of(0), "WEBP", lossless=True),
        "gray-and-alpha.png": encode(gray_and_alpha, "PNG"),
        "palette-with-transparency.png": encode(palette, "PNG", transparency=0),
        "palette-with-transparency.gif": encode(palette, "GIF", transparency=0),
        "gray-with-transparent-level.png": encode(GRAY, "PNG", transparency=255),
        "sheet-with-transparent-corner.png": encode(sheet, "PNG"),
        "opaque-rgba.png": encode(GRAY.convert("RGBA"), "PNG"),
    }


def _ink_of(level: int) -> Image.Image:
    return Image.merge("RGBA", [*[Image.new("L", GRAY.size, level)] * 3, Image.fromarray(INK)])


def _lossy() -> dict[str, bytes]:
    return {
        "gray.jpg": jpeg(),
        "rgb.jpg": jpeg(RGB),
        "progressive.jpg": jpeg(RGB, progressive=True),
        "cmyk.jpg": jpeg(RGB.convert("CMYK")),
        "ycck.jpg": ycck_jpeg(ON_WHITE),
        "several-pictures.mpo": jpeg(RGB, "MPO", save_all=True, append_images=[RGB]),
        "lossy.webp": jpeg(RGB, "WEBP"),
        "jpeg-in.tiff": jpeg(RGB, "TIFF", compression="jpeg"),
        "still.avif": jpeg(RGB, "AVIF"),
        "animated.avif": jpeg(RGB, "AVIF", save_all=True, append_images=[BLANK]),
    }


def _exact() -> dict[str, bytes]:
    more = {"save_all": True, "append_images": [BLANK] * 3}
    return {
        "still.gif": encode(GRAY, "GIF"),
        "animated.gif": encode(RGB, "GIF", **more),
        "animated.png": encode(RGB, "PNG", **more),
        "animated.webp": encode(RGB, "WEBP", lossless=True, **more),
        "pages.tiff": encode(RGB, "TIFF", **more),
        "thousands-of-frames.gif": many_frames(3000),
        "rgb.bmp": encode(RGB, "BMP"),
        "lzw.tiff": encode(RGB, "TIFF", compression="tiff_lzw"),
        "deflate.tiff": encode(RGB, "TIFF", compression="tiff_adobe_deflate"),
        "cmyk.tiff": encode(RGB.convert("CMYK"), "TIFF"),
        "lossless.webp": encode(RGB, "WEBP", lossless=True),
        "png-and-zip.png": encode(GRAY, "PNG") + zip_file(),
        "gif-and-script.gif": encode(GRAY, "GIF") + b"/*<script>alert(1)</script>",
        "two-pngs.png": encode(GRAY, "PNG") + encode(BLANK, "PNG"),
    }


@functools.cache
def readable() -> dict[str, Readable]:
    """Return the files that must be readable, by name."""
    exact = _few_bits() | _transparent() | _exact()
    wide = Image.fromarray(INK.astype(np.uint16) * 257)
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    return (
        _oriented()
        | {name: Readable(content) for name, content in exact.items()}
        | _many_bits()
        | {name: Readable(content, tolerance=40) for name, content in _lossy().items()}
        | {
            "white-ink-on-transparent.png": Readable(encode(_ink_of(255), "PNG"), ON_BLACK),
            "16-bit-with-transparent-level.png": Readable(
                encode(wide, "PNG", transparency=0), ON_BLACK, 1
            ),
            "pdf-in-jpeg.jpg": Readable(_with_comment(jpeg()), tolerance=24),
            "damaged-exif.jpg": Readable(jpeg(exif=damaged), tolerance=24),
        }
    )


def _with_comment(jpeg: bytes) -> bytes:
    """Write a polyglot of JPEG and PDF, whose text is the picture's comment."""
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
    """Correct the checksums of a PNG, up to the first incomplete chunk."""
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
    """Write an Adam7-interlaced gray PNG, which Pillow cannot."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
    passes += [(0, 1, 2, 2), (1, 0, 2, 1)]
    raw = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in gray[top::down, left::right]
    )
    header = struct.pack(">IIBBBBB", gray.shape[1], gray.shape[0], 8, 0, 0, 0, 1)
    return png_file(header, chunk(b"IDAT", zlib.compress(raw)))


def ycck_jpeg(gray: Gray) -> bytes:
    """Write a YCCK JPEG, as Adobe's programs do for print.

    Pillow writes the four planes unconverted but labels them CMYK in the last byte of the Adobe
    segment. All ink is in the key plane; Pillow stores every plane inverted.
    """
    luminance, chroma = np.full_like(gray, 255), np.full_like(gray, 127)
    planes = np.dstack((luminance, chroma, chroma, 255 - gray))
    content = jpeg(Image.fromarray(planes, "CMYK"))
    adobe = content.index(b"Adobe")
    return patched(content, adobe + 11, b"\x02")


def many_frames(frames: int) -> bytes:
    """Write a GIF that repeats a single frame."""
    still = encode(GRAY, "GIF")
    frame_start = still.index(b",", 13)
    return still[:frame_start] + still[frame_start:-1] * frames + still[-1:]
