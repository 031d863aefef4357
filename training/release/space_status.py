"""Wait until a Space serves the deployed files, or report why it does not.

The Hub only reports a stage, which for a while after a commit is still that of the previous build.
The proof is the app itself: its status contains the fingerprint of its files.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from digits import hub
from training.console import UserError

POLL_SECONDS = 5.0
ASK_SECONDS = 20.0
STALE_SECONDS = 120.0
"""How long a failed or stopped stage may still be that of the previous build."""

LOG_LINES = 40

_BUILD_FAILED = frozenset({"BUILD_ERROR", "CONFIG_ERROR", "NO_APP_FILE"})
_STOPPED = frozenset({"PAUSED", "STOPPED", "DELETING"})
_ENDED = _BUILD_FAILED | _STOPPED | {"RUNTIME_ERROR"}

Answer = dict[str, Any]
"""The app's status: `files`, the fingerprint of its files; `ready`, whether it reads digits;
`model`, the weights in use; `model_repo`, their source, None for the bundled ones; `problem`, why
newer weights are not in use. Empty without a valid response."""


@dataclass
class Watch:
    """Waits for one Space.

    Attributes:
        api: Signed in; a public Space needs no sign-in.
        space: `owner/name`.
        commit: The Space's commit, 40-hex.
        fingerprint: Of the files in that commit.
        model_repo: The repository that the app must load its weights from; None accepts any.
        rebuilds: Whether the commit is new, so that the Hub may still report the previous build.
        restarts: Whether a variable changed, so that an app with the old value may still respond.
    """

    api: HfApi
    space: str
    commit: str
    fingerprint: str
    model_repo: str | None
    _: KW_ONLY
    rebuilds: bool
    restarts: bool

    def __post_init__(self) -> None:
        """Look up the app's URL."""
        self._token: bool | None = None  # None is the API's own; False is anonymous
        self._began = time.monotonic()
        self._shown = ""
        self._rebuilt = False
        info = self.api.space_info(self.space, timeout=ASK_SECONDS)
        self.private = bool(info.private)
        self.url = info.host or (f"https://{info.subdomain}.hf.space" if info.subdomain else "")

    def until_serving(self, seconds: float) -> str:
        """Wait until the app has the expected files and reads digits; return what serves.

        Raises:
            UserError: If the build or the start failed or the time is up, with the end of the log
                printed; if the Space is stopped or the app follows another model repository.
        """
        while True:
            stage, commit = self._stage()
            self._note(stage)
            answer = {} if self.private else ask(self.url)
            if served := self._served(answer, stage, commit):
                return served
            if self._has_ended(stage, commit):
                raise self._ended(stage)
            if time.monotonic() - self._began > seconds:
                raise self._late(stage, answer, seconds)
            time.sleep(POLL_SECONDS)

    def _stage(self) -> tuple[str, str | None]:
        """Return the stage, and its commit if the Hub names it."""
        try:
            runtime = self.api.get_space_runtime(self.space, token=self._token)
        except HfHubHTTPError as error:
            # The Hub rejects trusted publishers here; a public Space needs no token.
            if error.response.status_code in (401, 403) and self._token is None:
                self._token = False
                return self._stage()
            return "unknown", None
        except (httpx2.HTTPError, OSError, ValueError, KeyError):
            return "unknown", None
        return str(runtime.stage), runtime.raw.get("sha")

    def _note(self, stage: str) -> None:
        if stage not in _ENDED | {"unknown", "RUNNING"}:
            self._rebuilt = True
        if stage != self._shown:
            print(f"{time.monotonic() - self._began:4.0f} s  {stage}", flush=True)
            self._shown = stage

    def _served(self, answer: Answer, stage: str, commit: str | None) -> str | None:
        if self.private:
            fresh = self._rebuilt or not self.rebuilds
            built = commit == self.commit if commit else fresh
            if stage == "RUNNING" and built:
                return "is running; its app was not asked, as the Space is private"
            return None
        if not answer.get("ready") or answer.get("files") != self.fingerprint:
            return None
        wanted, found = self.model_repo, answer.get("model_repo")
        if wanted and found != wanted:
            if self.restarts:
                return None
            raise UserError(
                f"{self.space} serves the new files, but takes its weights from "
                f"{found or 'its own files'} instead of {wanted}: change the variable "
                "MODEL_REPO in the Space's settings"
            )
        problem = f" ({answer['problem']})" if answer.get("problem") else ""
        return f"serves at {self.url}, answering with {answer.get('model')}{problem}"

    def _has_ended(self, stage: str, commit: str | None) -> bool:
        """Return whether the stage is final and belongs to the expected commit."""
        if stage not in _ENDED:
            return False
        settled = self._rebuilt or not (self.rebuilds or self.restarts)
        if commit == self.commit if commit else settled:
            return True
        return time.monotonic() - self._began > STALE_SECONDS

    def _ended(self, stage: str) -> UserError:
        space, commit = self.space, self.commit[:7]
        if stage in _STOPPED:
            return UserError(
                f"{space} has commit {commit}, but is {stage.lower()}: restart it in its settings, "
                "then run the same command again"
            )
        self._print_log(build=stage in _BUILD_FAILED)
        what = "be built" if stage in _BUILD_FAILED else "start"
        return UserError(
            f"{space} could not {what} at commit {commit} ({stage}): see its log above"
        )

    def _late(self, stage: str, answer: Answer, seconds: float) -> UserError:
        self._print_log(build=stage in ("BUILDING", "RUNNING_BUILDING"))
        said = "gives no answer"
        if answer:
            same = answer.get("files") == self.fingerprint
            said = "answers with the new files" if same else "answers with other files"
            said += "" if answer.get("ready") else ", but reads no digits yet"
        return UserError(
            f"{self.space} does not serve commit {self.commit[:7]} after "
            f"{seconds / 60:.0f} minutes: its stage is {stage}, its app {said}"
        )

    def _print_log(self, *, build: bool) -> None:
        name = "build" if build else "run"
        try:
            logged = self.api.fetch_space_logs(self.space, build=build, token=self._token)
            lines = list(tail(logged))
        except (httpx2.HTTPError, OSError, ValueError, KeyError) as error:
            reason = hub.explain(error, self.space) or type(error).__name__
            print(f"the {name} log cannot be read: {reason}", flush=True)
            return
        print(f"the last {len(lines)} lines of the {name} log:", flush=True)
        for line in lines:
            print(f"  | {line}", flush=True)


def ask(url: str) -> Answer:
    """Fetch the app's status."""
    try:
        health = f"{url}/gradio_api/run/health"
        response = httpx2.post(health, json={"data": []}, timeout=ASK_SECONDS)
        said = response.raise_for_status().json()["data"][0]
        return said if isinstance(said, dict) else {}
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError):
        return {}


def tail(logged: Iterable[str]) -> Iterator[str]:
    """Yield the last lines of a log without commands to a terminal or a CI runner."""
    lines = "".join(logged).splitlines()[-LOG_LINES:]
    for line in lines:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
        plain = "".join(letter for letter in plain if letter.isprintable())
        # GitHub's runner would execute these as commands.
        yield plain.replace("##[", "# #[").replace("::", ": :")[:500]
