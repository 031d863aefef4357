"""Every picture of the corpus gets its answer, and the same at every entrance of the app."""

# ruff: noqa: S310 - every address here is the loopback's

import json
import mimetypes
import re
import urllib.error
import urllib.request
from collections import Counter

import pytest

from tests.corpus import NOT_A_DIGIT, Case, cases
from tests.visitor import DESKTOP, visiting

pytestmark = pytest.mark.slow

ALL = cases()
CASES = {case.name: case for case in ALL}

TOO_MUCH_FOR_A_BROWSER = {"20000x20000.png", "thousands-of-scans.jpg"}
"""Chromium is busy with showing these for half a minute and more; the server refuses them at once,
as the API's tests show."""


def test_the_corpus_is_large_and_of_every_kind():
    assert len(CASES) == len(ALL) >= 80
    assert {case.digit for case in CASES.values()} >= set(range(10))
    for case in CASES.values():
        answers = (case.digit, case.reason, case.error)
        assert sum(answer is not None for answer in answers) == 1, case.name


def upload(app, case):
    """Upload as any client does; the path on the server, or the sentence that refuses it."""
    body = (
        f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{case.name}"\r\n\r\n'
    ).encode() + case.make()
    request = urllib.request.Request(
        app.url + "/gradio_api/upload",
        body + b"\r\n--edge--\r\n",
        {"Content-Type": "multipart/form-data; boundary=edge"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())[0], None
    except urllib.error.HTTPError as refused:
        with refused:
            return None, json.loads(refused.read())["detail"]


def ask(app, endpoint, path):
    """Call an endpoint; its answer, or the sentence that refuses the picture."""
    kind, answer = app.call(endpoint, {"path": path, "meta": {"_type": "gradio.FileData"}})
    return (None, json.dumps(answer)) if kind == "error" else (answer[0], None)


def assert_refused(case, sentence):
    assert case.error is not None
    assert case.error in sentence
    assert re.search(r"\b(Use a|[Ss]ave it|Make|Cut)\b", sentence)
    assert not re.search(r"Traceback|[/\\]\w+[/\\]", sentence)


@pytest.mark.parametrize("name", CASES)
def test_predict_and_read_give_the_answer(app, name):
    case = CASES[name]
    path, sentence = upload(app, case)
    if sentence is not None:
        assert_refused(case, sentence)
        return
    digit, sentence = ask(app, "predict", path)
    number, same_sentence = ask(app, "read", path)
    assert sentence == same_sentence
    if sentence is not None:
        assert_refused(case, sentence)
        return
    assert (digit["digit"], digit["reason"]) == (case.digit, case.reason)
    assert number["number"] == ("" if case.digit is None else str(case.digit))


def by_turns():
    """The cases in an order in which no two with one answer follow each other.

    The page shows nothing anew where nothing has changed, so that such a test could not wait.
    """
    groups: dict[tuple, list[Case]] = {}
    for case in ALL:
        if case.name in TOO_MUCH_FOR_A_BROWSER:
            continue
        groups.setdefault((case.digit, case.reason, case.error), []).append(case)
    left = Counter({key: len(group) for key, group in groups.items()})
    last = None
    while left:
        last = max((key for key in left if key != last), key=left.__getitem__)
        yield groups[last].pop()
        left[last] -= 1
        left += Counter()


ARM = "() => { document.querySelector('.answer').dataset.kind = 'awaited' }"
SHOWN = "() => document.querySelector('.answer').dataset.kind !== 'awaited'"
SAID = """() => ({
  kind: document.querySelector('.answer').dataset.kind,
  digit: document.querySelector('#prediction .digit').textContent,
  rest: document.querySelector('#prediction .say').textContent,
})"""


@pytest.fixture(scope="module")
def upload_tab(chromium, app):
    """One visit, on which all pictures are uploaded one after the other."""
    with visiting(chromium, app, DESKTOP) as page:
        page.get_by_role("tab", name="Upload").click()
        page.locator("#upload input[type=file]").first.wait_for(state="attached")
        yield page


@pytest.mark.browser
@pytest.mark.parametrize("name", [case.name for case in by_turns()])
def test_the_page_gives_the_answer(upload_tab, name, tmp_path):
    case = CASES[name]
    upload_tab.evaluate(ARM)
    upload_tab.set_input_files("#upload input[type=file]", as_file(case, tmp_path))
    upload_tab.wait_for_function(SHOWN, timeout=60_000)
    said = upload_tab.evaluate(SAID)
    if case.error is not None:
        assert said["kind"] == "problem"
        assert_refused(case, said["rest"])
    elif case.reason == NOT_A_DIGIT:
        assert (said["kind"], said["digit"]) == ("digit", "")
    elif case.reason is not None:
        assert (said["kind"], said["digit"]) == ("blank", "")
    else:
        assert (said["kind"], said["digit"]) == ("digit", str(case.digit))


def as_file(case, folder):
    """What Playwright hands to the page; a browser tells a file's type by its name."""
    content = case.make()
    if len(content) > 50_000_000:  # more than it takes as it is
        path = folder / case.name
        path.write_bytes(content)
        return str(path)
    kind = mimetypes.guess_type(case.name)[0] or ""
    return {"name": case.name, "mimeType": kind, "buffer": content}
