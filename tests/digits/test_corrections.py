"""Corrections: stored before they are confirmed, committed in batches, and off by default."""

import asyncio
import json
import threading
from concurrent.futures import wait

import cv2
import numpy as np
import pytest
from huggingface_hub import constants

from digits import corrections as module
from digits.corrections import Correction, Corrections, NotKeptError
from digits.page.correct import keep_view
from digits.page.views import encode_image
from tests.support.hub import Failure, wait_until
from tests.support.inks import drawing
from tests.support.training_support import small_mnist
from training.console import UserError
from training.data.corrections import add

# Raised by the Hub's client when it uploads a picture.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

REPO = "someone/corrections"
SECONDS = 60


@pytest.fixture
def hub(hub):
    hub.create_dataset(REPO)
    return hub


@pytest.fixture(scope="module")
def seven(recognizer):
    return recognizer.predict(drawing(7)).image


def store(hub, **settings):
    return Corrections(REPO, hub.token, **{"commit_seconds": 0} | settings)


def correction(ink=1.0, digit=1):
    image = np.zeros((28, 28), np.float32)
    image[4:24, 14] = ink
    origin = {"repo": "someone/digits", "commit": "0" * 40, "sha256": "1" * 64}
    return Correction(image, 7, digit, 0.8123456, origin)


def kept(hub):
    """Return the rows of all listings, each with its picture."""
    files = hub.datasets[REPO].files()
    rows = []
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        if name == "metadata.jsonl":
            for line in content.splitlines():
                row = json.loads(line)
                png = np.frombuffer(files[f"{folder}/{row['file_name']}"], np.uint8)
                rows.append(row | {"pixels": cv2.imdecode(png, cv2.IMREAD_UNCHANGED)})
    return rows


def test_a_correction_is_on_the_hub_when_it_is_confirmed(hub):
    store(hub).submit(correction()).result(SECONDS)
    [row] = kept(hub)
    pixels = row.pop("pixels")
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8
    assert set(np.unique(pixels)) == {0, 255}
    assert row == {
        "file_name": "0.png", "answer": 7, "correction": 1, "score": 0.8123,
        "weights_repo": "someone/digits", "weights_commit": "0" * 40, "weights_sha256": "1" * 64,
    }  # fmt: skip


@pytest.fixture
def held(hub):
    """A commit in progress: the store, the correction's future, and the event it waits for."""
    go_on = threading.Event()
    hub.fail(Failure(None, path="/preupload/", times=1, before=lambda: go_on.wait(SECONDS)))
    corrections = store(hub)
    first = corrections.submit(correction())
    wait_until(lambda: hub.asked("/preupload/"))
    return corrections, first, go_on


def test_what_comes_while_a_commit_is_on_its_way_goes_into_the_next_together(hub, held):
    corrections, first, go_on = held
    rest = [corrections.submit(correction(i / 10)) for i in range(1, 6)]
    assert not any(future.done() for future in [first, *rest])
    go_on.set()
    for future in [first, *rest]:
        future.result(SECONDS)
    assert len(hub.asked("POST .*/commit/")) == 2
    assert len(kept(hub)) == 6
    assert len({row["pixels"].max() for row in kept(hub)}) == 6


def test_a_correction_that_the_hub_refuses_is_not_called_kept(hub):
    corrections = store(hub)
    hub.fail(Failure("status", path="/commit/", status=403))
    with pytest.raises(NotKeptError):
        corrections.submit(correction()).result(SECONDS)
    assert kept(hub) == []
    hub.heal()
    corrections.submit(correction()).result(SECONDS)
    assert len(kept(hub)) == 1


