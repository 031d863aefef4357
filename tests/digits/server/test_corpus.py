"""Every picture of the corpus gets the expected answer from both endpoints and on the page."""

import json
import mimetypes
import re

import httpx
import pytest

from tests.support.corpus import BLANK, NOT_A_DIGIT, cases
from tests.support.visitor import DESKTOP, open_upload, visiting

ALL = cases()
CASES = {case.name: case for case in ALL}

TOO_MUCH_FOR_A_BROWSER = {"20000x20000.png", "thousands-of-scans.jpg"}
"""Chromium takes half a minute or more to show these; the server rejects them at once."""


def test_the_corpus_is_large_and_of_every_kind():
    assert len(CASES) == len(ALL) >= 80
    assert {case.digit for case in CASES.values()} >= set(range(10))
    for case in CASES.values():
        answers = (case.digit, case.reason, case.error)
        assert sum(answer is not None for answer in answers) == 1, case.name


def assert_refused(case, sentence):
    assert case.error is not None
    assert case.error in sentence
    assert re.search(r"\b(Use|[Ss]ave it|Make|Cut|Crop|Choose)\b", sentence)
    assert not re.search(r"Traceback|[/\\]\w+[/\\]", sentence)


def number_of(case):
    return "" if case.digit is None else str(case.digit)


def ask(app, endpoint, file):
    """Call an endpoint; return its answer, or the sentence that rejects the picture."""
    kind, answer = app.call(endpoint, file)
    return (None, json.dumps(answer)) if kind == "error" else (answer[0], None)


@pytest.mark.parametrize("name", CASES)
def test_predict_and_read_give_the_answer(app, name):
    case = CASES[name]
    try:
        file = app.upload(case.content, case.name)
    except httpx.HTTPStatusError as refused:
        assert_refused(case, refused.response.json()["detail"])
        return
    digit, sentence = ask(app, "predict", file)
    number, same_sentence = ask(app, "read", file)
    assert sentence == same_sentence
    if sentence is not None:
        assert_refused(case, sentence)
        return
    assert (digit["digit"], digit["reason"]) == (case.digit, case.reason)
    assert number["number"] == number_of(case)


ARM = "() => { document.querySelector('.answer').dataset.kind = 'awaited' }"
SHOWN = """() =>
  !['awaited', 'reading'].includes(document.querySelector('.answer').dataset.kind)"""
SAID = """() => ({
  kind: document.querySelector('.answer').dataset.kind,
  digit: document.querySelector('#prediction .digit').textContent,
  rest: document.querySelector('#prediction .say').textContent,
})"""


def test_the_page_gives_the_answers(chromium, app, tmp_path):
    wrong = {}
    with visiting(chromium, app, DESKTOP) as page:
        open_upload(page)
        for case in (CASES[name] for name in sorted(CASES.keys() - TOO_MUCH_FOR_A_BROWSER)):
            page.evaluate(ARM)
            page.set_input_files("#upload input[type=file]", as_file(case, tmp_path))
            page.wait_for_function(SHOWN)
            said = page.evaluate(SAID)
            kinds = {"blank"} if case.reason == BLANK else {"digit"}
            if case.error is not None:
                kinds = {"problem"}
                assert_refused(case, said["rest"])
            elif case.reason == NOT_A_DIGIT:
                kinds |= {"blank"}  # if no ink is recognized as a character
            if said["kind"] not in kinds or said["digit"] != number_of(case):
                wrong[case.name] = said
    assert wrong == {}


def as_file(case, folder):
    """Return the file for Playwright; a browser determines its type from its name."""
    if len(case.content) > 50_000_000:  # Playwright's limit for in-memory files
        path = folder / case.name
        path.write_bytes(case.content)
        return str(path)
    kind = mimetypes.guess_type(case.name)[0] or ""
    return {"name": case.name, "mimeType": kind, "buffer": case.content}
