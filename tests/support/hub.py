"""A small Hugging Face Hub on loopback: real commits, tags and uploads, and failures on demand.

It implements the part of the Hub's HTTP API that publishing and pulling weights needs, for the real
client over real sockets: creating a repository, `validate-yaml`, `preupload`, the LFS batch with
its `PUT` and `verify`, commits guarded by `parentCommit`, tags, refs, file information, and
`resolve` with the headers that the client checks; and for Spaces their files, variables, stages,
logs and a stand-in for their app. Everything is kept in memory.

    with running_hub() as hub:
        hub.create("someone/digits")
        HfApi(endpoint=hub.url, token=hub.token).create_commit(...)
        hub.fail(Failure("hang", path="resolve"))

Xet is not supported: the client must run with `HF_HUB_DISABLE_XET=1`.
"""

import atexit
import base64
import contextlib
import copy
import functools
import hashlib
import http.server
import json
import re
import socket
import threading
import time
import types
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from huggingface_hub import close_session, constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from tests.support.hub_state import Commit, File, Repo, Space, is_large
from tests.support.page_support import serving

TOKEN = "hf_loopback_writer"  # noqa: S105 - valid for this Hub only
READER_TOKEN = "hf_loopback_reader"  # noqa: S105
# Token of a trusted publisher: may commit and tag, but not create repositories or change a Space's
# settings.
PUBLISHER_TOKEN = "hf_loopback_publisher"  # noqa: S105
# The token issued by a CI runner's identity service, and the secret with which a job requests it.
ID_TOKEN = "loopback.identity.token"  # noqa: S105
RUNNER_TOKEN = "loopback-runner"  # noqa: S105

Kind = Literal["hang", "status", "cut", "corrupt", "slow", "drop"]
JsonObject = dict[str, Any]
Answer = JsonObject | list[JsonObject] | tuple[int, bytes, dict[str, str]]


