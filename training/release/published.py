"""What a model repository currently holds.

    python -m training.release.published --repo OWNER/NAME

prints it in one line and exits with status 1 if nothing could be published there, so that this is
known before an hour of training. `HF_TOKEN` gives access to private repositories.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

from digits import hub, weights
from digits.service import describe
from digits.weights import Origin, Weights, WeightsError
from training import console
from training.console import UserError
from training.release.hub_client import REQUEST_SECONDS, check_repo, newest, one_line

MAX_RELEASES = 10
"""Maximum number of tags that a card lists."""


@dataclass(frozen=True)
class Tagged:
    """Another release in the repository: its tag, and the test results of its weights."""

    tag: str
    network: str
    errors: int
    count: int
    sha256: str


@dataclass(frozen=True)
class Published:
    """The newest commit of a repository.

    Attributes:
        repo: `owner/name`.
        commit: 40-hex; None if the repository does not exist or this sign-in cannot see it.
        weights: Its weights, checked as in the app; None if it holds no set of weights.
    """

    repo: str
    commit: str | None
    weights: Weights | None

    @property
    def line(self) -> str:
        """One-line summary."""
        if self.commit is None:
            return f"the Hub has no repository {self.repo} that this sign-in can see"
        if self.weights is None:
            return f"{self.repo} holds no weights yet, at commit {self.commit}"
        return describe(self.weights)


def find(repo: str, cache: Path) -> Published:
    """Look up what `owner/name` holds and download its newest commit to the cache folder.

    Raises:
        UserError: If the name is invalid, the Hub does not respond, or the published weights fail
            the app's checks: a gate that cannot compare must not pass.
    """
    check_repo(repo)
    with one_line(repo):
        try:
            info = HfApi().model_info(repo, timeout=REQUEST_SECONDS)
        except RepositoryNotFoundError:
            return Published(repo, None, None)
    commit = newest(repo, info)
    there = {sibling.rfilename for sibling in info.siblings or []}
    if not there.issuperset(weights.FILES):
        return Published(repo, commit, None)
    try:
        found = hub.fetch(repo, commit, cache=cache)
    except hub.HubError as error:
        raise UserError(f"the weights of {repo} could not be downloaded: {error}") from error
    except WeightsError as error:
        raise UserError(
            f"what {repo} holds at commit {commit} cannot be read by this version of the "
            f"project, so nothing can be compared with it: {error}"
        ) from error
    origin = Origin(repo, "main", commit)
    return Published(repo, commit, replace(found, origin=origin))


def releases(api: HfApi, repo: str, tags: Mapping[str, str], current: str) -> list[Tagged]:
    """List the releases behind a repository's tags, given with their commits.

    Tags of the current weights, by SHA-256, are left out: they do not exist yet on the first
    publication and would change the card on the second. So are tags without weights.

    Returns:
        The newest releases, in descending order of the numbers in their tags.
    """
    latest = sorted(tags, key=_numbers, reverse=True)[:MAX_RELEASES]
    with tempfile.TemporaryDirectory() as cache:
        read = [_read(api, repo, tag, tags[tag], cache) for tag in latest]
    return [one for one in read if one and one.sha256 != current]


def _read(api: HfApi, repo: str, tag: str, commit: str, cache: str) -> Tagged | None:
    try:
        texts = [
            Path(api.hf_hub_download(repo, name, revision=commit, cache_dir=cache)).read_bytes()
            for name in (weights.CONFIG_FILE, weights.METRICS_FILE)
        ]
        config, metrics = weights.parse_config(texts[0]), weights.parse_metrics(texts[1])
    except (EntryNotFoundError, WeightsError):
        return None
    test = metrics["mnist_test"]
    shown = re.sub(r"[^\w.+-]", "_", tag)  # it becomes Markdown
    return Tagged(shown, config.network, test["errors"], test["count"], config.sha256)


def _numbers(tag: str) -> list[tuple[int, str]]:
    """Sort key that orders v1.10.0 after v1.9.0: numbers as numbers, the rest as text."""
    parts = re.findall(r"\d+|\D+", tag)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def main() -> None:
    """Print what the repository holds."""
    parser = console.parser("training.release.published", "Print what a model repository holds.")
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME")
    repo = parser.parse_args().repo
    if not repo:
        raise UserError(
            "no model repository is named: set the variable MODEL_REPO to OWNER/NAME, see README.md"
        )
    with tempfile.TemporaryDirectory() as cache:
        found = find(repo, Path(cache))
    if found.commit is None:
        raise UserError(f"{found.line}: check the name, or make it on the Hub first")
    print(found.line)


if __name__ == "__main__":
    console.run(main)
