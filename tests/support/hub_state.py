"""What the Hub on loopback holds: files, commits, repositories, and Spaces with their platform."""

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
    """One file of a commit.

    Attributes:
        data: Its bytes.
        lfs: Whether it is stored as a large file, so that its identity is the SHA-256.
    """

    data: bytes
    lfs: bool

    @property
    def blob(self) -> str:
        """Git's SHA-1 of the bytes."""
        return git_hash(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob


def is_large(path: str, data: bytes) -> bool:
    """The Hub's rule in short: known binary endings, binary content or many bytes."""
    return path.endswith((".safetensors", ".png")) or b"\0" in data[:512] or len(data) > 10_000_000


@dataclass(frozen=True)
class Commit:
    """One commit: its parent's id, its message, and every file by path."""

    parent: str | None
    message: str
    files: dict[str, File]


@dataclass
class Repo:
    """A repository of weights or data: commits by id, branches, tags and their messages by name."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str | None] = field(default_factory=dict)
    gated: bool = False

    def __post_init__(self) -> None:
        """Begin as the Hub does: with one commit that holds `.gitattributes`."""
        attributes = File(b"*.h5 filter=lfs diff=lfs merge=lfs -text\n", lfs=False)
        self.add(Commit(None, "initial commit", {".gitattributes": attributes}), "main")

    def resolve(self, revision: str) -> str | None:
        """Return the commit id of a branch, a tag or a full commit id; None if there is none."""
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return every file of a revision by path."""
        oid = self.resolve(revision)
        assert oid is not None, f"no revision {revision}"
        return {path: file.data for path, file in self.commits[oid].files.items()}

    def push(self, files: dict[str, bytes]) -> str:
        """Commit files to `main`, as another person would, and return the commit's id."""
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

    Each question for the stage lets the platform go on by one, so that nothing depends on time.

    Attributes:
        sdk: As it was made.
        hardware: As it was asked for when it was made.
        private: Whether only its owner sees it.
        host: Where the app is reached; None is a page of the Hub's own that answers as the app.
        variables: The owner's settings.
        stages: What the coming questions for the stage are answered with; the last one for ever.
        outcome: The stages that follow a commit or a changed variable.
        logs: Pieces of text of the `build` and of the `run` log.
        served: The commit that the app runs from; None where no app runs.
        started: Called when an app starts, with the Space.
        alive: Asks whether the started app still runs.
        names_commit: Whether the platform says which commit a stage belongs to.
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
        """Store a commit and build it, after one more look at the old stage."""
        oid = super().add(commit, branch)
        if commit.parent:
            self.restart()
        return oid

    def restart(self) -> None:
        """Build and start again."""
        self.stages = [self.stages[0], *self.outcome]

    def next_stage(self) -> str:
        """Let the platform go on and return the stage."""
        stage = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        if stage == "RUNNING" and len(self.stages) == 1 and self.served != self.branches["main"]:
            self.served = self.branches["main"]
            if self.started:
                self.started(self)
        elif self.served and self.alive and not self.alive():
            return "RUNTIME_ERROR"
        return stage

    def app_says(self) -> dict[str, Any] | None:
        """Answer as the app would that runs from the served commit."""
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
