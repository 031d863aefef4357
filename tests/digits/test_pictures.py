"""Any file gives the right array or an error message for the user, never anything else."""

import io
import os
import random
import re
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image, ImageFile

from digits.pictures import (
    MAX_FILE_BYTES,
    MAX_PARTS,
    MAX_PIXELS,
    MAX_SIDE,
    MIN_SIDE,
    PictureError,
    load_picture,
)
from tests.support import corpus_refused, picture_files
from tests.support.picture_files import INK, ON_BLACK, ON_WHITE, encode

READABLE = picture_files.readable()
UNREADABLE = corpus_refused.unreadable()
SECONDS_FOR_A_REFUSAL = 20  # on a busy machine; decoding the bombs would take minutes


def check_picture(picture):
    assert picture.dtype == np.uint8
    assert picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    assert picture.flags.writeable


def gray(picture):
    check_picture(picture)
    return picture if picture.ndim == 2 else picture.mean(axis=2)


def refusal(source):
    """Return the error message: what is wrong, then what to do."""
    with pytest.raises(PictureError) as caught:
        load_picture(source)
    text = str(caught.value)
    assert text.endswith(".")
    assert len(text) < 200
    return text


def test_the_five_looks_different_in_each_orientation():
    turned = {picture_files.stored_as(orientation).tobytes() for orientation in range(1, 9)}
    assert len(turned) == 8


@pytest.mark.parametrize("name", READABLE)
def test_every_kind_of_file_gives_the_same_picture_however_it_is_handed_in(name, tmp_path):
    file = READABLE[name]
    picture = load_picture(file.content)
    assert np.abs(gray(picture) - file.expected.astype(float)).max() <= file.tolerance
    path = tmp_path / name
    path.write_bytes(file.content)
    for source in (path, str(path), Image.open(io.BytesIO(file.content))):
        np.testing.assert_array_equal(load_picture(source), picture)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_usable_picture_is_refused_with_its_reason_and_advice(name):
    content, reason = UNREADABLE[name]
    started = time.monotonic()
    text = refusal(content)
    assert time.monotonic() - started < SECONDS_FOR_A_REFUSAL
    assert reason in text
    assert re.search(r"\b(Use a|[Ss]ave it|Make|Cut)\b", text)
    assert "tmp" not in text
    assert "0x" not in text


@pytest.mark.parametrize("side", [9000, 20_000])
def test_too_many_pixels_are_refused_before_decoding(side, monkeypatch):
    def decode(image):
        pytest.fail(f"decoded {image.size}")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    assert "too many pixels" in refusal(corpus_refused.png_bomb(side))


def test_the_pixel_limit_itself_is_accepted():
    width = 10_000
    image = Image.new("L", (width, MAX_PIXELS // width), 200)
    picture = load_picture(encode(image, "PNG", compress_level=1))
    assert picture.shape == (MAX_PIXELS // width, width)
    assert "too many pixels" in refusal(Image.new("L", (width, MAX_PIXELS // width + 1)))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((MAX_SIDE, MIN_SIDE), None),
        ((MIN_SIDE, MAX_SIDE), None),
        ((MAX_SIDE + 1, MIN_SIDE), "too long"),
        ((MIN_SIDE, MAX_SIDE + 1), "too long"),
        ((MAX_SIDE, MIN_SIDE - 1), "too small"),
        ((MIN_SIDE - 1, 200), "too small"),
    ],
)
def test_the_limits_of_the_sides_are_those_of_files_and_of_arrays(shape, reason):
    array = np.full(shape, 200, np.uint8)
    for source in (array, Image.fromarray(array), encode(Image.fromarray(array), "PNG")):
        if reason:
            assert reason in refusal(source)
        else:
            assert load_picture(source).shape == shape


def test_the_byte_limit_itself_is_accepted():
    content = READABLE["gray.png"].content
    padded = content + bytes(MAX_FILE_BYTES - len(content))
    np.testing.assert_array_equal(load_picture(padded), ON_WHITE)
    assert "too large" in refusal(padded + b"\0")


def test_a_tiff_in_too_many_parts_is_refused_before_decoding():
    side = 320  # one tile for each pixel
    parts = side * side
    assert parts > MAX_PARTS
    start = 8 + 2 + 10 * 12 + 4
    tags = [(256, 1, side), (257, 1, side), (258, 1, 8), (259, 1, 1), (262, 1, 1), (277, 1, 1)]
    tags += [(322, 1, 1), (323, 1, 1), (324, parts, start), (325, parts, start + 4 * parts)]
    entries = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in tags)
    header = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)
    offsets = struct.pack("<I", 0) * parts + struct.pack("<I", 1) * parts
    assert "too many parts" in refusal(header + offsets)


def test_what_follows_the_end_of_a_jpeg_does_not_count_as_scans():
    content = READABLE["progressive.jpg"].content + b"\xff\xda\0\x02" * 1000
    assert gray(load_picture(content)).shape == ON_WHITE.shape


def test_scans_hidden_behind_a_marker_without_length_are_counted():
    content = READABLE["progressive.jpg"].content
    hidden = b"\xff\x01" + b"\xff\xda\0\x02" * 1000
    assert "too many parts" in refusal(content[:-2] + hidden + content[-2:])


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "missing.png", tmp_path, pipe, Path("nul\0.png")):
        assert "cannot be opened" in refusal(path)


@pytest.mark.parametrize("nothing", [None, 5, [], {}, object()])
def test_what_is_not_a_picture_at_all_is_refused(nothing):
    assert "No picture was given" in refusal(nothing)


def test_an_array_that_is_a_picture_already_comes_back_equal_but_as_its_own():
    for array in (ON_WHITE, np.dstack((ON_WHITE,) * 3)):
        picture = load_picture(array)
        np.testing.assert_array_equal(picture, array)
        assert not np.shares_memory(picture, array)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (ON_WHITE > 127, ON_WHITE),
        (ON_WHITE[:, :, None], ON_WHITE),
        (ON_WHITE.astype(np.int64), ON_WHITE),
        (ON_WHITE.astype(">u2") * 257, ON_WHITE),
        (ON_WHITE.astype(np.uint64) * 10**15, ON_WHITE),
        (ON_WHITE.astype(np.float16) / 255, ON_WHITE),
        (ON_WHITE.astype(np.float64) / 250, ON_WHITE),
        (ON_WHITE * 1e300, ON_WHITE),
        ((ON_WHITE.astype(float) - 128) * 1.3e306, ON_WHITE),
        (ON_WHITE.astype(np.longdouble), ON_WHITE),
        (np.dstack((np.zeros_like(INK), INK)), ON_WHITE),
        (np.dstack((INK, INK, INK, INK)), ON_BLACK),
        (np.dstack((np.zeros((*INK.shape, 3)), INK / 255)), ON_WHITE),
        (np.zeros((5, 7)), np.zeros((5, 7))),
        (np.zeros((5, 7, 4)), np.full((5, 7), 255)),
    ],
)
def test_arrays_of_other_types_are_scaled_to_bytes(array, expected):
    np.testing.assert_allclose(gray(load_picture(array)), expected, atol=1)