def test_more_than_can_wait_are_refused_at_once(hub, held, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    corrections, first, go_on = held
    futures = [first, *(corrections.submit(correction()) for _ in range(4))]
    assert [future.done() for future in futures] == [False] * 4 + [True]
    with pytest.raises(NotKeptError, match="too many"):
        futures[-1].result()
    go_on.set()
    wait(futures, SECONDS)
    assert len(kept(hub)) == 4


def test_who_gave_up_waiting_is_not_kept_behind_their_back(hub, held):
    corrections, first, go_on = held
    second, third = corrections.submit(correction(0.5)), corrections.submit(correction(0.2))
    assert second.cancel()
    go_on.set()
    first.result(SECONDS)
    third.result(SECONDS)
    assert sorted(row["pixels"].max() for row in kept(hub)) == [51, 255]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"CORRECTIONS_REPO": REPO},
        {"HF_TOKEN": "hf_token"},
        {"CORRECTIONS_REPO": "", "HF_TOKEN": "hf_token"},
    ],
)
def test_nothing_is_kept_where_repository_or_token_is_missing(monkeypatch, tmp_path, environment):
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    for name in ("CORRECTIONS_REPO", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Corrections.from_environment() is None


def ask(recognizer, corrections, request):
    return asyncio.run(keep_view(recognizer, corrections, request))


def test_the_page_sends_a_picture_and_a_digit_and_the_server_says_the_rest(recognizer, seven, hub):
    assert ask(recognizer, store(hub), [True, encode_image(seven), 1]) == {"kind": "kept"}
    assert ask(recognizer, store(hub), [True, encode_image(seven), None]) == {"kind": "kept"}
    rows = kept(hub)
    assert [row["correction"] for row in rows] == [1, None]
    assert {row["answer"] for row in rows} == {7}
    assert {row["weights_sha256"] for row in rows} == {recognizer.weights.config.sha256}


def test_the_page_is_told_when_the_hub_does_not_take_it(recognizer, seven, hub):
    hub.fail(Failure("status", path="/commit/", status=401))
    assert ask(recognizer, store(hub), [True, encode_image(seven), 1]) == {"kind": "not kept"}


BLANK = encode_image(np.zeros((28, 28), np.float32))


@pytest.mark.parametrize(
    "request_",
    [None, [], [False, "INK", 1], [1, "INK", 1], ["yes", "INK", 1], [True, BLANK, 1],
     [True, "INK", 10], [True, "INK", -1], [True, "INK", True], [True, "INK", "1"],
     [True, "INK", 1.0], [True, "short", 1], [True, None, 1], [True, "INK"]],
    ids=repr,
)  # fmt: skip
def test_without_consent_or_sense_nothing_is_kept(recognizer, seven, hub, request_):
    if request_:
        request_ = [encode_image(seven) if part == "INK" else part for part in request_]
    assert ask(recognizer, store(hub), request_) == {"kind": "refused"}
    assert hub.requests == []


@pytest.fixture(scope="module")
def few_digits():
    return small_mnist(train_count=20, test_count=10)


def test_what_the_page_keeps_can_be_trained_on(hub, few_digits):
    corrections = store(hub)
    for ink, digit in ((0.2, 1), (0.4, 7), (0.4, 7), (0.6, 1), (0.6, 2), (0.8, None)):
        corrections.submit(correction(ink, digit)).result(SECONDS)
    more = add(few_digits, REPO)
    # Duplicates count once; disputed pictures and those without a digit do not count.
    assert sorted(more.train_labels[20:]) == [1, 7]
    assert sorted(image.max() for image in more.train_images[20:]) == [51, 102]
    assert np.array_equal(more.train_images[:20], few_digits.train_images)
    assert np.array_equal(more.test_images, few_digits.test_images)
    assert more.sha256 != few_digits.sha256


def folder_with(path, row, picture=None):
    path.mkdir(exist_ok=True)
    png = cv2.imencode(".png", np.zeros((28, 28), np.uint8) if picture is None else picture)[1]
    (path / "0.png").write_bytes(png.tobytes())
    (path / "metadata.jsonl").write_text(row if isinstance(row, str) else json.dumps(row))
    return str(path.parent)


GOOD = {"file_name": "0.png", "correction": 3}


def test_a_folder_can_be_trained_on_if_it_holds_corrections(few_digits, tmp_path):
    with pytest.raises(UserError, match="no corrected digit"):
        add(few_digits, str(tmp_path))
    more = add(few_digits, folder_with(tmp_path / "batch", GOOD))
    assert list(more.train_labels[20:]) == [3]


@pytest.mark.parametrize(
    ("row", "picture"),
    [
        ("no json", None),
        ([1], None),
        ({"file_name": "0.png"}, None),
        (GOOD | {"correction": 10}, None),
        (GOOD | {"correction": "3"}, None),
        (GOOD | {"file_name": "1.png"}, None),
        (GOOD | {"file_name": "../../secret.png"}, None),
        (GOOD, np.zeros((28, 27), np.uint8)),
        (GOOD, np.zeros((28, 28, 3), np.uint8)),
        (GOOD, np.zeros((28, 28), np.uint16)),
    ],
    ids=repr,
)
def test_a_damaged_row_is_named(few_digits, tmp_path, row, picture):
    with pytest.raises(UserError, match=r"metadata\.jsonl, line 1: "):
        add(few_digits, folder_with(tmp_path / "batch", row, picture))


@pytest.mark.parametrize("source", ["someone/missing", "not a name", "no/such/folder"])
@pytest.mark.usefixtures("hub")
def test_a_data_set_that_is_not_there_is_named(few_digits, source):
    with pytest.raises(UserError, match=f"^{source} is not a folder here"):
        add(few_digits, source)
