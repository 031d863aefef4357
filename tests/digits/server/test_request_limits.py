"""More clients than the app can answer at once: right, refused or told to come again, never lost.

The long runs are `python -m benchmarks.soak`.
"""

import inspect
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
from gradio.queueing import Queue
from gradio.utils import LRUCache

from benchmarks.calls import Caller, RefusedError
from benchmarks.serving import OURS, Server
from benchmarks.soak import Memory, Plan, Report, plot, soak
from benchmarks.visitors import Outcome, Visitor, huge_picture
from digits.server.sessions import forget_answered
from tests.digits.server.test_api import upload
from tests.support import pen

BURST = 150
"""At once, of whom the app lets 64 wait."""


@pytest.fixture(scope="module")
def server(app):
    return Server(OURS, app.url, app.uploads, psutil.Process(app.process.pid), 0.0)


def test_visitors_at_once_get_their_own_answers(server):
    visitors = [Visitor(server, number) for number in range(8)]
    for visitor in visitors:
        visitor.learn()
        visitor.hang_up()

    def visit(visitor):
        outcomes = [visitor.pad(), visitor.picture(), visitor.nonsense(), visitor.picture()]
        visitor.hang_up()
        return outcomes

    right = Outcome.RIGHT
    with ThreadPoolExecutor(len(visitors)) as pool:
        for outcomes in pool.map(visit, visitors):
            assert outcomes == [right, right, Outcome.REFUSED, right]


@pytest.mark.nightly
def test_a_crowd_of_visitors_gets_its_own_answers_and_it_is_calm_again(server):
    report = soak(server, Plan(clients=24, seconds=6))
    assert report.count(Outcome.WRONG) == 0
    assert report.count(Outcome.LOST) == 0
    assert report.count(Outcome.RIGHT) > 0
    assert report.count(Outcome.REFUSED) > 0
    # Four of the largest pictures at once, and what the allocator keeps of them.
    assert report.after < report.before + 2500


@pytest.mark.nightly
def test_who_comes_when_all_is_taken_is_told_so_and_all_others_are_answered(app, server, tmp_path):
    pen.save(tmp_path / "7.png", pen.sheet(7))
    file = upload(app, tmp_path / "7.png")
    with Caller(server) as caller:
        large = caller.upload(huge_picture())

    def ask(number):
        path = large if number < 4 else file["path"]
        try:
            with Caller(server) as caller:
                return caller.predict(path)["digit"]
        except RefusedError as error:
            return error.status, json.loads(error.content)["detail"]

    with ThreadPoolExecutor(BURST) as pool:
        answers = Counter(pool.map(ask, range(BURST)))
    busy = 503, "This page is busy: try again in a few seconds."
    assert set(answers) == {3, 7, busy}
    assert answers[busy] > 0
    assert answers[7] >= 64 - 4


def test_an_answer_that_is_anothers_is_noticed(server):
    one, other = Visitor(server, 1), Visitor(server, 11)
    one.learn()
    other.learn()
    one._known, other._known = other._known, one._known  # noqa: SLF001 - as if they were mixed up
    assert one.digit == other.digit
    assert one.picture() is Outcome.WRONG
    assert one.pad() is Outcome.WRONG
    one.hang_up()
    other.hang_up()


def test_of_sessions_that_are_answered_nothing_is_remembered_for_ever():
    """What is filled in here is what Gradio's queue does for each call."""
    queue = SimpleNamespace(
        pending_messages_per_session=LRUCache(2000), pending_event_ids_session={}
    )
    for number in range(2500):
        queue.pending_messages_per_session[str(number)] = None
        queue.pending_event_ids_session[str(number)] = set()
    assert forget_answered(SimpleNamespace(_queue=queue)) == 500
    assert set(queue.pending_event_ids_session) == set(queue.pending_messages_per_session)
    assert "2499" in queue.pending_event_ids_session
    assert set(vars(queue)) <= set(re.findall(r"self\.(\w+)", inspect.getsource(Queue.__init__)))


def test_the_report_counts_and_the_plot_is_drawn(tmp_path):
    outcomes = {"pad": Counter({Outcome.RIGHT: 2, Outcome.LOST: 1})}
    memory = Memory([0.0, 1.0], [100.0, 300.0])
    ended = [0.1, 0.5, 1.2]
    report = Report(outcomes, {"pad": [1.0, 2.0, 3.0]}, ended, memory, 100.0, 200.0, 1.5)
    told = report.as_json()
    assert told["questions"] == 3
    assert told["outcomes"] == {"right": 2, "refused": 0, "busy": 0, "wrong": 0, "lost": 1}
    assert told["megabytes"] == {"before": 100, "peak": 300, "after": 200}
    assert told["seconds"]["pad"]["longest"] == 3.0
    assert report.faults == 1
    plot(report, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
