"""Bringing the app to a Space, until exactly these files serve; and every way that can fail."""

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import HfApi, constants

from digits import deployment, weights
from tests.conftest import ROOT
from tests.support import workflow_runner
from tests.support.hub import Failure, refused_url, wait_until
from tests.support.nightly import mostly_nightly
from tests.support.page_support import free_port
from tests.support.workflow_runner import IDENTITY, Runner
from training import deploy
from training.console import UserError
from training.release import hub_client, space_files, space_status

# The client sends files in a way that its own HTTP library is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

SPACE = "someone/reader"
MODEL = "someone/digits"
STEPS = {
    "the Space": f"/api/spaces/{SPACE}$",
    "card check": "/validate-yaml",
    "preupload": "/preupload/",
    "commit": "/commit/",
}


class Clock:
    """Time that passes only by resting."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def server(server, monkeypatch):
    """A Hub with a Space too, and a clock that nobody waits for."""
    monkeypatch.setattr(space_status, "time", Clock())
    server.create_space(SPACE)
    return server


@functools.cache
def _collected(source):
    return space_files.collect(ROOT, SPACE, MODEL, source)


def collected(source=None):
    return dict(_collected(source))


def send(server, files, token=None, **options):
    return deploy.send(HfApi(server.url, token=token or server.token), SPACE, files, **options)


def refusal(action, *args, **options):
    with pytest.raises(UserError) as caught:
        action(*args, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert "hf_" not in text
    return text


def held(server):
    """Return what the Space holds, without the Hub's own file."""
    files = server.spaces[SPACE].files()
    return {name: data for name, data in files.items() if name != ".gitattributes"}


def expected(server, files, **changes):
    usual = space_status.Expected(
        SPACE,
        server.spaces[SPACE].branches["main"],
        deployment.fingerprint(files),
        None,
        rebuilds=True,
        restarts=False,
    )
    return dataclasses.replace(usual, **changes)


def wait(server, files, *, seconds=600.0, token=None, **changes):
    api = HfApi(server.url, token=token or server.token)
    return space_status.Watch(api, expected(server, files, **changes)).until_serving(seconds)


def test_a_space_gets_what_it_needs_in_one_commit(server):
    before = server.spaces[SPACE].branches["main"]
    files = collected()
    sent = send(server, files)
    space = server.spaces[SPACE]
    assert space.commits[sent.commit].parent == before
    assert len(space.commits) == 2
    assert held(server) == files
    others = {name for name in files if not name.startswith("digits/")}
    assert others == set(deployment.FILES)
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]


def test_binary_files_lie_in_the_hubs_storage(server):
    send(server, collected())
    space = server.spaces[SPACE]
    stored = space.commits[space.branches["main"]].files["digits/bundled/model.safetensors"]
    assert stored.lfs


def test_deploying_again_sends_nothing(server):
    first = send(server, collected(), model_repo=MODEL)
    with server.unchanged():
        server.requests.clear()
        second = send(server, collected(), model_repo=MODEL)
    assert (second.commit, second.added, second.deleted) == (first.commit, 0, 0)
    assert not second.variable_changed
    assert not server.asked("^PUT|/commit/|preupload|POST .*variables")
    assert deploy.describe(second, SPACE).startswith("nothing new: ")


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(server):
    files = collected()
    send(server, files | {"digits/old.py": b"gone", "training/train.py": b"x"})
    sent = send(server, files | {"LICENSE": b"another"})
    assert (sent.added, sent.deleted) == (1, 2)
    assert held(server) == files | {"LICENSE": b"another"}
    assert ".gitattributes" in server.spaces[SPACE].files()


def test_what_somebody_else_committed_meanwhile_is_not_overwritten(server):
    def overtake():
        server.spaces[SPACE].push({"app.py": b"theirs"})

    server.fail(Failure(None, path="/commit/main", times=1, before=overtake))
    assert "newer commit from somebody else" in refusal(send, server, collected())
    assert held(server) == {"app.py": b"theirs"}


PAIRS = [(step, status) for step in STEPS for status in (401, 403, 404, 429, 500)]


