"""Browser of the tests; as a command, checks that one can be started."""

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
    # Let a page of another site, which the tests serve, frame one of this machine.
    "--disable-features=LocalNetworkAccessChecks",
    "--use-fake-device-for-media-stream",  # a camera, for pages with the permission
]


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium in headless mode, or Playwright's own if there is none."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)


def main() -> None:
    try:
        with sync_playwright() as playwright:
            launch(playwright).close()
    except PlaywrightError as error:
        sys.exit(f"no browser yet: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
