"""The browser of the tests; run as a command, says whether there is one that starts."""

import shutil
import sys

from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

_ARGUMENTS = [
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # A page of another site may frame one of this machine: the tests stand in for the site.
    "--disable-features=LocalNetworkAccessChecks",
    "--use-fake-device-for-media-stream",  # a camera, for pages that may use one
]


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium without a window, or Playwright's own where there is none."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)


def main() -> None:
    try:
        with sync_playwright() as playwright:
            launch(playwright).close()
    except PlaywrightError as error:
        sys.exit(f"no browser yet: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