@pytest.mark.parametrize(
    ("step", "status"),
    # Every step with one status, and one step with every status.
    mostly_nightly(PAIRS, *[pair for pair in PAIRS if "commit" in pair or 500 in pair]),
)
def test_refused_request_leaves_the_space_as_it_was(server, step, status):
    with server.unchanged():
        server.fail(Failure("status", path=STEPS[step], status=status))
        assert refusal(send, server, collected())


@pytest.mark.parametrize("step", mostly_nightly(STEPS, "commit"))
def test_hub_that_hangs_is_given_up(server, step, monkeypatch):
    monkeypatch.setattr(hub_client, "REQUEST_SECONDS", 1)
    hub_client.limit_requests(1)
    with server.unchanged():
        server.fail(Failure("hang", path=STEPS[step]))
        assert "does not answer in time" in refusal(send, server, collected())


def test_token_that_may_only_read_deploys_nothing(server):
    with server.unchanged():
        assert "does not allow" in refusal(send, server, collected(), server.reader_token)


def test_missing_space_is_made_on_request_only(server):
    del server.spaces[SPACE]
    assert "add --create" in refusal(send, server, collected())
    assert server.spaces == {}
    send(server, collected(), create=True, hardware="zero-a10g")
    space = server.spaces[SPACE]
    assert (space.sdk, space.hardware) == ("gradio", "zero-a10g")
    assert held(server) == collected()


def test_account_that_may_not_make_a_space_is_told_what_it_may(server):
    del server.spaces[SPACE]
    server.fail(Failure("status", path="/repos/create", status=402))
    assert "--hardware zero-a10g" in refusal(send, server, collected(), create=True)


def test_variable_names_the_weights_repository(server):
    sent = send(server, collected(), model_repo=MODEL)
    assert sent.variable_changed
    assert server.spaces[SPACE].variables == {"MODEL_REPO": MODEL}


def test_files_name_the_weights_repository_where_the_variable_is_refused(server, capsys):
    sent = send(server, collected(), server.publisher_token, model_repo=MODEL)
    assert not sent.variable_changed
    assert server.spaces[SPACE].variables == {}
    assert json.loads(held(server)[deployment.NOTE]) == {"model_repo": MODEL}
    assert "the files name it" in capsys.readouterr().out


def test_failed_variable_is_reported_with_what_is_there_already(server):
    server.fail(Failure("status", path="/variables", status=500))
    text = refusal(send, server, collected(), model_repo=MODEL)
    assert text.startswith("the files are sent, but the variable is not set")
    assert held(server) == collected()


