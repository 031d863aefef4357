"""A small Hugging Face Hub on loopback: real commits, tags and uploads, and failures on demand.

It speaks the part of the Hub's HTTP protocol that publishing and pulling weights needs, to the real
client over real sockets: creating a repository, `validate-yaml`, `preupload`, the LFS batch with
its `PUT` and `verify`, commits guarded by `parentCommit`, tags, refs, file information, and
`resolve` with the headers the client checks. Everything lives in memory.

    with running_hub() as hub:
        hub.create("someone/digits")
        HfApi(endpoint=hub.url, token=hub.token).create_commit(...)
        hub.fail(Failure("hang", path="resolve"))

Xet is not spoken: the client must run with `HF_HUB_DISABLE_XET=1`.
"""

import base64
import binascii
import contextlib
import hashlib
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

TOKEN = "hf_loopback_writer"  # noqa: S105 - opens nothing but this Hub
READER_TOKEN = "hf_loopback_reader"  # noqa: S105
# What a CI runner's own identity service hands out, and the secret that its job asks with.
ID_TOKEN = "loopback.identity.token"  # noqa: S105
RUNNER_TOKEN = "loopback-runner"  # noqa: S105

Kind = Literal["hang", "status", "cut", "corrupt", "slow", "drop"]
JsonObject = dict[str, Any]


@dataclass(frozen=True)
class File:
    """One file of a commit.

    Attributes:
        data: Its bytes.
        lfs: Whether it is stored as a large file, so that its identity is the SHA-256.
    """

    data: bytes
    lfs: bool

    @property
    def blob(self) -> str:
        """Git's SHA-1 of what git stores: the bytes, or the pointer of a large file."""
        stored = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()  # noqa: S324 - git

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{self.sha256}\nsize {len(self.data)}\n"
        ).encode()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob


@dataclass(frozen=True)
class Commit:
    """One commit: its parent's id, its message, and every file by path."""

    parent: str | None
    message: str
    files: dict[str, File]

    @property
    def oid(self) -> str:
        """A 40-hex id that depends on all of its history, as git's does."""
        listing = [f"{path} {file.blob}" for path, file in sorted(self.files.items())]
        text = "\n".join([str(self.parent), self.message, *listing])
        return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - as git


@dataclass
class Repo:
    """A model repository: commits by id, branches and tags by name."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def resolve(self, revision: str) -> str | None:
        """Return the commit id of a branch, a tag or a full commit id; None if there is none."""
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)

    def add(self, commit: Commit, branch: str) -> str:
        """Store a commit as the new head of a branch and return its id."""
        oid = commit.oid
        self.commits[oid] = commit
        self.branches[branch] = oid
        return oid


@dataclass
class Failure:
    """What goes wrong, and with which requests.

    Attributes:
        kind: `hang` accepts and never answers; `drop` closes the connection without an answer;
            `status` answers with an error; `cut` sends half of the body and closes; `corrupt`
            sends other bytes of the same length; `slow` sends one byte at a time.
        path: Regular expression that is searched in the request's path; "" is every request.
        method: Only requests of this method; None is every method.
        status: The HTTP status of `status`.
        times: How many requests fail before the Hub is well again; None is all of them.
        before: Called before the failure, in the request's thread (someone else's push, say).
    """

    kind: Kind | None
    path: str = ""
    method: str | None = None
    status: int = 500
    times: int | None = None
    before: Callable[[], object] | None = None

    def takes(self, method: str, path: str) -> bool:
        """Whether this request fails; counts it if so."""
        if self.times == 0 or self.method not in (None, method) or not re.search(self.path, path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Hub:
    """The state of the Hub, the list of what it was asked, and its switches for failures.

    Attributes:
        url: Where it listens, `http://127.0.0.1:PORT`.
        token: A token that may write.
        requests: Every request so far as "METHOD /path", oldest first.
        publishers: Names of the repositories that trust the runner to publish to them.
    """

    token = TOKEN
    reader_token = READER_TOKEN

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.large_files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.publishers: set[str] = set()
        self.failures: list[Failure] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.url = ""

    def create(self, name: str) -> Repo:
        """Make a repository as the Hub does: with one commit that holds `.gitattributes`."""
        repo = Repo()
        attributes = File(b"*.h5 filter=lfs diff=lfs merge=lfs -text\n", lfs=False)
        repo.add(Commit(None, "initial commit", {".gitattributes": attributes}), "main")
        self.repos[name] = repo
        return repo

    def push(self, name: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Commit files directly, as another person would, and return the commit's id."""
        repo = self.repos[name]
        head = repo.branches.get(branch) or repo.branches["main"]
        added = {path: File(data, _is_large(path, data)) for path, data in files.items()}
        merged = repo.commits[head].files | added
        return repo.add(Commit(head, f"push {len(repo.commits)}", merged), branch)

    def head(self, name: str, revision: str = "main") -> str:
        """Return the commit id of a revision that exists."""
        oid = self.repos[name].resolve(revision)
        assert oid is not None, f"no revision {revision} in {name}"
        return oid

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Return every file of a revision by path."""
        commit = self.repos[name].commits[self.head(name, revision)]
        return {path: file.data for path, file in commit.files.items()}

    def fail(self, *failures: Failure) -> None:
        """From now on let requests fail; the first failure that takes a request decides."""
        self.failures[:] = failures

    def heal(self) -> None:
        """End all failures."""
        self.failures.clear()

    def runner(self, resource: str) -> dict[str, str]:
        """Return the environment of a job on GitHub's runners that publishes to a repository."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/id-token",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_TOKEN,
            "HF_OIDC_RESOURCE": resource,
        }

    def asked(self, pattern: str) -> list[str]:
        """Return the requests so far that a regular expression is found in."""
        return [request for request in self.requests if re.search(pattern, request)]


