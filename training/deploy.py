"""Bring the app to a Space: one commit with its files, then a wait until exactly these serve.

    python -m training.deploy --space OWNER/SPACE [--model-repo OWNER/NAME] [--create]

The Space gets what it needs and nothing else; what lies there besides is deleted. It is told which
repository its weights come from, in a file that travels with the commit, and in its variable
MODEL_REPO where the token may set one. Signs in as `training.publish` does: as a trusted publisher
of `spaces/OWNER/SPACE` (`HF_OIDC_RESOURCE`), with `HF_TOKEN`, or with `hf auth login`. Run again,
it sends nothing twice.
"""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceHardware
from huggingface_hub.errors import HfHubHTTPError

from digits import deployment, hub
from training import console
from training.console import UserError
from training.release import hub_client, space_files, space_status
from training.release.hub_client import one_line

VARIABLE = "MODEL_REPO"


@dataclass(frozen=True)
class Sent:
    """What reached the Space: the commit that holds the files, and what changed for it."""

    commit: str
    added: int
    deleted: int
    variable_changed: bool


def send(  # noqa: PLR0913 - the options of the command
    api: HfApi,
    space: str,
    files: Mapping[str, bytes],
    *,
    model_repo: str | None = None,
    create: bool = False,
    hardware: SpaceHardware | None = None,
) -> Sent:
    """Make the Space hold these files, by path, and know its weights' repository.

    Args:
        api: Signed in with a write token.
        space: `owner/name`.
        files: The bytes by path.
        model_repo: `owner/name` of the weights; None leaves the variable alone.
        create: Whether to make the Space if it is missing.
        hardware: Of a Space that is made; None is the Hub's own choice.

    Raises:
        UserError: If the Hub does not take it. The commit is whole or not there.
    """
    make = partial(_create, api, space, hardware) if create else None
    info, _ = hub_client.look(api.space_info, space, make)
    commit = hub_client.newest(space, info)
    added = hub_client.changed(info, files)
    # .gitattributes is the Hub's own note of what lies in its storage.
    held = {file.rfilename for file in info.siblings or []}
    deleted = sorted(held - files.keys() - {".gitattributes"})
    if added or deleted:
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(name, files[name]) for name in added),
            *(CommitOperationDelete(name) for name in deleted),
        ]
        message = f"Deploy {os.environ.get('GITHUB_SHA', '')[:7]}".rstrip()
        commit = hub_client.commit_once(
            api, space, operations, message=message, parent=commit, kind="space"
        )
    changed = _set_variable(api, space, model_repo) if model_repo else False
    return Sent(commit, len(added), len(deleted), changed)


def _create(api: HfApi, space: str, hardware: SpaceHardware | None) -> None:
    try:
        api.create_repo(space, repo_type="space", space_sdk="gradio", space_hardware=hardware)
    except HfHubHTTPError as error:
        if error.response.status_code == 402:
            raise UserError(
                f"the Hub makes {space} on this hardware for paying accounts only: a free account "
                "may have two Spaces with --hardware zero-a10g"
            ) from error
        if error.response.status_code == 401 and os.environ.get("HF_OIDC_RESOURCE"):
            raise UserError(
                f"a trusted publisher may not make a Space: make {space} once by hand or with "
                "HF_TOKEN"
            ) from error
        raise


def _set_variable(api: HfApi, space: str, model_repo: str) -> bool:
    """Set the variable if it has another value, which restarts the Space; say so if refused.

    The files name the repository too, so that a Space whose variables this token may not touch
    still follows it: unless a variable says something else, and then the app will tell.
    """
    with one_line(space, before="the files are sent, but the variable is not set: "):
        try:
            found = api.get_space_variables(space).get(VARIABLE)
            if found and found.value == model_repo:
                return False
            api.add_space_variable(
                space, VARIABLE, model_repo, description="Model repository of the weights"
            )
        except HfHubHTTPError as error:
            if error.response.status_code not in (401, 403):
                raise
            reason = hub.explain(error, space)
            print(f"the variable {VARIABLE} is left as it is ({reason}): the files name it")
            return False
    return True


def _arguments() -> argparse.Namespace:
    server, name = (os.environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY"))
    parser = console.parser(
        "training.deploy", "Bring the app to a Hugging Face Space and wait until it serves."
    )
    parser.add_argument("--space", required=True, metavar="OWNER/SPACE")
    parser.add_argument(
        "--model-repo",
        metavar="OWNER/NAME",
        help="repository of the weights; empty: the Space keeps its setting",
    )
    parser.add_argument("--create", action="store_true", help="make the Space if missing")
    parser.add_argument(
        "--hardware",
        type=SpaceHardware,
        metavar="FLAVOR",
        help="of a Space that is made: zero-a10g for a free account",
    )
    parser.add_argument(
        "--source",
        default=f"{server}/{name}" if server and name else None,
        metavar="URL",
        help="repository on GitHub that the card's links lead to (default: the workflow's own)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=40.0,
        metavar="MINUTES",
        help="longest wait until the app serves (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    """Deploy as the command line says and report what serves."""
    arguments = _arguments()
    space, model_repo = arguments.space, arguments.model_repo or None
    for repo in (space, model_repo):
        if repo:
            hub_client.check_repo(repo)
    files = space_files.collect(deployment.ROOT, space, model_repo, arguments.source)
    hub_client.limit_requests()
    api = HfApi(token=hub_client.sign_in())
    sent = send(
        api,
        space,
        files,
        model_repo=model_repo,
        create=arguments.create,
        hardware=arguments.hardware,
    )
    print(describe(sent, space), flush=True)
    with one_line(space):
        watch = space_status.Watch(
            api,
            space,
            sent.commit,
            deployment.fingerprint(files),
            model_repo,
            rebuilds=bool(sent.added or sent.deleted),
            restarts=sent.variable_changed,
        )
    print(f"{space} {watch.until_serving(60 * arguments.wait)}")


def describe(sent: Sent, space: str) -> str:
    """Say in one line what reached the Space."""
    if sent.added or sent.deleted:
        text = f"deployed: {space} at commit {sent.commit}, {sent.added} files sent"
        text += f", {sent.deleted} deleted" if sent.deleted else ""
    else:
        text = f"nothing new: {space} already has these files, commit {sent.commit}"
    return f"{text}; {VARIABLE} set" if sent.variable_changed else text


if __name__ == "__main__":
    console.run(main)