def test_app_takes_the_repository_from_the_variable_before_the_note(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.delenv("MODEL_REPO", raising=False)
    assert deployment.model_repo(tmp_path) is None
    (tmp_path / deployment.NOTE).write_bytes(collected()[deployment.NOTE])
    assert deployment.model_repo(tmp_path) == MODEL
    monkeypatch.setenv("MODEL_REPO", "other/repo")
    assert deployment.model_repo(tmp_path) == "other/repo"
    monkeypatch.setenv("MODEL_REPO", "")
    assert deployment.model_repo(tmp_path) is None


@pytest.mark.parametrize("note", [b"", b"[]", b'{"model_repo": 3}', b'{"model_repo": ""}', b"\xff"])
def test_damaged_note_stands_for_the_bundled_weights(tmp_path, monkeypatch, note):
    monkeypatch.delenv("MODEL_REPO", raising=False)
    (tmp_path / "digits").mkdir()
    (tmp_path / deployment.NOTE).write_bytes(note)
    assert deployment.model_repo(tmp_path) is None


def test_fingerprint_is_that_of_sha256sums_listing(tmp_path):
    files = collected()
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    listed = subprocess.run(
        ["sha256sum", *sorted(files)], cwd=tmp_path, capture_output=True, check=True
    )
    summed = subprocess.run(["sha256sum"], input=listed.stdout, capture_output=True, check=True)
    assert summed.stdout.decode().split()[0] == deployment.fingerprint(files)
    # What starting the app leaves does not count; any other change does.
    (tmp_path / "digits" / "__pycache__").mkdir()
    (tmp_path / "digits" / "__pycache__" / "hub.cpython-312.pyc").write_bytes(b"x")
    assert deployment.fingerprint(deployment.read_files(tmp_path)) == summed.stdout.decode()[:64]
    (tmp_path / "requirements.txt").write_bytes(b"gradio\n")
    assert deployment.fingerprint(deployment.read_files(tmp_path)) != summed.stdout.decode()[:64]


def test_card_of_the_space_names_its_model_and_leads_nowhere_in_vain():
    source = "https://github.com/someone/digits"
    files = collected(source=source)
    card = files["README.md"].decode()
    metadata = yaml.safe_load(card.split("---\n")[1])
    before = yaml.safe_load((ROOT / "README.md").read_text("utf-8").split("---\n")[1])
    assert metadata == before | {"models": [MODEL]}
    inside = re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", card)
    assert [target for target in inside if target not in files] == []
    assert f"{source}/raw/HEAD/.github/screenshots/page.webp" in card
    assert "OWNER/SPACE" not in card
    assert "github.com/OWNER" not in card


def test_card_without_a_source_keeps_its_links():
    assert "](.github/screenshots/page.webp)" in collected()["README.md"].decode()


def test_waiting_ends_when_the_new_files_serve(server, capsys):
    files = collected()
    server.spaces[SPACE].served = server.spaces[SPACE].branches["main"]  # an old app answers
    send(server, files)
    said = wait(server, files, model_repo=MODEL)
    assert said.startswith(f"serves at {server.url}")
    shown = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["NO_APP_FILE", "BUILDING", "APP_STARTING", "RUNNING"]


def test_stage_of_the_build_before_is_not_taken_for_the_new_one(server):
    files = collected()
    server.spaces[SPACE].stages = ["BUILD_ERROR"]
    send(server, files)
    assert "serves at" in wait(server, files)
    again = files | {"LICENSE": b"another"}
    send(server, again)  # the platform still says RUNNING, and the old app still answers
    assert "serves at" in wait(server, again)
    space = server.spaces[SPACE]
    assert space.served == space.branches["main"]


@pytest.mark.parametrize(
    ("stage", "log", "words"),
    [
        ("BUILD_ERROR", "build", "could not be built"),
        ("CONFIG_ERROR", "build", "could not be built"),
        ("RUNTIME_ERROR", "run", "could not start"),
    ],
)
def test_failed_build_or_start_ends_with_the_end_of_its_log(server, capsys, stage, log, words):
    space = server.spaces[SPACE]
    space.outcome = ("BUILDING", stage)
    space.logs[log] = [f"line {number}\n" for number in range(100)] + ["\x1b[31mERROR: no\x1b[0m\n"]
    send(server, collected())
    assert words in refusal(wait, server, collected())
    printed = capsys.readouterr().out
    assert f"the last {space_status.LOG_LINES} lines of the {log} log" in printed
    assert "  | line 99\n  | ERROR: no\n" in printed
    assert "line 0\n" not in printed


def test_log_cannot_command_the_runner(server, capsys):
    space = server.spaces[SPACE]
    space.outcome = ("BUILDING", "BUILD_ERROR")
    space.logs["build"] = ["::add-mask::x\n##[set-output name=a]b\n\x1b]0;title\x07\n"]
    send(server, collected())
    refusal(wait, server, collected())
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if "::" in line or "##[" in line or "\x1b" in line]


def test_log_that_may_not_be_read_is_said_and_the_reason_of_the_end_too(server, capsys):
    server.spaces[SPACE].outcome = ("BUILDING", "BUILD_ERROR")
    send(server, collected())
    text = refusal(wait, server, collected(), token=server.publisher_token)
    assert "could not be built" in text
    assert "the build log cannot be read" in capsys.readouterr().out


def test_platform_that_names_the_commit_is_believed_at_once(server):
    space = server.spaces[SPACE]
    space.names_commit, space.outcome = True, ("CONFIG_ERROR",)
    send(server, collected())
    assert "could not be built" in refusal(wait, server, collected())


