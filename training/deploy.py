"""Deploy the app to a Space: commit its files, then wait until exactly these are served.

    python -m training.deploy --space OWNER/SPACE [--model-repo OWNER/NAME] [--create]

Only the app's own files are sent; any other file in the Space is deleted. The repository of the
weights is named in a file of the commit, and in the Space's variable MODEL_REPO if the token may
set it. Signs in like `training.publish`: as a trusted publisher of `spaces/OWNER/SPACE`
(`HF_OIDC_RESOURCE`), with `HF_TOKEN`, or with `hf auth login`. A second run sends nothing twice.
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
    """Result of a deployment: the commit that holds the files, and what was changed."""

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
    """Make a Space hold exactly these files, and set the repository of its weights.

    Args:
        api: Signed in with a write token.
        space: `owner/name`.
        files: Content by path.
        model_repo: `owner/name` of the weights; None leaves the variable unchanged.
        create: Whether to create the Space if it is missing.
        hardware: Hardware of a Space that is created; None for the Hub's default.

    Raises:
        UserError: If the Hub rejects a request. The commit is complete or absent.
    """
    make = partial(_create, api, space, hardware) if create else None
    info, _ = hub_client.look(api.space_info, space, make)
    commit = hub_client.newest(space, info)
    added = hub_client.changed(info, files)
    # The Hub itself maintains .gitattributes.
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
                f"the Hub creates {space} on this hardware for paying accounts only: a free "
                "account may have two Spaces with --hardware zero-a10g"
            ) from error
        if error.response.status_code == 401 and os.environ.get("HF_OIDC_RESOURCE"):
            raise UserError(
                f"a trusted publisher cannot create a Space: create {space} once by hand or with "
                "HF_TOKEN"
            ) from error
        raise


def _set_variable(api: HfApi, space: str, model_repo: str) -> bool:
    """Set the variable unless it has this value already; a change restarts the Space.

    If the token may not set variables, the app still reads the repository from the deployed files,
    unless the variable names another one; the wait for the app then reports that.
    """
    with one_line(space, before="the files were sent, but the variable was not set: "):
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
            print(f"{VARIABLE} is unchanged ({reason}): the deployed files name the repository")
            return False
    return True


def _arguments() -> argparse.Namespace:
    server, name = (os.environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY"))
    parser = console.parser(
        "training.deploy", "Deploy the app to a Hugging Face Space and wait until it serves."
    )
    parser.add_argument("--space", required=True, metavar="OWNER/SPACE")
    parser.add_argument(
        "--model-repo", metavar="OWNER/NAME", help="model repository; empty keeps the Space's"
    )
    parser.add_argument("--create", action="store_true", help="create the Space if missing")
    parser.add_argument(
        "--hardware", type=SpaceHardware, metavar="FLAVOR", help="zero-a10g for a free account"
    )
    parser.add_argument(
        "--source",
        default=f"{server}/{name}" if server and name else None,
        metavar="URL",
        help="GitHub repository that the card links to (default: the workflow's own)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=40.0,
        metavar="MINUTES",
        help="maximum wait until the app serves (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    """Deploy as the command line asks, and print what is served."""
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
    """Describe a deployment in one line."""
    if sent.added or sent.deleted:
        text = f"deployed: {space} at commit {sent.commit}, {sent.added} files sent"
        text += f", {sent.deleted} deleted" if sent.deleted else ""
    else:
        text = f"nothing new: {space} already has these files, commit {sent.commit}"
    return f"{text}; {VARIABLE} set" if sent.variable_changed else text


if __name__ == "__main__":
    console.run(main)
