"""Corrections on the page: only if the owner collects them, only with consent."""

import re

import pytest
from playwright.sync_api import expect

from tests.digits.test_corrections import REPO, kept
from tests.support import visitor
from tests.support.hub import running_hub
from tests.support.page_support import running_app

ASKED = "Was this right?"


@pytest.fixture(scope="module")
def hub():
    with running_hub() as hub:
        hub.create_dataset(REPO)
        yield hub


@pytest.fixture
def keeping_page(chromium, hub):
    """The page of an app that collects corrections."""
    settings = {"CORRECTIONS_REPO": REPO, "HF_TOKEN": hub.token, "HF_ENDPOINT": hub.url}
    app = running_app((*settings.items(), ("HF_HUB_DISABLE_XET", "1")))
    with visitor.visiting(chromium, app, visitor.DESKTOP) as page:
        yield page


def answer(page, name):
    page.get_by_role("group", name="The right digit").get_by_role("button", name=name).click()


def test_a_page_without_a_data_set_shows_nothing_of_it_and_keeps_nothing(page, app):
    visitor.draw_to_the_end(page, 7)
    expect(page.get_by_text(ASKED)).not_to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    assert app.server_function("keep_correction", [True, "", 1]) == {"kind": "refused"}
    assert app.hub_calls == []


def test_consent_and_digits_are_asked_for_only_after_a_no(keeping_page, hub):
    page = keeping_page
    right, wrong = (page.get_by_role("button", name=name, exact=True) for name in ("Yes", "No"))
    expect(page.get_by_text(ASKED)).to_be_visible()
    expect(wrong).to_be_disabled()
    visitor.draw_to_the_end(page, 7)
    asked = len(hub.requests)
    consent = page.get_by_role("checkbox", name=re.compile("keep my corrections"))
    expect(consent).to_be_hidden()
    wrong.click()
    expect(consent).not_to_be_checked()
    expect(page.locator(".correct")).to_contain_text(REPO)
    digits = page.get_by_role("group", name="The right digit").get_by_role("button")
    expect(digits.first).to_be_disabled()
    consent.check()
    expect(digits.first).to_be_enabled()
    assert visitor.violations(page) == []
    consent.uncheck()
    expect(digits.first).to_be_disabled()
    right.click()
    expect(page.locator(".correct-said")).to_have_text("Thank you!")
    expect(consent).to_be_hidden()
    expect(right).to_be_disabled()
    assert len(hub.requests) == asked


def test_one_click_corrects_and_the_page_says_when_it_is_kept(keeping_page, hub):
    page = keeping_page
    wrong = page.get_by_role("button", name="No", exact=True)
    visitor.draw_to_the_end(page, 7)
    wrong.click()
    page.get_by_role("checkbox", name=re.compile("keep my corrections")).check()
    page.route(visitor.SERVER, lambda route: route.fulfill(json={"kind": "not kept"}))
    answer(page, "1")
    said = page.locator(".correct-said")
    expect(said).to_have_text("Could not be saved. Try again later.")
    page.unroute(visitor.SERVER)
    answer(page, "1")
    expect(said).to_have_text(f"Saved in {REPO}. Thank you!")
    row = kept(hub)[-1]
    assert (row["answer"], row["correction"]) == (7, 1)
    # Each answer can be corrected once.
    expect(wrong).to_be_disabled()
    visitor.clear(page)
    expect(said).to_have_text("")
    visitor.draw_to_the_end(page, 3)
    wrong.click()
    group = page.get_by_role("group", name="The right digit")
    expect(group.get_by_role("button", name="no digit")).to_be_enabled()