@pytest.mark.parametrize("stage", ["PAUSED", "STOPPED"])
def test_stopped_space_is_told_to_be_restarted(server, stage):
    space = server.spaces[SPACE]
    space.stages, space.outcome = [stage], (stage,)
    send(server, collected())
    text = refusal(wait, server, collected())
    assert f"is {stage.lower()}: restart it in its settings" in text


def test_time_that_runs_out_is_told_with_stage_and_answer(server, capsys):
    space = server.spaces[SPACE]
    space.served = space.branches["main"]
    space.outcome = ("BUILDING",)
    space.logs["build"] = ["Collecting tensorflow-cpu\n"]
    send(server, collected())
    text = refusal(wait, server, collected(), seconds=60)
    assert "does not serve commit" in text
    assert "its stage is BUILDING, its app answers with other files" in text
    assert "  | Collecting tensorflow-cpu" in capsys.readouterr().out


def test_app_that_does_not_answer_is_told(server):
    space = server.spaces[SPACE]
    send(server, collected())
    space.host = refused_url()
    assert "its app gives no answer" in refusal(wait, server, collected(), seconds=60)


def test_trusted_publisher_sees_the_stages_of_a_public_space(server, capsys):
    send(server, collected(), server.publisher_token)
    assert "serves at" in wait(server, collected(), token=server.publisher_token)
    assert "BUILDING" in capsys.readouterr().out


@pytest.mark.parametrize("failure", [Failure("status"), Failure("drop"), Failure("corrupt")])
def test_hub_that_stumbles_while_we_wait_is_asked_again(server, failure):
    send(server, collected())
    paths = {"path": "/runtime|/app/", "times": 5}
    server.fail(dataclasses.replace(failure, **paths))
    assert "serves at" in wait(server, collected())


def test_app_that_follows_another_repository_is_no_success(server):
    server.spaces[SPACE].variables["MODEL_REPO"] = "other/weights"
    send(server, collected(), server.publisher_token, model_repo=MODEL)
    text = refusal(wait, server, collected(), model_repo=MODEL)
    assert "takes its weights from other/weights instead of" in text
    assert "settings" in text


def test_private_space_counts_as_deployed_when_it_runs_anew(server):
    space = server.spaces[SPACE]
    space.private, space.stages = True, ["RUNNING"]
    send(server, collected())
    assert "its app was not asked" in wait(server, collected())
    assert space.served == space.branches["main"]
    assert not server.asked("/app/")


def test_command_ends_with_one_line_and_the_log_when_the_build_fails(server, command):
    space = server.spaces[SPACE]
    space.outcome = ("BUILDING", "BUILD_ERROR")
    space.logs["build"] = ["ERROR: No matching distribution\n"]
    status, printed = command(deploy, "--space", SPACE, "--model-repo", MODEL)
    assert re.fullmatch(r"error: someone/reader could not be built at commit \w{7} .*", status)
    assert printed.splitlines()[0] == "signing in with HF_TOKEN"
    assert printed.splitlines()[1].startswith("deployed: someone/reader at commit ")
    assert "  | ERROR: No matching distribution" in printed


@pytest.fixture
def github(server, tmp_path):
    """A repository with deploy.yml, its variables, and the machine that its job runs on."""
    resource = f"spaces/{SPACE}"
    server.publishers.add(resource)
    runner = server.runner(resource)
    return Runner(
        "deploy.yml",
        tmp_path / "runner",
        variables={"SPACE": SPACE, "MODEL_REPO": MODEL},
        machine={
            "HF_ENDPOINT": server.url,
            "HF_HUB_DISABLE_XET": "1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "someone/digits",
            "GITHUB_SHA": "0123456789" * 4,
        },
        identity={name: runner[name] for name in IDENTITY},
    )


def run_job(github):
    github.folder.mkdir(exist_ok=True)
    workflow = workflow_runner.load("deploy.yml")
    number = len(list(github.folder.iterdir()))
    contexts = github.contexts(workflow["jobs"]["deploy"], number, {}, "push")
    return github.run_job(workflow, "deploy", contexts)


