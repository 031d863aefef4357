"""Commands that are killed where it hurts: the next start is clean, and nothing confirmed is lost.

And what goes with it: disks that are full or cannot be written to. How they are killed is told in
`tests.killed`.
"""

import contextlib
import itertools
import json
import subprocess
import tempfile
import time

import pytest
from huggingface_hub import HfApi, close_session, constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from digits import deployment, weights
from digits.corrections import Corrections
from tests import killed
from tests.hub import impatient_client, running_hub, wait_until
from tests.killed import JOB, MNIST, SPACE_FILES
from tests.small_disk import small_disk
from tests.test_corrections import correction, kept
from training import card_facts, deploy, publish, published_exports, serving, train
from training.console import UserError
from training.run_folder import RunFolder

# The client sends files in a way that its own HTTP library is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

MODEL = "someone/digits"
SPACE = "someone/reader"
CORRECTIONS = "someone/corrections"


@pytest.fixture(scope="module")
def kill():
    with killed.mortals() as kill:
        yield kill


# Training


def measured(folder):
    """The history of a run without how long it took."""
    lines = (folder / "history.csv").read_text().splitlines()
    return [[cell for i, cell in enumerate(line.split(",")) if i != 1] for line in lines]


DEATHS = (
    {"file": "recipe.json"},
    {"file": "epoch-0002.weights.h5"},
    {"file": "history.csv"},
    {"file": "model.weights.h5"},
    {"deleting": "checkpoints"},
)


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_as_if_nothing_had_happened(kill, tmp_path):
    for death in DEATHS:
        kill("train", death, tmp_path / "run")
    train.train(JOB, MNIST, tmp_path / "whole")
    metrics = train.train(JOB, MNIST, tmp_path / "run")
    whole = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert metrics["mnist_test"] == whole["mnist_test"]
    folders = tmp_path / "run", tmp_path / "whole"
    left, expected = ({path.name for path in folder.iterdir()} for folder in folders)
    assert left == expected
    for name in ("model.weights.h5", "config.json", "recipe.json"):
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


@contextlib.contextmanager
def read_only(folder):
    """Forbid writing to a folder: by a mount where that is allowed, as nothing else stops root."""
    for sudo in ([], ["sudo", "-n"]):
        bind = [*sudo, "mount", "--bind", str(folder), str(folder)]
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run(bind, capture_output=True, check=False).returncode == 0:
                try:
                    remount = [*sudo, "mount", "-o", "remount,bind,ro", str(folder)]
                    subprocess.run(remount, check=True)
                    yield
                finally:
                    subprocess.run([*sudo, "umount", "-l", str(folder)], check=True)
                return
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def test_a_finished_run_in_a_read_only_folder_is_read_back(tmp_path):
    run = RunFolder.open(tmp_path, {"seed": 0}, {})
    run.write_json("metrics.json", {"errors": 7})
    with read_only(tmp_path):
        again = RunFolder.open(tmp_path, {"seed": 0}, {})
        assert again.is_finished
        assert again.read_json("metrics.json") == {"errors": 7}


def test_a_read_only_folder_is_told_before_anything_is_trained(tmp_path):
    with read_only(tmp_path), pytest.raises(UserError, match="cannot write to the run folder"):
        RunFolder.open(tmp_path, {"seed": 0}, {})


# Publishing and deploying


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with running_hub() as running:
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
            monkeypatch.delenv(name, raising=False)
        impatient_client(monkeypatch)
        yield running
    set_client_factory(default_client_factory)
    close_session()


def api(hub):
    return HfApi(hub.url, token=hub.token)


@pytest.fixture
def spared(monkeypatch):
    """Publish in this process as the killed one does."""
    for module, names in {
        publish: ["verified"],
        published_exports: ["bring", "read_files"],
        card_facts: ["architecture", "gather"],
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))  # and put it back in the end
    killed.spare_publishing()


