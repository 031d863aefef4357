"""The page in a frame, as on the Hub, its API page, and the page behind a proxy."""

import re
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.support.page_support import start_app
from tests.support.visitor import PATIENCE_MILLISECONDS, draw, visit, wait_for_digit, wait_until

FRAME = "<!doctype html><iframe src='{url}/' allow='camera' width=1200 height=900></iframe>"


@contextmanager
def framed(chromium, app, host):
    """Open another site that frames the page; yield it with a list of its console errors."""
    context = chromium.new_context(locale="en-US", viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    errors = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.route(f"{host}/**", lambda route: route.fulfill(
        body=FRAME.format(url=app.url), content_type="text/html"))  # fmt: skip
    page.goto(f"{host}/spaces/owner/space")
    yield page, errors
    context.close()


def test_the_hub_may_frame_the_page_and_it_works_there(chromium, app):
    with framed(chromium, app, "https://huggingface.co") as (page, errors):
        frame = page.frame_locator("iframe")
        frame.locator(".weights[data-ready=true]").wait_for()
        frame.get_by_role("button", name="Example 5").click()
        expect(frame.locator("#prediction")).to_have_text(re.compile(r"^\s*5"))
    assert errors == []


def test_nobody_else_may_frame_the_page(chromium, app):
    with framed(chromium, app, "https://example.com") as (page, errors):
        wait_until(page, lambda: errors)
        assert "frame-ancestors" in errors[0]
        assert page.frame_locator("iframe").locator(".weights").count() == 0


def test_the_page_of_the_api_breaks_no_rule_either(page):
    draw(page, 3)
    wait_for_digit(page, 3)
    page.get_by_role("button", name=re.compile("Use via API", re.IGNORECASE)).click()
    for language in ("Python", "JavaScript", "cURL"):
        page.get_by_text(language, exact=True).first.click()
        expect(page.get_by_text("/predict").first).to_be_visible()


def test_the_page_works_below_a_path_of_a_proxy(chromium, tmp_path):
    """Request interception plays the proxy: it strips the prefix before the app."""
    prefix = "/behind/a/proxy"
    app = start_app(tmp_path, {"GRADIO_ROOT_PATH": prefix})
    page = chromium.new_context(locale="en-US").new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.route(
        f"{app.url}{prefix}/**",
        lambda route: route.continue_(url=route.request.url.replace(prefix, "", 1)),
    )
    visit(page, f"{app.url}{prefix}/?from=elsewhere#here")
    draw(page, 3)
    wait_for_digit(page, 3)
    assert {address for address in asked if "/v1/" in address} == {f"{app.url}{prefix}/v1/draw"}
    page.context.close()
