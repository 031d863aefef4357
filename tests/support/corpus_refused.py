"""Files that are not usable pictures, each with part of the message that must reject it."""

import functools
import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.picture_files import (
    ON_WHITE,
    chunk,
    encode,
    patched,
    png_file,
    readable,
    zip_file,
)


@functools.cache
def unreadable() -> dict[str, tuple[bytes, str]]:
    """Return the files that must be rejected, by name: content and part of the message."""
    kinds = {
        "damaged": _damaged() | {"not-a-number.tiff": encode(NOT_A_NUMBER, "TIFF")},
        "not a picture that can be read": _no_pictures(),
        "HEIC": {"photo.heic": _media(b"heic", b"mif1")},
        "empty": {"empty.png": b""},
        "too small": _too_small(),
        "too long": {"20001x5.png": encode(Image.new("1", (20_001, 5), 1), "PNG")},
        "too many pixels": _too_many_pixels(),
        "too many parts": {"thousands-of-scans.jpg": scan_bomb(3000)},
        "too large": {
            "60-megabytes.png": encode(Image.fromarray(ON_WHITE), "PNG") + bytes(60_000_000)
        },
    }
    return {
        name: (content, reason)
        for reason, files in kinds.items()
        for name, content in files.items()
    }


def _damaged() -> dict[str, bytes]:
    whole = {name: file.content for name, file in readable().items()}
    breakable = ["gray.png", "interlaced.png", "rgb.jpg", "progressive.jpg", "lossless.webp"]
    breakable += ["lossy.webp", "still.gif", "rgb.bmp", "lzw.tiff", "deflate.tiff", "jpeg-in.tiff"]
    breakable += ["still.avif"]
    flipped = {}
    for name, place in FATAL.items():
        at = int(len(whole[name]) * place)
        byte = bytes([whole[name][at] ^ 0x10])
        flipped[f"flipped-bit-in-{name}"] = patched(whole[name], at, byte)
    header = bytearray(whole["gray.png"])
    header[20] ^= 0xFF  # the checksum no longer matches the height
    return (
        {f"cut-{name}": whole[name][: len(whole[name]) * 6 // 10] for name in breakable}
        | {f"header-of-{name}": whole[name][:24] for name in breakable}
        | flipped
        | {"wrong-checksum.png": bytes(header), "text-bomb.png": text_bomb()}
    )


NOT_A_NUMBER = Image.fromarray(np.full((9, 9), np.nan, np.float32))
FATAL = {
    "gray.png": 0.5,
    "rgb.jpg": 0.3,
    "lossless.webp": 0.5,
    "lossy.webp": 0.8,
    "still.gif": 0.5,
    "lzw.tiff": 0.5,
    "still.avif": 0.8,
}
"""Files that become unreadable by a flipped bit at this fraction of their length. In a BMP, or late
in a JPEG, it only changes pixels."""


def _no_pictures() -> dict[str, bytes]:
    return {
        "text.png": b"This is no picture.\n" * 40,
        "document.pdf": b"%PDF-1.7\n1 0 obj << /Type /Catalog >>\ntrailer << >>\n%%EOF\n",
        "archive.zip": zip_file(),
        "zip-and-png.png": zip_file() + encode(Image.fromarray(ON_WHITE), "PNG"),
        "script.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "entities.svg": b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\nshowpage\n",
        "program.png": b"\x7fELF" + bytes(200),
        "film.mp4": _media(b"isom", b"mp41"),
        "sound.webp": b"RIFF\xdc\0\0\0WAVEfmt " + bytes(212),
        "icon.ico": encode(Image.fromarray(ON_WHITE).resize((32, 32)), "ICO"),
    }


def _media(brand: bytes, other: bytes) -> bytes:
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", brand, 0, other, brand) + bytes(99)


def _too_small() -> dict[str, bytes]:
    dashes = Image.fromarray(np.arange(4000, dtype=np.uint16).astype(np.uint8)[None])
    return {
        "1x1.png": encode(Image.new("L", (1, 1)), "PNG"),
        "4000x1.png": encode(dashes, "PNG"),
        "1x4000.png": encode(dashes.transpose(Image.Transpose.ROTATE_90), "PNG"),
    }


def _too_many_pixels() -> dict[str, bytes]:
    bmp = encode(Image.fromarray(ON_WHITE).convert("RGB"), "BMP")
    return {
        "20000x20000.png": png_bomb(20_000),
        "60000x60000.png": png_bomb(60_000),
        "65535x65535.gif": b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
        + b"\x02\x02\x4c\x01\x00;",
        "30000x30000.bmp": patched(bmp, 18, struct.pack("<ii", 30_000, 30_000)),
        "huge-tile.tiff": tile_bomb(),
    }


def png_bomb(side: int) -> bytes:
    """Write a valid 1-bit PNG of `side` x `side` pixels in less than 1 MB."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return png_file(header, chunk(b"IDAT", _packed_zeros(1 + side // 8, side)))


def text_bomb() -> bytes:
    """Write a small PNG whose comment decompresses to 200 MB."""
    comment = chunk(b"zTXt", b"Comment\0\0" + _packed_zeros(100_000, 2000))
    image = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return png_file(struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0), comment, image)


def _packed_zeros(row_bytes: int, rows: int) -> bytes:
    """Compress zeros with zlib, only a part of them really; `rows` is a multiple of 1000."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = compressor.compress(bytes(row_bytes * 1000)) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = (row_bytes * rows % 65521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + part * (rows // 1000) + b"\x03\0" + struct.pack(">I", checksum)


def tile_bomb() -> bytes:
    """Write a TIFF of 16x16 pixels in one tile of 40,000x40,000."""
    data = zlib.compress(bytes(1000))
    tags = [
        (256, 16), (257, 16), (258, 8), (259, 8), (262, 1), (277, 1),
        (322, 40_000), (323, 40_000), (324, 8 + 2 + 10 * 12 + 4), (325, len(data)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data


def scan_bomb(scans: int) -> bytes:
    """Write a progressive JPEG that repeats its last scan."""
    whole = encode(Image.fromarray(ON_WHITE), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]
