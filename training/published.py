"""What a model repository holds now.

    python -m training.published --repo OWNER/NAME

says it in a line, and ends with status 1 where nothing could be published: before half an hour of
training is spent, for example. It reads what anybody may read; `HF_TOKEN` opens private
repositories.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from digits import hub, weights
from digits.service import describe
from digits.weights import Origin, Weights, WeightsError
from training import console
from training.console import UserError
from training.hub_client import REQUEST_SECONDS, check_repo, newest, one_line


@dataclass(frozen=True)
class Published:
    """The newest commit of a repository.

    Attributes:
        repo: `owner/name`.
        commit: 40-hex; None if the repository does not exist, or only for those who may see it.
        weights: What it holds, checked as the app does; None if it holds no set of weights.
    """

    repo: str
    commit: str | None
    weights: Weights | None

    @property
    def line(self) -> str:
        """What it is, in a line."""
        if self.commit is None:
            return f"the Hub has no repository {self.repo} that can be seen with this sign-in"
        if self.weights is None:
            return f"{self.repo} holds no weights yet, at commit {self.commit}"
        return describe(self.weights)


def find(repo: str, cache: Path) -> Published:
    """Look up what is published, and bring it here at exactly the commit that is the newest one.

    Args:
        repo: `owner/name`.
        cache: Folder that the files go to.

    Raises:
        UserError: If the name is none, the Hub does not answer, or what is published fails the
            checks of the app: a gate that cannot compare must not open.
    """
    check_repo(repo)
    with one_line(repo):
        try:
            info = HfApi().model_info(repo, timeout=REQUEST_SECONDS)
        except RepositoryNotFoundError:
            return Published(repo, None, None)
    commit = newest(repo, info.sha)
    there = {sibling.rfilename for sibling in info.siblings or []}
    if not there.issuperset(weights.FILES):
        return Published(repo, commit, None)
    try:
        found = hub.fetch(repo, commit, cache=cache)
    except hub.HubError as error:
        raise UserError(f"what {repo} holds could not be downloaded: {error}") from error
    except WeightsError as error:
        raise UserError(
            f"what {repo} holds at commit {commit} cannot be read by this version of the "
            f"project, so nothing can be compared with it: {error}"
        ) from error
    origin = Origin(repo, "main", commit)
    return Published(repo, commit, replace(found, origin=origin))


def main() -> None:
    """Say what is published as the command line asks."""
    parser = argparse.ArgumentParser(
        prog="python -m training.published", description="Say what a model repository holds now."
    )
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