def _is_large(path: str, data: bytes) -> bool:
    """The Hub's rule in short: known binary endings, binary content or many bytes."""
    return path.endswith((".h5", ".png")) or b"\0" in data[:512] or len(data) > 10_000_000


class _AnswerError(Exception):
    """An error answer, raised where it is found."""

    def __init__(
        self, status: int, message: str, code: str | None = None, commit: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"X-Error-Message": message}
        if code:
            self.headers["X-Error-Code"] = code
        if commit:
            self.headers["X-Repo-Commit"] = commit


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Routes are the methods named in `_ROUTES`."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    damage: Failure | None
    body: bytes

    def log_message(self, *args: object) -> None:
        """Stay silent: `Hub.requests` is the log."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def _serve(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        self.body = self._read_body()
        with self.hub.lock:
            self.hub.requests.append(f"{self.command} {path}")
            taking = (f for f in self.hub.failures if f.takes(self.command, path))
            self.damage = next(taking, None)
        if self.damage and self.damage.before:
            self.damage.before()
        if self._broken_off():
            return
        try:
            self._refuse_if_told()
            self._route(path)
        except _AnswerError as answer:
            self._send(answer.status, _json({"error": str(answer)}), answer.headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class's names

    def _refuse_if_told(self) -> None:
        if self.damage and self.damage.kind == "status":
            raise _AnswerError(self.damage.status, "told to fail")

    def _broken_off(self) -> bool:
        """Play the failures that never answer."""
        kind = self.damage.kind if self.damage else None
        if kind == "hang":
            self.hub.closing.wait()
        if kind in ("hang", "drop"):
            self.close_connection = True
            return True
        return False

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _route(self, path: str) -> None:
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split("|"):
                groups = {
                    key: urllib.parse.unquote(value) for key, value in match.groupdict().items()
                }
                with self.hub.lock:
                    answer = getattr(self, name)(**groups)
                self._send(*answer)
                return
        raise _AnswerError(404, f"no such page: {path}")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(body)

    def _write(self, body: bytes) -> None:
        kind = self.damage.kind if self.damage else None
        if kind == "cut":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif kind == "corrupt":
            self.wfile.write(body[:-1] + bytes([body[-1] ^ 0xFF]))
        elif kind == "slow":
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.hub.closing.wait(0.1):
                    break
        else:
            self.wfile.write(body)

    def _authorize(self, *, write: bool) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in (TOKEN, READER_TOKEN) and (write or given):
            raise _AnswerError(401, "Invalid credentials in Authorization header")
        if write and given != TOKEN:
            raise _AnswerError(403, "this token may read only")

    def _repo(self, name: str) -> Repo:
        if name not in self.hub.repos:
            raise _AnswerError(404, "Repository not found", "RepoNotFound")
        repo = self.hub.repos[name]
        if repo.gated:
            raise _AnswerError(403, "Access to this repository is restricted", "GatedRepo")
        return repo

    def _commit(self, name: str, revision: str) -> tuple[str, Commit]:
        repo = self._repo(name)
        oid = repo.resolve(revision)
        if oid is None:
            raise _AnswerError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return oid, repo.commits[oid]

    def id_token(self) -> tuple[int, bytes]:
        if self.headers.get("Authorization") != f"Bearer {RUNNER_TOKEN}":
            raise _AnswerError(401, "this job may not have an identity token")
        return 200, _json({"value": ID_TOKEN})

    def exchange_token(self) -> tuple[int, bytes]:
        wanted = json.loads(self.body)
        trusted = wanted.get("resource") in self.hub.publishers
        if wanted.get("subject_token") != ID_TOKEN or not trusted:
            raise _AnswerError(400, "invalid_grant: no trusted publisher matches")
        return 200, _json({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600})

    def create_repo(self) -> tuple[int, bytes]:
        self._authorize(write=True)
        wanted = json.loads(self.body)
        name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
        exists = name in self.hub.repos
        if not exists:
            self.hub.create(name)
        return (409 if exists else 200), _json({"url": f"{self.hub.url}/{name}", "name": name})

    def validate_yaml(self) -> tuple[int, bytes]:
        text = json.loads(self.body)["content"]
        match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        try:
            metadata = yaml.safe_load(match[1]) if match else None
        except yaml.YAMLError as error:
            return 400, _json({"errors": [{"message": str(error)}], "warnings": []})
        if not isinstance(metadata, dict):
            return 200, _json({"errors": [], "warnings": [{"message": "empty metadata"}]})
        problems = _metadata_problems(metadata)
        return (400 if problems else 200), _json({"errors": problems, "warnings": []})

    def repo_info(self, name: str, revision: str = "main") -> tuple[int, bytes]:
        self._authorize(write=False)
        oid, commit = self._commit(name, revision)
        siblings = [{"rfilename": path} for path in sorted(commit.files)]
        return 200, _json({"id": name, "modelId": name, "sha": oid, "siblings": siblings})

    def refs(self, name: str) -> tuple[int, bytes]:
        self._authorize(write=False)
        repo = self._repo(name)

        def listed(names: dict[str, str], kind: str) -> list[JsonObject]:
            return [
                {"name": ref, "ref": f"refs/{kind}/{ref}", "targetCommit": oid}
                for ref, oid in names.items()
            ]

        branches, tags = listed(repo.branches, "heads"), listed(repo.tags, "tags")
        return 200, _json({"branches": branches, "converts": [], "tags": tags})

    def paths_info(self, name: str, revision: str) -> tuple[int, bytes]:
        self._authorize(write=False)
        _, commit = self._commit(name, revision)
        wanted = urllib.parse.parse_qs(self.body.decode())["paths"]
        return 200, _json(
            [_file_info(path, commit.files[path]) for path in wanted if path in commit.files]
        )

    def preupload(self, name: str, revision: str) -> tuple[int, bytes]:
        self._authorize(write=True)
        _, commit = self._commit(name, revision)
        answers = []
        for asked in json.loads(self.body)["files"]:
            path = asked["path"]
            large = _is_large(path, base64.b64decode(asked["sample"]))
            stored = commit.files.get(path)
            answer = {"path": path, "uploadMode": "lfs" if large else "regular"}
            answer |= {"shouldIgnore": False, "oid": stored.etag if stored else None}
            answers.append(answer)
        return 200, _json({"files": answers})

    def lfs_batch(self, name: str) -> tuple[int, bytes]:
        self._authorize(write=True)
        self._repo(name)
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            oid = wanted["oid"]
            entry: JsonObject = {"oid": oid, "size": wanted["size"]}
            if oid not in self.hub.large_files:
                entry["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs-put/{oid}"},
                    "verify": {"href": f"{self.hub.url}/lfs-verify"},
                }
            objects.append(entry)
        return 200, _json({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid: str) -> tuple[int, bytes]:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise _AnswerError(400, "the bytes do not have the announced SHA-256")
        self.hub.large_files[oid] = self.body
        return 200, b"{}"

    def lfs_verify(self) -> tuple[int, bytes]:
        self._authorize(write=True)
        wanted = json.loads(self.body)
        stored = self.hub.large_files.get(wanted["oid"])
        if stored is None or len(stored) != wanted["size"]:
            raise _AnswerError(404, "not uploaded")
        return 200, b"{}"

    def commit(self, name: str, revision: str) -> tuple[int, bytes]:
        self._authorize(write=True)
        head, base = self._commit(name, revision)
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        parent = header.get("parentCommit")
        if parent and not head.startswith(parent):
            raise _AnswerError(412, f"A commit has happened since. Expected {parent}, is {head}")
        files = dict(base.files)
        for line in lines:
            self._apply(line["key"], line["value"], files)
        oid = self._repo(name).add(Commit(head, header["summary"], files), revision)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        return 200, _json({"success": True, "commitOid": oid, "commitUrl": url})

    def _apply(self, key: str, value: JsonObject, files: dict[str, File]) -> None:
        if key == "file":
            try:
                data = base64.b64decode(value["content"], validate=True)
            except binascii.Error as error:
                raise _AnswerError(400, f"bad base64 for {value['path']}") from error
            files[value["path"]] = File(data, lfs=False)
        elif key == "lfsFile":
            if value["oid"] not in self.hub.large_files:
                raise _AnswerError(400, f"{value['path']} was never uploaded")
            files[value["path"]] = File(self.hub.large_files[value["oid"]], lfs=True)
        elif key == "deletedFile":
            files.pop(value["path"], None)

    def create_tag(self, name: str, revision: str) -> tuple[int, bytes]:
        self._authorize(write=True)
        oid, _ = self._commit(name, revision)
        tags = self._repo(name).tags
        tag = json.loads(self.body)["tag"]
        if tag in tags:
            raise _AnswerError(409, f"Tag {tag} exists already")
        tags[tag] = oid
        return 200, b"{}"

    def delete_tag(self, name: str, revision: str) -> tuple[int, bytes]:
        self._authorize(write=True)
        if self._repo(name).tags.pop(revision, None) is None:
            raise _AnswerError(404, "no such tag", "RevisionNotFound")
        return 200, b"{}"

    def resolve(self, name: str, revision: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        self._authorize(write=False)
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
        if start >= size:
            raise _AnswerError(416, "range outside of the file")
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return 206, file.data[start:], headers


_REPO = r"(?P<name>[^/]+/[^/]+)"
_ROUTES = [
    ("GET", r"/id-token", "id_token"),
    ("POST", r"/oauth/token", "exchange_token"),
    ("POST", r"/api/repos/create", "create_repo"),
    ("POST", r"/api/validate-yaml", "validate_yaml"),
    ("GET", rf"/api/models/{_REPO}", "repo_info"),
    ("GET", rf"/api/models/{_REPO}/revision/(?P<revision>[^/]+)", "repo_info"),
    ("GET", rf"/api/models/{_REPO}/refs", "refs"),
    ("POST", rf"/api/models/{_REPO}/paths-info/(?P<revision>[^/]+)", "paths_info"),
    ("POST", rf"/api/models/{_REPO}/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", rf"/api/models/{_REPO}/commit/(?P<revision>[^/]+)", "commit"),
    ("POST", rf"/api/models/{_REPO}/tag/(?P<revision>[^/]+)", "create_tag"),
    ("DELETE", rf"/api/models/{_REPO}/tag/(?P<revision>[^/]+)", "delete_tag"),
    ("POST", rf"/{_REPO}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", r"/lfs-put/(?P<oid>[0-9a-f]{64})", "lfs_put"),
    ("POST", r"/lfs-verify", "lfs_verify"),
    ("GET|HEAD", rf"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _file_info(path: str, file: File) -> JsonObject:
    info: JsonObject = {"type": "file", "path": path, "oid": file.blob, "size": len(file.data)}
    if file.lfs:
        lfs = {"oid": file.sha256, "size": len(file.data), "pointerSize": len(file.pointer)}
        info["lfs"] = lfs
    return info


def _metadata_problems(metadata: JsonObject) -> list[JsonObject]:
    """The checks of the Hub that a wrong card of ours could fail."""
    problems = []
    if "license" in metadata and not isinstance(metadata["license"], str | list):
        problems.append('"license" must be one of [mit, apache-2.0, ...]')
    for entry in metadata.get("model-index", []):
        if not isinstance(entry, dict) or not entry.get("name") or not entry.get("results"):
            problems.append('"model-index[0]" needs name and results')
            continue
        problems += [
            '"model-index[0].results" need task, dataset and metrics'
            for result in entry["results"]
            if not {"task", "dataset", "metrics"} <= set(result)
        ]
    return [{"message": problem} for problem in problems]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a Hub on a free port of 127.0.0.1 until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = _Server(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def refused_url() -> str:
    """Return an address on loopback that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def wait_until(condition: Callable[[], bool], timeout_seconds: float = 30) -> None:
    """Wait for a condition, looking twenty times a second; AssertionError if it stays false."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"still false after {timeout_seconds} seconds"
        time.sleep(0.05)
