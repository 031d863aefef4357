"""Publish a run's weights: one commit on the Hub with all files, then a tag on that commit.

    python -m training.publish RUN_FOLDER --repo OWNER/NAME [--tag v1.0.0] [--create] [--gated]

needs a write token: `HF_TOKEN`, `hf auth login`, or a trusted publisher in CI (`HF_OIDC_RESOURCE`).
After a failure, run it again: nothing is sent twice.
"""

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from digits import weights
from digits.weights import Weights
from training import console
from training.console import UserError
from training.data.mnist import load_mnist
from training.export import exports
from training.export.endpoint import endpoint_files
from training.release import gate_result, hub_client, model_card, published
from training.release.hub_client import one_line
from training.run_folder import load_run

CARD_FILE = "README.md"
CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
OPTIONAL_FILES = ("recipe.json", "history.csv", "model.h5", *model_card.PICTURES)


@dataclass(frozen=True)
class Release:
    """Result of a publication.

    Attributes:
        commit: 40-hex commit on the Hub that holds the run's files.
        is_new: Whether this publication created the commit.
        tag: The requested tag, if any.
        tag_is_new: Whether this publication set the tag.
    """

    commit: str
    is_new: bool
    tag: str | None
    tag_is_new: bool


def verified(run: Path) -> Weights:
    """Load the run with the app's own checks and self-test.

    Raises:
        UserError: If the app would reject these weights.
    """
    found = load_run(run, f"{run} cannot be published", self_test=True).weights
    if missing := model_card.FACTS - found.metrics.keys():
        raise UserError(
            f"{run}/{weights.METRICS_FILE} lacks {', '.join(sorted(missing))}, which the card "
            "shows: publish a run folder of training.train"
        )
    return found


def publish(  # noqa: PLR0913 - the options of the command
    api: HfApi,
    run: Path,
    repo: str,
    *,
    tag: str | None = None,
    create: bool = False,
    parent: str | None = None,
    data: Path | None = None,
) -> Release:
    """Publish a run to the Hub in one commit, read it back, and tag it.

    Args:
        api: Signed in with a write token.
        run: The run folder.
        repo: `owner/name` of the model repository.
        tag: Name of the release; a tag of another commit is never moved.
        create: Whether to create the repository if it is missing.
        parent: Commit that must still be the newest, such as the one a gate compared with; "" if
            the gate found no repository; None accepts any. Published files may always be tagged.
        data: MNIST's four IDX files, for the export to 8 bits; see `load_mnist`.

    Raises:
        UserError: If the run cannot be published, or the Hub rejects a request. Before the commit,
            nothing has changed there; after it, the message says what is missing.
    """
    check_names(repo, tag)
    files = read_run(run)
    make = partial(api.create_repo, repo, exist_ok=True) if create else None
    info, is_created = hub_client.look(api.model_info, repo, make)
    head = hub_client.newest(repo, info)
    tags = _tags(api, repo)
    tagged = tags.get(tag) if tag else None

    def changes() -> list[str]:
        """Return the changed files; raise if the newest commit or the tag rules out a change."""
        changed = hub_client.changed(info, files)
        if changed and parent not in (None, head) and not is_created:
            raise UserError(hub_client.moved(repo))
        if tagged and (changed or tagged != head):
            raise UserError(
                f"the tag {tag} of {repo} already points to commit {tagged[:7]} with other "
                "files: choose another tag; nothing was published"
            )
        return changed

    found = verified(run)
    # Fail before the exports, which take minutes.
    changes()
    with one_line(repo):
        releases = published.releases(api, repo, tags, found.config.sha256)
    notes = ensure_exports(api, repo, head, run, found, data=data)
    exported = (name for kind in notes["formats"].values() for name in kind["files"])
    for name in (exports.EXPORTS_FILE, *exported):
        files[f"{exports.FOLDER}/{name}"] = (run / exports.FOLDER / name).read_bytes()
    files |= endpoint_files()
    card = model_card.write_card(
        repo,
        found,
        files,
        gate=model_card.gate_numbers(run),
        releases=releases,
        exports=exports.cells(notes),
    )
    files[CARD_FILE] = card.encode()
    changed = changes()
    commit = _commit(api, repo, head, files) if changed else head
    if changed:
        read_back(api, repo, commit, files)
    if tag and not tagged:
        _tag(api, repo, commit, tag)
    return Release(commit, bool(changed), tag, bool(tag and not tagged))


def check_names(repo: str, tag: str | None) -> None:
    """Reject names that the Hub would reject, before anything is sent.

    Raises:
        UserError: If the repository is not `owner/name`, or the tag is not a valid name.
    """
    hub_client.check_repo(repo)
    if tag is None:
        return
    # A tag that looks like a branch or a commit would hide the real one.
    if not re.fullmatch(r"(?!(main|[0-9a-f]{7,40})$)[A-Za-z0-9][A-Za-z0-9._-]*", tag):
        raise UserError(f"{tag!r} cannot be a tag: use letters, digits, dots and hyphens: v1.0.0")


def read_run(run: Path) -> dict[str, bytes]:
    """Read all files of a run that are published, except the card.

    Raises:
        UserError: If the folder is not a finished run.
    """
    missing = [name for name in weights.FILES if not (run / name).is_file()]
    if missing:
        raise UserError(
            f"{run} is not a finished run: it lacks {', '.join(missing)}; create one with "
            "python -m training.train"
        )
    present = [name for name in OPTIONAL_FILES if (run / name).is_file()]
    return {name: (run / name).read_bytes() for name in (*weights.FILES, *present)}


