"""Faults of disk, home directory and clock, and termination, with real processes and signals."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import matplotlib as mpl
import pytest

from digits import service
from digits.corrections import Corrections
from digits.service import LastGood
from tests.conftest import ROOT
from tests.support import pen
from tests.support.page_support import start_app
from tests.support.small_disk import small_disk

REPO = "someone/digits"
OLD, NEW = "0" * 40, "1" * 40

READ_ONLY = 'mount --rbind "$0" "$0" && mount -o remount,ro,bind / && exec "$@"'
"""For a new mount namespace: everything but the folder and other mounts becomes read-only."""


def all_read_only_but(folder):
    """Return a command prefix that makes all but a folder read-only; empty if impossible here."""
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        command = [*unshare, "sh", "-c", READ_ONLY, str(folder)]
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode
        ):
            return command
    return []


@pytest.fixture(scope="module")
def poor_disk(tmp_path_factory):
    """A function that starts an app that can write only to a disk of 4 MB, and that disk."""
    folder = tmp_path_factory.mktemp("poor")
    (folder / "disk").mkdir()
    with small_disk(folder / "disk") as disk:
        # A Space has no Matplotlib; here Gradio imports it, and building its font list is slow.
        fonts = disk.folder / "matplotlib"
        shutil.copytree(mpl.get_cachedir(), fonts, ignore=shutil.ignore_patterns("tex.*"))
        settings = {
            "MPLCONFIGDIR": str(fonts),
            "HOME": None,
            "HF_HOME": None,
            "TMPDIR": str(disk.folder),
            "GRADIO_TEMP_DIR": str(disk.folder / "uploads"),
        }
        running = []

        def app():
            if not running or running[-1].process.poll() is not None:
                running.append(start_app(folder, settings, all_read_only_but(disk.folder)))
            return running[-1]

        yield app, disk
        for one in running:
            one.process.kill()
            one.process.wait()


@pytest.fixture
def poor(poor_disk):
    """An app without a home directory that can write only to a disk of 4 MB: `app, disk`."""
    start, disk = poor_disk
    return start(), disk


def test_without_home_and_on_a_disk_that_is_read_only_digits_are_read(poor):
    app, _ = poor
    assert app.draw("digit", [[40, 500, 200, 500, 800]])["digit"] == 1
    kind, [answer] = app.call("predict", app.upload(pen.png(4)))
    assert kind == "complete"
    assert answer["digit"] == 4


def test_a_full_disk_is_said_and_forgotten_once_there_is_room(poor):
    app, disk = poor
    # Bytes after a picture's end change only its size.
    content = pen.png(4) + os.urandom(1_000_000)
    disk.fill(app.process.pid)
    with pytest.raises(httpx.HTTPStatusError, match="507") as refused:
        app.upload(content)
    answer = refused.value.response.text
    assert "no room for pictures" in answer
    assert str(disk.folder) not in answer
    assert app.draw("digit", [[40, 500, 200, 500, 800]])["digit"] == 1
    disk.free(app.process.pid)
    assert app.call("predict", app.upload(content))[1][0]["digit"] == 4


def test_told_to_end_the_app_answers_what_it_was_asked_and_ends(poor):
    app, _ = poor
    file = app.upload(pen.png(7))
    events = [app.post("/gradio_api/call/read", {"data": [file]})["event_id"] for _ in range(4)]
    heartbeat = http.client.HTTPConnection(app.url.removeprefix("http://"), timeout=60)
    heartbeat.request("GET", "/gradio_api/heartbeat/open")
    heartbeat.getresponse()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(app.get, f"/gradio_api/call/read/{event}") for event in events]
        app.process.send_signal(signal.SIGTERM)
        answers = [answer.result().decode() for answer in answers]
    app.process.wait(60)
    assert app.process.returncode == 0
    for answer in answers:
        assert "event: complete" in answer
        assert json.loads(answer.rpartition("data: ")[2])[0]["number"] == "7"
    assert not re.search(r"^Traceback", app.log.read_text(), re.MULTILINE)
    heartbeat.close()


KILLED_WHILE_IT_WRITES = f"""
import os, signal, sys, time
from pathlib import Path
from digits.service import LastGood

record = LastGood(Path(sys.argv[1]), {REPO!r}, "main")
record.write({OLD!r})
for milliseconds in range(20):
    child = os.fork()
    while child == 0:
        record.write({NEW!r})
        record.write({OLD!r})
    time.sleep(milliseconds / 1000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(record.read())
"""


def test_killed_while_it_notes_new_weights_the_next_start_finds_the_old_or_the_new(tmp_path):
    found = subprocess.check_output(
        [sys.executable, "-c", KILLED_WHILE_IT_WRITES, str(tmp_path)], cwd=ROOT, text=True
    )
    assert len(found.split()) == 20
    assert set(found.split()) <= {OLD, NEW}
    LastGood(tmp_path, REPO, "main").write(NEW)
    assert LastGood(tmp_path, REPO, "main").read() == NEW


def test_a_clock_that_jumps_neither_hurries_nor_stops_the_looks_at_the_hub(monkeypatch):
    """With the wall clock, a jump by a year would end the pause at once or prolong it."""
    looks, enough = [], threading.Event()

    def look(_, __):
        looks.append(time.monotonic())
        if len(looks) == 3:
            enough.set()

    day = iter([0.0, 4e9, -4e9] * 1000)
    monkeypatch.setattr(service.Service, "_update", look)
    monkeypatch.setattr(service.Service, "_begin", lambda _: None)
    monkeypatch.setattr(time, "time", lambda: next(day))
    running = service.Service(REPO, poll_seconds=0.2)
    running.start()
    assert enough.wait(30)
    running.stop()
    assert looks[2] - looks[0] >= 2 * 0.2 * 0.8


def test_a_clock_that_goes_back_gives_no_second_day_of_corrections(monkeypatch):
    monkeypatch.setattr("digits.corrections.MAX_DAILY", 3)
    corrections = Corrections(REPO, "token")
    day = 86_400.0
    admitted = []
    for now in (10 * day, 10 * day + 1, 9 * day, 10 * day + 2, 8 * day, 10 * day + 3):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        admitted.append(corrections._admit())  # noqa: SLF001 - without a worker that asks the Hub
    assert sum(admitted) == 3