@dataclass
class Failure:
    """A failure and the requests that it affects.

    Attributes:
        kind: `hang` never responds; `drop` closes the connection without a response; `status`
            responds with an error; `cut` sends half of the body and closes; `corrupt` sends other
            bytes of the same length; `slow` sends one byte at a time; None does not fail.
        path: Regular expression searched in the request's path; "" matches every request.
        method: Method of the requests; None is every method.
        status: HTTP status for `status`.
        times: Number of requests that fail; None is all of them.
        before: Called before the failure, in the request's thread, for instance for a push by
            someone else.
        pause_seconds: Pause between two bytes of `slow`.
    """

    kind: Kind | None
    path: str = ""
    method: str | None = None
    status: int = 500
    times: int | None = None
    before: Callable[[], object] | None = None
    pause_seconds: float = 0.1

    def takes(self, method: str, path: str) -> bool:
        """Return whether this request fails, and count it if so."""
        if self.times == 0 or self.method not in (None, method) or not re.search(self.path, path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Hub:
    """State of the Hub, log of its requests, and simulated failures.

    Attributes:
        url: Its URL, `http://127.0.0.1:PORT`.
        token: A token with write permission.
        requests: All requests so far as "METHOD /path", oldest first.
        publishers: Names of the repositories that trust the runner as a publisher.
    """

    token = TOKEN

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.spaces: dict[str, Space] = {}
        self.datasets: dict[str, Repo] = {}
        self.large_files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.publishers: set[str] = set()
        self.failures: list[Failure] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.url = ""

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Fail if the block changes a repository."""
        before = copy.deepcopy((self.repos, self.spaces))
        yield
        assert (self.repos, self.spaces) == before

    def create(self, name: str) -> Repo:
        """Create a model repository."""
        return self.repos.setdefault(name, Repo())

    def create_space(self, name: str) -> Space:
        """Create a Space without an app."""
        return self.spaces.setdefault(name, Space())

    def create_dataset(self, name: str) -> Repo:
        """Create an empty dataset."""
        return self.datasets.setdefault(name, Repo())

    def push(self, name: str, files: dict[str, bytes]) -> str:
        """Commit files to `main`, as someone else would, and return the commit id."""
        return self.repos[name].push(files)

    def head(self, name: str) -> str:
        """Return the commit id of `main`."""
        return self.repos[name].branches["main"]

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Return all files of a revision by path."""
        return self.repos[name].files(revision)

    def fail(self, *failures: Failure) -> None:
        """Make further requests fail; the first failure that matches a request applies."""
        self.failures[:] = failures

    def heal(self) -> None:
        """End all failures."""
        self.failures.clear()

    def runner(self, resource: str) -> dict[str, str]:
        """Return the environment of a GitHub job that publishes to a repository."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/id-token",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_TOKEN,
            "HF_OIDC_RESOURCE": resource,
        }

    def asked(self, pattern: str) -> list[str]:
        """Return the requests so far that match a regular expression."""
        return [request for request in self.requests if re.search(pattern, request)]


class _AnswerError(Exception):
    """An error response."""

    def __init__(self, status: int, message: str, code: str = "", commit: str = "") -> None:
        super().__init__(message)
        self.status = status
        given = {"X-Error-Message": message, "X-Error-Code": code, "X-Repo-Commit": commit}
        self.headers = {name: value for name, value in given.items() if value}


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Routes are the methods named in `_ROUTES`.

    They return the response as JSON, or as status, body and headers.
    """

    protocol_version = "HTTP/1.1"
    hub: Hub
    damage: Failure
    body: bytes
    repos: Mapping[str, Repo]

    def log_message(self, *args: object) -> None:
        """Log nothing: `Hub.requests` is the log."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def _serve(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.hub.lock:
            self.hub.requests.append(f"{self.command} {path}")
            taking = (f for f in self.hub.failures if f.takes(self.command, path))
            self.damage = next(taking, Failure(None))
        if self.damage.before:
            self.damage.before()
        if self.damage.kind == "hang":
            self.hub.closing.wait()
        if self.damage.kind in ("hang", "drop"):
            self.close_connection = True
            return
        try:
            answer = self._answer(path)
        except _AnswerError as error:
            answer = error.status, _json({"error": str(error)}), error.headers
        self._send(*(answer if isinstance(answer, tuple) else (200, _json(answer), {})))

    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815 - names of the base class

    def _answer(self, path: str) -> Answer:
        if self.damage.kind == "status":
            raise _AnswerError(self.damage.status, "simulated failure")
        for method, pattern, name, right in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split("|"):
                found = match.groupdict(default="").items()  # only `kind` is optional
                groups = {key: urllib.parse.unquote(value) for key, value in found}
                kinds = {"spaces": self.hub.spaces, "datasets": self.hub.datasets}
                self.repos = kinds.get(groups.pop("kind", ""), self.hub.repos)
                with self.hub.lock:
                    if right:
                        self._authorize(right)
                    return getattr(self, name)(**groups)
        raise _AnswerError(404, f"no such page: {path}")

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        match self.damage:
            case Failure(kind="cut"):
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            case Failure(kind="corrupt"):
                self.wfile.write(body[:-1] + bytes([body[-1] ^ 0xFF]))
            case Failure(kind="slow", pause_seconds=pause_seconds):
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if self.hub.closing.wait(pause_seconds):
                        break
            case _:
                self.wfile.write(body)

    def _authorize(self, right: str) -> None:
        """Reject requests without a permission; trusted publishers may not even read settings."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        write = right in ("write", "settings")
        if given not in (TOKEN, READER_TOKEN, PUBLISHER_TOKEN) and (write or given):
            raise _AnswerError(401, "Invalid credentials in Authorization header")
        if write and given == READER_TOKEN:
            raise _AnswerError(403, "this token may read only")
        if right.endswith("settings") and given == PUBLISHER_TOKEN:
            raise _AnswerError(401, "Invalid username or password.")

    def _asked(self) -> JsonObject:
        return json.loads(self.body)

    def _repo(self, name: str) -> Repo:
        repo = self.repos.get(name)
        if repo is None:
            raise _AnswerError(404, "Repository not found", "RepoNotFound")
        if repo.gated:
            raise _AnswerError(403, "Access to this repository is restricted", "GatedRepo")
        return repo

    def _commit(self, name: str, revision: str) -> tuple[str, Commit]:
        repo = self._repo(name)
        oid = repo.resolve(revision)
        if oid is None:
            raise _AnswerError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return oid, repo.commits[oid]

    def id_token(self) -> Answer:
        if self.headers.get("Authorization") != f"Bearer {RUNNER_TOKEN}":
            raise _AnswerError(401, "this job may not have an identity token")
        return {"value": ID_TOKEN}

    def exchange_token(self) -> Answer:
        wanted = self._asked()
        trusted = wanted.get("resource") in self.hub.publishers
        if wanted.get("subject_token") != ID_TOKEN or not trusted:
            raise _AnswerError(400, "invalid_grant: no trusted publisher matches")
        return {"access_token": PUBLISHER_TOKEN, "token_type": "bearer", "expires_in": 3600}

    def create_repo(self) -> Answer:
        wanted = self._asked()
        name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
        is_space = wanted.get("type") == "space"
        if name in (self.hub.spaces if is_space else self.hub.repos):
            raise _AnswerError(409, f"{name} exists already")
        if is_space:
            space = self.hub.create_space(name)
            space.sdk, space.hardware = wanted["sdk"], wanted.get("hardware")
        else:
            self.hub.create(name)
        return {"url": f"{self.hub.url}/{name}", "name": name}

    def validate_yaml(self) -> Answer:
        return {"errors": [], "warnings": []}

    def repo_info(self, name: str, revision: str = "main") -> Answer:
        oid, commit = self._commit(name, revision)
        siblings = [_file_info(path, file) for path, file in commit.files.items()]
        info: JsonObject = {"id": name, "sha": oid, "siblings": siblings}
        repo = self._repo(name)
        if isinstance(repo, Space):
            host = repo.host or f"{self.hub.url}/app/{name}"
            info |= {"host": host, "private": repo.private, "sdk": repo.sdk}
        return info

    def refs(self, name: str) -> Answer:
        repo = self._repo(name)

        def listed(names: dict[str, str], kind: str) -> list[JsonObject]:
            return [
                {"name": ref, "ref": f"refs/{kind}/{ref}", "targetCommit": oid}
                for ref, oid in names.items()
            ]

        branches, tags = listed(repo.branches, "heads"), listed(repo.tags, "tags")
        return {"branches": branches, "converts": [], "tags": tags}

    def tree(self, name: str, revision: str) -> Answer:
        _, commit = self._commit(name, revision)
        return [_file_info(path, file) for path, file in sorted(commit.files.items())]

    def preupload(self, name: str, revision: str) -> Answer:
        _, commit = self._commit(name, revision)
        answers = []
        for asked in self._asked()["files"]:
            path = asked["path"]
            large = is_large(path, base64.b64decode(asked["sample"]))
            oid = commit.files[path].etag if path in commit.files else None
            mode = "lfs" if large else "regular"
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return {"files": answers}

    def lfs_batch(self, name: str) -> Answer:
        self._repo(name)
        objects = []
        for wanted in self._asked()["objects"]:
            oid = wanted["oid"]
            entry: JsonObject = {"oid": oid, "size": wanted["size"]}
            if oid not in self.hub.large_files:
                entry["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs-put/{oid}"},
                    "verify": {"href": f"{self.hub.url}/lfs-verify"},
                }
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def lfs_put(self, oid: str) -> Answer:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise _AnswerError(400, "the bytes do not have the announced SHA-256")
        self.hub.large_files[oid] = self.body
        return {}

    def lfs_verify(self) -> Answer:
        wanted = self._asked()
        stored = self.hub.large_files.get(wanted["oid"])
        if stored is None or len(stored) != wanted["size"]:
            raise _AnswerError(404, "not uploaded")
        return {}

    def commit(self, name: str, revision: str) -> Answer:
        head, base = self._commit(name, revision)
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        parent = header.get("parentCommit")
        if parent and not head.startswith(parent):
            raise _AnswerError(412, f"A commit has happened since. Expected {parent}, is {head}")
        files = dict(base.files)
        for line in lines:
            match line:
                case {"key": "file", "value": {"path": path, "content": content}}:
                    files[path] = File(base64.b64decode(content), lfs=False)
                case {"key": "lfsFile", "value": {"path": path, "oid": oid}}:
                    files[path] = File(self.hub.large_files[oid], lfs=True)
                case {"key": "deletedFile", "value": {"path": path}}:
                    del files[path]
        oid = self._repo(name).add(Commit(head, header["summary"], files), revision)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        return {"success": True, "commitOid": oid, "commitUrl": url}

    def create_tag(self, name: str, revision: str) -> Answer:
        oid, _ = self._commit(name, revision)
        repo, asked = self._repo(name), self._asked()
        tag = asked["tag"]
        if tag in repo.tags:
            raise _AnswerError(409, f"Tag {tag} exists already")
        repo.tags[tag] = oid
        repo.messages[tag] = asked.get("message")
        return {}

    def resolve(self, name: str, revision: str, path: str) -> Answer:
        oid, commit = self._commit(name, revision)
        file = commit.files.get(path)
        if file is None:
            raise _AnswerError(404, f"{path} does not exist", "EntryNotFound", oid)
        headers = {"X-Repo-Commit": oid, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        headers["Content-Type"] = "application/octet-stream"
        if file.lfs:
            headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(len(file.data))}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not wanted:
            return 200, file.data, headers
        start, size = int(wanted[1]), len(file.data)
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return 206, file.data[start:], headers

    def variables(self, name: str) -> Answer:
        space = self._repo(name)
        if self.command == "POST":
            wanted = self._asked()
            space.variables[wanted["key"]] = wanted["value"]
            space.restart()
        return {key: {"value": value} for key, value in space.variables.items()}

    def runtime(self, name: str) -> Answer:
        space = self._repo(name)
        self._authorize("settings" if space.private else "read settings")
        stage = space.next_stage()
        named = {"sha": space.branches["main"]} if space.names_commit else {}
        return {"stage": stage, "hardware": {"current": space.hardware}, **named}

    def space_log(self, name: str, log: str) -> Answer:
        events = [b"data: %s\n\n" % _json({"data": piece}) for piece in self._repo(name).logs[log]]
        return 200, b"".join(events), {"Content-Type": "text/event-stream"}

    def app(self, name: str) -> Answer:
        said = self.hub.spaces[name].app_says()
        if said is None:
            raise _AnswerError(503, "the app is not up")
        return {"data": [said]}