def ensure_exports(  # noqa: PLR0913 - where exports may come from
    api: HfApi, repo: str, head: str, run: Path, found: Weights, *, data: Path | None = None
) -> exports.Notes:
    """Make sure that the run folder holds its weights in every format, and return the notes.

    Some formats contain the time of writing. Exports of the same weights are therefore reused from
    the run folder, or from the repository's newest commit `head`, so that publishing again changes
    nothing.

    Raises:
        UserError: If the download fails, or there is no MNIST to calibrate 8 bits with.
    """
    folder = run / exports.FOLDER
    if notes := exports.complete(folder, found):
        return notes
    with tempfile.TemporaryDirectory() as cache, one_line(repo, head):
        pattern = f"{exports.FOLDER}/*"
        snapshot = api.snapshot_download(
            repo, revision=head, allow_patterns=pattern, cache_dir=cache
        )
        published_folder = Path(snapshot, exports.FOLDER)
        if notes := exports.complete(published_folder, found):
            shutil.copytree(published_folder, folder, dirs_exist_ok=True)
            return notes
    print("exporting to other formats and comparing them with the app (a minute or two)")
    mnist = load_mnist(data)
    exports.export(found, folder, exports.FORMATS, lambda: exports.calibration_images(mnist))
    return exports.checked(found, folder, mnist)


def read_back(api: HfApi, repo: str, commit: str, files: Mapping[str, bytes]) -> None:
    """Download a commit into an empty cache and compare every file with what was sent.

    Raises:
        UserError: If a file cannot be downloaded or differs.
    """
    with (
        tempfile.TemporaryDirectory() as cache,
        one_line(repo, commit, f"published as {commit}, "),
    ):
        for name, sent in files.items():
            path = api.hf_hub_download(repo, name, revision=commit, cache_dir=cache)
            expected, received = map(hub_client.sha256, (sent, Path(path).read_bytes()))
            if expected != received:
                raise UserError(
                    f"published as {commit}, but {name} came back with SHA-256 {received} instead "
                    f"of {expected}: do not use this commit, publish again"
                )
    print(f"downloaded {len(files)} files of {repo} at commit {commit}: they are what was sent")


def _tags(api: HfApi, repo: str) -> dict[str, str]:
    with one_line(repo):
        return {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).tags}


def _commit(api: HfApi, repo: str, head: str, files: Mapping[str, bytes]) -> str:
    operations = [CommitOperationAdd(name, data) for name, data in files.items()]
    test = json.loads(files[weights.METRICS_FILE])["mnist_test"]
    message = f"Publish weights: {test['errors']} of {test['count']} test digits wrong"
    return hub_client.commit_once(api, repo, operations, message=message, parent=head)


def release_notes(tag: str) -> str | None:
    """Return the section `## 1.0.0 - 2026-11-29` of CHANGELOG.md for the tag `v1.0.0`."""
    _, *entry = re.split(r"^## (\S+).*\n", CHANGELOG.read_text("utf-8"), flags=re.MULTILINE)
    notes = dict(zip(entry[::2], entry[1::2], strict=True)).get(tag.removeprefix("v"))
    return notes and notes.strip()


def _tag(api: HfApi, repo: str, commit: str, tag: str) -> None:
    with one_line(
        repo,
        commit,
        before=f"commit {commit} is published, but the tag {tag} is not set: ",
        after="; run the same command again, nothing is sent twice",
    ):
        try:
            api.create_tag(repo, tag=tag, tag_message=release_notes(tag), revision=commit)
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
            if _tags(api, repo).get(tag) != commit:
                raise UserError(
                    f"commit {commit} is published, but somebody else has just set the tag {tag}: "
                    "run the same command with another tag"
                ) from error


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("training.publish", "Publish a run's weights on the Hugging Face Hub.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME")
    parser.add_argument("--tag", help="name of the release, v1.0.0 for example")
    parser.add_argument("--create", action="store_true", help="create the repository if missing")
    parser.add_argument(
        "--gated",
        action="store_true",
        help="publish only if training.gate passed, onto the commit that it compared with",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="MNIST's four IDX files, for 8-bit exports"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Publish as the command line asks, and print the result."""
    arguments = _arguments(words)
    check_names(arguments.repo, arguments.tag)
    read_run(arguments.run)
    parent = None
    if arguments.gated:
        parent = gate_result.read(arguments.run, arguments.repo).parent or ""
    hub_client.limit_requests()
    release = publish(
        HfApi(token=hub_client.sign_in()),
        arguments.run,
        arguments.repo,
        tag=arguments.tag,
        create=arguments.create,
        parent=parent,
        data=arguments.data,
    )
    print(describe(release, arguments.repo))


def describe(release: Release, repo: str) -> str:
    """Describe a publication in one line."""
    text = (
        f"published: {repo} at commit {release.commit}"
        if release.is_new
        else f"nothing new: {repo} already has these files, commit {release.commit}"
    )
    if release.tag:
        text += f"; {'tagged' if release.tag_is_new else 'already tagged'} {release.tag}"
    return text


if __name__ == "__main__":
    console.run(main)