def test_faint_samples_stay_faint():
    faint = np.full((9, 9), 60_000, np.uint16)
    faint[4, 4] = 59_000
    picture = load_picture(faint)
    assert picture.min() > 220


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5)),
        np.zeros((5, 0, 3), np.uint8),
        np.zeros(5),
        np.zeros((2, 5, 5, 3)),
        np.zeros((5, 5, 5)),
        np.array(3),
        np.full((3, 3), np.inf),
        np.full((3, 3), np.nan),
        np.zeros((3, 3), complex),
        np.zeros((3, 3), object),
        np.zeros((3, 3), "U1"),
        np.zeros((3, 3), "datetime64[s]"),
        np.broadcast_to(np.uint8(0), (MAX_PIXELS, 2)),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_arrays_that_are_no_picture_are_refused(array):
    refusal(array)


def test_paper_goes_on_under_the_transparent_border_of_a_sticker():
    sheet = np.zeros((60, 60, 4), np.uint8)
    sheet[10:50, 10:50] = 255
    sheet[20:40, 28:32, :3] = 0
    picture = gray(load_picture(sheet))
    assert picture[0, 0] == 255
    assert picture[30, 30] == 0


def test_half_transparent_ink_keeps_its_shades():
    fading = np.zeros((20, 40, 4), np.uint8)
    fading[5:15, :, 3] = np.linspace(0, 255, 40).astype(np.uint8)
    picture = gray(load_picture(fading))
    assert picture[0, 20] == 255
    assert (np.diff(picture[10]) <= 0).all()
    assert picture[10, -1] == 0


real_arrays = st_numpy.arrays(
    dtype=st.one_of(
        st_numpy.boolean_dtypes(),
        st_numpy.integer_dtypes(),
        st_numpy.unsigned_integer_dtypes(),
        st_numpy.floating_dtypes(),
        st_numpy.complex_number_dtypes(),
    ),
    shape=st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
)


@given(real_arrays)
def test_any_array_gives_a_picture_or_a_refusal(array):
    try:
        picture = load_picture(array)
    except PictureError:
        return
    check_picture(picture)
    assert picture.shape[:2] == array.shape[:2]


def damage(content: bytes, chance: random.Random) -> bytes:
    """Flip bits, overwrite, cut out, repeat or cut off a part."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(damaged))
        match chance.randrange(6):
            case 0:
                damaged[at] ^= 1 << chance.randrange(8)
            case 1:
                damaged[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                damaged[at : at + 4] = chance.randbytes(4)
            case 3 if len(damaged) > 64:
                del damaged[at : at + chance.randint(1, 16)]
            case 4:
                damaged[at:at] = damaged[at : at + chance.randint(1, 64)]
            case _ if len(damaged) > 64 and chance.random() < 0.2:
                del damaged[max(at, 32) :]
    return bytes(damaged)


DAMAGEABLE = [name for name in READABLE if "thousands" not in name]


@pytest.mark.parametrize("name", DAMAGEABLE)
def test_a_damaged_file_gives_a_picture_or_a_refusal(name):
    for seed in range(30):
        try:
            picture = load_picture(damage(READABLE[name].content, random.Random(f"{name} {seed}")))
        except PictureError:
            continue
        check_picture(picture)
