"""Commands killed at critical moments: the next start is clean, and nothing confirmed is lost.

Also disks that are full or read-only. For how commands are killed, see `tests.support.killed`.
"""

import itertools
import json
import tempfile
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from digits import deployment, weights
from digits.corrections import Corrections
from tests.digits.test_corrections import correction, kept
from tests.support.hub import wait_until
from tests.support.killed import SPACE_FILES, correct, deploy_files, kill, release, train_a_little
from tests.support.nightly import mostly_nightly
from tests.support.small_disk import small_disk
from training.console import UserError
from training.release import space_status
from training.run_folder import RunFolder

# The client uses an upload API that its HTTP library has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

MODEL = "someone/digits"
SPACE = "someone/reader"
CORRECTIONS = "someone/corrections"


# Training


def measured(folder):
    """The history of a run, without the durations."""
    lines = (folder / "history.csv").read_text().splitlines()
    return [[cell for i, cell in enumerate(line.split(",")) if i != 1] for line in lines]


SECOND_EPOCH = {"file": ("checkpoint.npz", 3)}  # the first one is written before any epoch
DEATHS = (
    {"file": ("recipe.json", 1)},
    SECOND_EPOCH,
    {"file": ("history.csv", 1)},
    {"file": ("model.safetensors", 1)},
    {"deleting": "checkpoint"},
)


@pytest.mark.parametrize(
    ("deaths", "settings"),
    [
        pytest.param([SECOND_EPOCH], {}, id="once"),
        pytest.param(DEATHS, {}, id="again and again", marks=pytest.mark.nightly),
        pytest.param(
            [SECOND_EPOCH],
            {"optimizer": "adam", "weight_decay": 0, "ema_momentum": None},
            id="adam",
            marks=pytest.mark.nightly,
        ),
        pytest.param([SECOND_EPOCH], {"warmup_epochs": 1}, id="warm-up", marks=pytest.mark.nightly),
    ],
)
def test_a_killed_training_ends_as_if_nothing_had_happened(tmp_path, capsys, deaths, settings):
    for death in deaths:
        kill(train_a_little, death, tmp_path / "run", **settings)
    train_a_little(tmp_path / "whole", **settings)
    metrics = train_a_little(tmp_path / "run", **settings)
    assert len(deaths) > 1 or "resumed after epoch 1 of 2" in capsys.readouterr().out
    whole = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert metrics["mnist_test"] == whole["mnist_test"]
    folders = tmp_path / "run", tmp_path / "whole"
    left, expected = ({path.name for path in folder.iterdir()} for folder in folders)
    assert left == expected
    for name in ("model.safetensors", "config.json", "recipe.json"):
        left, expected = ((folder / name).read_bytes() for folder in folders)
        assert left == expected, name
    assert measured(folders[0]) == measured(folders[1])


def test_a_full_disk_leaves_the_state_as_it_was_and_room_is_enough_to_go_on(tmp_path):
    with small_disk(tmp_path) as disk:
        run = RunFolder(tmp_path)
        run.write_json("state.json", {"history": []})
        disk.fill()
        with pytest.raises(OSError, match=r"No space left|File too large") as caught:
            run.write_json("state.json", {"history": [0] * 100_000})
        assert caught.value.filename == str(tmp_path / "state.json")
        assert run.read_json("state.json") == {"history": []}
        assert not list(tmp_path.glob(".partial-*"))
        disk.free()
        run.write_json("state.json", {"history": [0] * 100_000})
        assert len(run.read_json("state.json")["history"]) == 100_000


def test_a_read_only_folder_is_told_before_anything_is_trained():
    # Not even root can create a folder there.
    with pytest.raises(UserError, match=r"cannot write to the run folder /sys/digits-run \("):
        RunFolder.open(Path("/sys/digits-run"), {"seed": 0}, {})


# Publishing and deploying


KILLED_PUBLICATIONS = [
    ({"bytes": 300_000}, False),  # during the upload of the weights
    ({"request": "/commit/"}, True),  # before it receives the response to its commit
    ({"request": "/resolve/"}, True),  # while reading back
]