@pytest.mark.slow
@pytest.mark.usefixtures("spared")
@pytest.mark.parametrize(
    ("death", "arrives"),
    [
        ({"bytes": 300_000}, False),
        ({"request": "/commit/"}, True),
        ({"request": "/resolve/"}, True),
    ],
    ids=[
        "in the middle of the weights",
        "before it hears of its commit",
        "before it has read back",
    ],
)
def test_a_killed_publication_is_completed_by_the_same_command(hub, kill, death, arrives):
    before = hub.create(MODEL).branches["main"]
    kill("publish", death, hub.url, hub.token, weights.BUNDLED, MODEL)
    if arrives:
        wait_until(lambda: hub.head(MODEL) != before)
    assert (hub.head(MODEL) != before) == arrives
    assert hub.repos[MODEL].tags == {}

    made = publish.publish(api(hub), weights.BUNDLED, MODEL, tag="v1")
    assert made.is_new == (not arrives)
    assert hub.repos[MODEL].commits[made.commit].parent == before
    assert hub.repos[MODEL].tags == {"v1": made.commit}
    for name in weights.FILES:
        assert hub.files(MODEL)[name] == (weights.BUNDLED / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("request_", ["/lfs-put/", "/commit/", "/variables"])
def test_a_killed_deployment_is_completed_by_the_same_command(hub, kill, request_):
    before = hub.create_space(SPACE).branches["main"]
    arrives = request_ != "/lfs-put/"
    kill("deploy", {"request": request_}, hub.url, hub.token, SPACE, MODEL)
    if arrives:
        wait_until(lambda: hub.spaces[SPACE].branches["main"] != before)
    assert (hub.spaces[SPACE].branches["main"] != before) == arrives

    sent = deploy.send(api(hub), SPACE, SPACE_FILES, model_repo=MODEL)
    assert sent.added == (0 if arrives else 2)
    assert hub.space_files(SPACE).items() >= SPACE_FILES.items()
    assert hub.spaces[SPACE].variables == {"MODEL_REPO": MODEL}
    assert len(hub.spaces[SPACE].commits) == 2


def test_a_full_disk_while_reading_back_leaves_it_published_and_not_tagged(
    hub, spared, tmp_path, monkeypatch, recwarn
):
    del spared, recwarn
    hub.create(MODEL)
    with small_disk(tmp_path) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        disk.fill()
        with pytest.raises(UserError, match=r"^published as [0-9a-f]{40}, the disk ") as caught:
            publish.publish(api(hub), weights.BUNDLED, MODEL, tag="v1")
        assert hub.head(MODEL) in str(caught.value)
        assert hub.repos[MODEL].tags == {}
        disk.free()
        again = publish.publish(api(hub), weights.BUNDLED, MODEL, tag="v1")
    assert (again.is_new, again.tag_is_new) == (False, True)


@pytest.fixture
def jumping_clock(monkeypatch):
    """The time of day is another day whenever it is read; what only ever goes on is left alone."""
    days = itertools.cycle([20_000, 10_000, 30_000])
    monkeypatch.setattr(time, "time", lambda: 86_400.0 * next(days))


@pytest.mark.usefixtures("spared", "jumping_clock")
def test_a_clock_that_jumps_neither_ends_nor_prolongs_publishing_and_deploying(hub, monkeypatch):
    monkeypatch.setattr(serving, "POLL_SECONDS", 0.01)
    hub.create(MODEL)
    assert publish.publish(api(hub), weights.BUNDLED, MODEL, tag="v1").tag_is_new

    hub.create_space(SPACE)
    sent = deploy.send(api(hub), SPACE, SPACE_FILES, model_repo=MODEL)
    files = deployment.fingerprint(SPACE_FILES)
    expected = serving.Expected(SPACE, sent.commit, files, MODEL, rebuilds=True, restarts=True)
    assert serving.Watch(api(hub), expected).until_serving(600).startswith("serves at")


# Corrections


@pytest.mark.slow
@pytest.mark.parametrize("request_", ["/lfs-put/", "/commit/"])
def test_corrections_in_flight_are_whole_or_absent_and_the_next_start_goes_on(hub, kill, request_):
    """Nobody was told that they are kept, so either will do; a row without its picture will not."""
    hub.create_dataset(CORRECTIONS)
    kill("correct", {"request": request_}, hub.url, hub.token, CORRECTIONS)
    if request_ == "/commit/":
        wait_until(lambda: bool(kept(hub)))
    in_flight = len(kept(hub))
    assert (in_flight > 0) == (request_ == "/commit/")
    Corrections(CORRECTIONS, hub.token, commit_seconds=0).submit(correction()).result(60)
    assert len(kept(hub)) == in_flight + 1