@pytest.fixture
def platform(server, tmp_path):
    """Let the Space really run: from the files of its commit, with its variables alone."""
    processes = []
    port = free_port()
    log = tmp_path / "app.log"

    def start(space):
        folder = tmp_path / f"space-{len(processes)}"
        files = space.commits[space.served].files
        for name, file in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(file.data)
        usual = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        hub = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "app-home")}
        environment = usual | space.variables | hub | {"GRADIO_SERVER_PORT": str(port)}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        with log.open("ab") as written:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "app.py"],
                    cwd=folder,
                    env=environment,
                    stdout=written,
                    stderr=written,
                )
            )

    def alive():
        server.spaces[SPACE].logs["run"] = [log.read_text()]
        return processes[-1].poll() is None

    space = server.spaces[SPACE]
    space.host, space.started, space.alive = f"http://127.0.0.1:{port}", start, alive
    yield
    for process in processes:
        process.terminate()
        process.wait(30)


@pytest.mark.nightly
@pytest.mark.usefixtures("platform")
def test_commands_of_the_workflow_deploy_an_app_that_serves(server, github):
    bundled = {name: (weights.BUNDLED / name).read_bytes() for name in weights.FILES}
    server.push(MODEL, bundled)
    deployed = run_job(github)
    assert deployed.status == "success", deployed.log
    space = server.spaces[SPACE]
    assert len(space.commits) == 2
    assert space.commits[space.branches["main"]].message == "Deploy 0123456"
    assert f"signing in as the trusted publisher of spaces/{SPACE}" in deployed.log
    assert f"{SPACE} serves at {space.host}" in deployed.log
    assert "hf_" not in deployed.log
    # The publisher may not set the variable: the files have told the app where weights are.
    assert space.variables == {}
    ours = f"{MODEL}@{server.head(MODEL)[:7]}"
    wait_until(lambda: space_status.ask(space.host).model == ours, 120)
    # Once more, and nothing is sent; the app that runs is asked all the same.
    again = run_job(github)
    assert again.status == "success", again.log
    assert f"nothing new: {SPACE} already has these files" in again.log
    assert f"answering with {ours}" in again.log
    assert len(space.commits) == 2


def test_workflow_fails_loudly_where_the_app_does_not_start(server, github):
    space = server.spaces[SPACE]
    space.outcome = ("BUILDING", "RUNTIME_ERROR")
    space.logs["run"] = ["ModuleNotFoundError: No module named 'digits'\n"]
    github.variables["SIGN_IN"] = "token"
    github.secrets["HF_TOKEN"] = server.token
    failed = run_job(github)
    assert failed.status == "failure"
    assert "signing in with HF_TOKEN" in failed.log
    assert "  | ModuleNotFoundError: No module named 'digits'" in failed.log
    assert "error: someone/reader could not start" in failed.log
    assert server.token not in failed.log
    assert space.variables == {"MODEL_REPO": MODEL}


def test_without_a_space_nothing_is_deployed(github):
    github.variables["SPACE"] = ""
    contexts = github.contexts({}, 1, {}, "push") | {"github": {"ref": "refs/heads/main"}}
    condition = workflow_runner.load("deploy.yml")["jobs"]["deploy"]["if"]
    assert not workflow_runner.evaluate(condition, contexts)
    contexts["vars"] = {"SPACE": SPACE}
    assert workflow_runner.evaluate(condition, contexts)
    contexts["github"]["ref"] = "refs/heads/other"
    assert not workflow_runner.evaluate(condition, contexts)


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (["--model-repo", "digits"], {}, "OWNER/NAME"),
        ([], {"HF_TOKEN": ""}, "set HF_TOKEN"),
        ([], {"HF_TOKEN": "hf_wrong"}, "does not accept the token"),
        ([], {"HF_OIDC_RESOURCE": f"spaces/{SPACE}"}, "trusted publisher failed"),
    ],
)
def test_command_ends_with_one_line_and_status_1(server, command, options, environment, words):
    with server.unchanged():
        status, _ = command(deploy, "--space", SPACE, *options, **environment)
        assert status.startswith("error: ")
        assert "\n" not in status
        assert words in status


def test_hub_that_refuses_connections_is_told(command, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", refused_url())
    status, _ = command(deploy, "--space", SPACE)
    assert status.startswith("error: ")
    assert "cannot be reached" in status