@pytest.mark.parametrize(
    ("death", "arrives"), mostly_nightly(KILLED_PUBLICATIONS, KILLED_PUBLICATIONS[1])
)
def test_a_killed_publication_is_completed_by_the_same_command(hub, finished_run, death, arrives):
    before = hub.create(MODEL).branches["main"]
    kill(release, death, hub.url, hub.token, finished_run, MODEL)
    if arrives:
        wait_until(lambda: hub.head(MODEL) != before)
    assert (hub.head(MODEL) != before) == arrives
    assert hub.repos[MODEL].tags == {}

    made = release(hub.url, hub.token, finished_run, MODEL)
    assert made.is_new == (not arrives)
    assert hub.repos[MODEL].commits[made.commit].parent == before
    assert hub.repos[MODEL].tags == {"v1": made.commit}
    for name in weights.FILES:
        assert hub.files(MODEL)[name] == (finished_run / name).read_bytes()


@pytest.mark.parametrize(
    "request_", mostly_nightly(["/lfs-put/", "/commit/", "/variables"], "/commit/")
)
def test_a_killed_deployment_is_completed_by_the_same_command(hub, request_):
    before = hub.create_space(SPACE).branches["main"]
    arrives = request_ != "/lfs-put/"
    kill(deploy_files, {"request": request_}, hub.url, hub.token, SPACE, MODEL)
    if arrives:
        wait_until(lambda: hub.spaces[SPACE].branches["main"] != before)
    assert (hub.spaces[SPACE].branches["main"] != before) == arrives

    sent = deploy_files(hub.url, hub.token, SPACE, MODEL)
    assert sent.added == (0 if arrives else 2)
    assert hub.spaces[SPACE].files().items() >= SPACE_FILES.items()
    assert hub.spaces[SPACE].variables == {"MODEL_REPO": MODEL}
    assert len(hub.spaces[SPACE].commits) == 2


def test_a_full_disk_while_reading_back_leaves_it_published_and_not_tagged(
    hub, finished_run, tmp_path, monkeypatch, recwarn
):
    del recwarn
    hub.create(MODEL)
    with small_disk(tmp_path) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        disk.fill()
        with pytest.raises(UserError, match=r"^published as [0-9a-f]{40}, the disk ") as caught:
            release(hub.url, hub.token, finished_run, MODEL)
        assert hub.head(MODEL) in str(caught.value)
        assert hub.repos[MODEL].tags == {}
        disk.free()
        again = release(hub.url, hub.token, finished_run, MODEL)
    assert (again.is_new, again.tag_is_new) == (False, True)


@pytest.fixture
def jumping_clock(monkeypatch):
    """Make `time.time` jump by days at each call; monotonic clocks are left alone."""
    days = itertools.cycle([20_000, 10_000, 30_000])
    monkeypatch.setattr(time, "time", lambda: 86_400.0 * next(days))


@pytest.mark.usefixtures("jumping_clock")
def test_a_clock_that_jumps_neither_ends_nor_prolongs_publishing_and_deploying(
    hub, finished_run, monkeypatch
):
    monkeypatch.setattr(space_status, "POLL_SECONDS", 0.01)
    hub.create(MODEL)
    assert release(hub.url, hub.token, finished_run, MODEL).tag_is_new

    hub.create_space(SPACE)
    sent = deploy_files(hub.url, hub.token, SPACE, MODEL)
    place = SPACE, sent.commit, deployment.fingerprint(SPACE_FILES)
    api = HfApi(hub.url, token=hub.token)
    watch = space_status.Watch(api, *place, MODEL, rebuilds=True, restarts=True)
    assert watch.until_serving(600).startswith("serves at")


# Corrections


@pytest.mark.parametrize("request_", mostly_nightly(["/lfs-put/", "/commit/"], "/commit/"))
def test_corrections_in_flight_are_whole_or_absent_and_the_next_start_goes_on(hub, request_):
    """They were not confirmed as kept, so either is fine; a row without its picture is not."""
    hub.create_dataset(CORRECTIONS)
    kill(correct, {"request": request_}, hub.url, hub.token, CORRECTIONS)
    if request_ == "/commit/":
        wait_until(lambda: bool(kept(hub)))
    in_flight = len(kept(hub))
    assert (in_flight > 0) == (request_ == "/commit/")
    Corrections(CORRECTIONS, hub.token, commit_seconds=0).submit(correction()).result(60)
    assert len(kept(hub)) == in_flight + 1