_REPO = r"(?P<name>[^/]+/[^/]+)"
_API = rf"/api/(?P<kind>models|spaces|datasets)/{_REPO}"
_SPACE = rf"/api/(?P<kind>spaces)/{_REPO}"
_FILES = rf"/(?:(?P<kind>spaces|datasets)/)?{_REPO}"
_ROUTES = [
    ("GET", r"/id-token", "id_token", ""),
    ("POST", r"/oauth/token", "exchange_token", ""),
    ("POST", r"/api/repos/create", "create_repo", "settings"),
    ("POST", r"/api/validate-yaml", "validate_yaml", ""),
    ("GET", _API, "repo_info", "read"),
    ("GET", rf"{_API}/revision/(?P<revision>[^/]+)", "repo_info", "read"),
    ("GET", rf"{_API}/refs", "refs", "read"),
    ("GET", rf"{_API}/tree/(?P<revision>[^/]+)", "tree", "read"),
    ("POST", rf"{_API}/preupload/(?P<revision>[^/]+)", "preupload", "write"),
    ("POST", rf"{_API}/commit/(?P<revision>[^/]+)", "commit", "write"),
    ("POST", rf"{_API}/tag/(?P<revision>[^/]+)", "create_tag", "write"),
    ("POST", rf"{_FILES}\.git/info/lfs/objects/batch", "lfs_batch", "write"),
    ("PUT", r"/lfs-put/(?P<oid>[0-9a-f]{64})", "lfs_put", ""),
    ("POST", r"/lfs-verify", "lfs_verify", "write"),
    ("GET|HEAD", rf"{_FILES}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve", "read"),
    ("GET|POST", rf"{_SPACE}/variables", "variables", "settings"),
    ("GET", rf"{_SPACE}/runtime", "runtime", ""),
    ("GET", rf"{_SPACE}/logs/(?P<log>build|run)", "space_log", "settings"),
    ("POST", rf"/app/{_REPO}/gradio_api/run/health", "app", ""),
]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _file_info(path: str, file: File) -> JsonObject:
    """Describe a file with the keys of both `tree` and a repository's siblings."""
    size = {"size": len(file.data)}
    info: JsonObject = {"type": "file", "path": path, "oid": file.blob, **size}
    info |= {"rfilename": path, "blobId": file.blob}
    if file.lfs:
        info["lfs"] = {"oid": file.sha256, "sha256": file.sha256, "pointerSize": 0, **size}
    return info


@contextlib.contextmanager
def connected_hub(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Hub]:
    """Run a Hub for the client in this process and its children, whose cache is in `home`."""
    with running_hub() as hub:
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(home))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        # The client would wait 23 seconds between its six attempts at a request.
        no_wait = types.SimpleNamespace(sleep=lambda _seconds: None)
        monkeypatch.setattr("huggingface_hub.utils._http.time", no_wait)
        yield hub
        set_client_factory(default_client_factory)
        close_session()


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a Hub on a free port of 127.0.0.1 until the block ends."""
    hub = Hub()
    with serving(type("Handler", (_Handler,), {"hub": hub})) as hub.url:
        try:
            yield hub
        finally:
            hub.closing.set()


@functools.cache
def refused_url() -> str:
    """Return a loopback URL that refuses connections, and reserve its port."""
    probe = socket.socket()
    atexit.register(probe.close)
    probe.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{probe.getsockname()[1]}"


def wait_until(condition: Callable[[], bool], timeout_seconds: float = 60) -> None:
    """Poll a condition every 50 ms; AssertionError if it stays false."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"still false after {timeout_seconds} seconds"
        time.sleep(0.05)
