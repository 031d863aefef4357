"""State of the loopback Hub: files, commits, repositories, and Spaces with their platform."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub.utils.sha import git_hash

from digits import deployment


@dataclass(frozen=True)
class File:
    """A file of a commit.

    Attributes:
        data: Its content.
        lfs: Whether it is stored with LFS, so that its SHA-256 identifies it.
    """

    data: bytes
    lfs: bool

    @property
    def blob(self) -> str:
        """Git's SHA-1 of the content."""
        return git_hash(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob


def is_large(path: str, data: bytes) -> bool:
    """Return whether a file is stored with LFS, in short: known extensions, binary or large."""
    return path.endswith((".safetensors", ".png")) or b"\0" in data[:512] or len(data) > 10_000_000


@dataclass(frozen=True)
class Commit:
    """A commit: its parent's id, its message, and all files by path."""

    parent: str | None
    message: str
    files: dict[str, File]


@dataclass
class Repo:
    """A model or dataset repository: commits by id, branches, tags and their messages by name."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str | None] = field(default_factory=dict)
    gated: bool = False

    def __post_init__(self) -> None:
        """Create the initial commit with `.gitattributes`, as the Hub does."""
        attributes = File(b"*.h5 filter=lfs diff=lfs merge=lfs -text\n", lfs=False)
        self.add(Commit(None, "initial commit", {".gitattributes": attributes}), "main")

    def resolve(self, revision: str) -> str | None:
        """Return the commit id of a branch, tag or full commit id; None if unknown."""
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return all files of a revision by path."""
        oid = self.resolve(revision)
        assert oid is not None, f"no revision {revision}"
        return {path: file.data for path, file in self.commits[oid].files.items()}

    def push(self, files: dict[str, bytes]) -> str:
        """Commit files to `main`, as someone else would, and return the commit id."""
        head = self.branches["main"]
        added = {path: File(data, is_large(path, data)) for path, data in files.items()}
        merged = self.commits[head].files | added
        return self.add(Commit(head, f"push {len(self.commits)}", merged), "main")

    def add(self, commit: Commit, branch: str) -> str:
        """Store a commit as the new head of a branch and return its id."""
        oid = secrets.token_hex(20)
        self.commits[oid] = commit
        self.branches[branch] = oid
        return oid


@dataclass
class Space(Repo):
    """A Space: a repository, and a platform that builds and runs each of its commits.

    Each request for the stage advances the platform by one, so that nothing depends on time.

    Attributes:
        sdk: SDK given at creation.
        hardware: Hardware requested at creation.
        private: Whether only its owner can see it.
        host: URL of the app; None is a route of the Hub that stands in for it.
        variables: The Space's variables.
        stages: Stages that the next requests return; the last one is repeated.
        outcome: Stages that follow a commit or a changed variable.
        logs: Pieces of the `build` and `run` logs.
        served: Commit of the running app; None if no app is running.
        started: Called with the Space when an app starts.
        alive: Returns whether the started app is still running.
        names_commit: Whether the platform reports the commit of a stage.
    """

    sdk: str = "gradio"
    hardware: str | None = None
    private: bool = False
    host: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    stages: list[str] = field(default_factory=lambda: ["NO_APP_FILE"])
    outcome: tuple[str, ...] = ("BUILDING", "APP_STARTING", "RUNNING")
    logs: dict[str, list[str]] = field(default_factory=lambda: {"build": [], "run": []})
    served: str | None = None
    started: Callable[["Space"], None] | None = None
    alive: Callable[[], bool] | None = None
    names_commit: bool = False

    def add(self, commit: Commit, branch: str) -> str:
        """Store a commit and build it; the next request still returns the old stage."""
        oid = super().add(commit, branch)
        if commit.parent:
            self.restart()
        return oid

    def restart(self) -> None:
        """Rebuild and restart the app."""
        self.stages = [self.stages[0], *self.outcome]

    def next_stage(self) -> str:
        """Return the stage and advance the platform."""
        stage = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        if stage == "RUNNING" and len(self.stages) == 1 and self.served != self.branches["main"]:
            self.served = self.branches["main"]
            if self.started:
                self.started(self)
        elif self.served and self.alive and not self.alive():
            return "RUNTIME_ERROR"
        return stage

    def app_says(self) -> dict[str, Any] | None:
        """Return the health that an app of the served commit would report; None without an app."""
        if self.served is None:
            return None
        files = self.files(self.served)
        files.pop(".gitattributes", None)
        note = json.loads(files.get(deployment.NOTE, b"{}"))
        return {
            "files": deployment.fingerprint(files),
            "ready": True,
            "model": "bundled",
            "model_repo": self.variables.get("MODEL_REPO", note.get("model_repo")),
            "problem": None,
        }
