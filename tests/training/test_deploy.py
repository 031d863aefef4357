"""Deploying the app to a Space until exactly these files are served, and every failure of it."""

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from huggingface_hub import HfApi

from digits import deployment, weights
from tests.conftest import ROOT
from tests.support import workflow_runner
from tests.support.commands import done
from tests.support.hub import PUBLISHER_TOKEN, READER_TOKEN, TOKEN, Failure, refused_url, wait_until
from tests.support.page_support import free_port
from tests.training.conftest import refusal
from training import deploy
from training.release import space_files, space_status

# The client uses an upload API that its HTTP library has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

SPACE = "someone/reader"
MODEL = "someone/digits"


@pytest.fixture(autouse=True)
def space(server, monkeypatch):
    """A Space on the Hub, and a clock that advances only by sleeping."""
    slept = [0.0]
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(space_status, "time", clock)
    return server.create_space(SPACE)


@functools.cache
def collected(source=None):
    return space_files.collect(ROOT, SPACE, MODEL, source)


def send(server, files, token=None, **options):
    return deploy.send(HfApi(server.url, token=token or server.token), SPACE, files, **options)


def held(space):
    """Return the files of the Space, without the Hub's own .gitattributes."""
    return {name: data for name, data in space.files().items() if name != ".gitattributes"}


def write_files(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def wait(server, files, *, seconds=600.0, token=None, model_repo=None):
    api = HfApi(server.url, token=token or server.token)
    place = SPACE, server.spaces[SPACE].branches["main"], deployment.fingerprint(files)
    watch = space_status.Watch(api, *place, model_repo, rebuilds=True, restarts=False)
    return watch.until_serving(seconds)


def test_a_space_gets_what_it_needs_in_one_commit(server, space):
    before = space.branches["main"]
    files = collected()
    sent = send(server, files)
    commit = space.commits[sent.commit]
    assert commit.parent == before
    assert commit.files["digits/bundled/model.safetensors"].lfs
    assert len(space.commits) == 2
    assert held(space) == files
    others = {name for name in files if not name.startswith("digits/")}
    assert others == set(deployment.FILES)
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]


def test_a_variable_names_the_weights_and_deploying_again_sends_nothing(server, space):
    first = send(server, collected(), model_repo=MODEL)
    assert first.variable_changed
    assert space.variables == {"MODEL_REPO": MODEL}
    with server.unchanged():
        server.requests.clear()
        second = send(server, collected(), model_repo=MODEL)
    assert (second.commit, second.added, second.deleted) == (first.commit, 0, 0)
    assert not second.variable_changed
    assert not server.asked("^PUT|/commit/|preupload|POST .*variables")
    assert deploy.describe(second, SPACE).startswith("nothing new: ")


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(server, space):
    files = collected()
    send(server, files | {"digits/old.py": b"gone", "training/train.py": b"x"})
    sent = send(server, files | {"LICENSE": b"another"})
    assert (sent.added, sent.deleted) == (1, 2)
    assert held(space) == files | {"LICENSE": b"another"}
    assert ".gitattributes" in space.files()


def test_what_somebody_else_committed_meanwhile_is_not_overwritten(server, space):
    def overtake():
        space.push({"app.py": b"theirs"})

    server.fail(Failure(None, path="/commit/main", times=1, before=overtake))
    assert "newer commit from somebody else" in refusal(send, server, collected())
    assert held(space) == {"app.py": b"theirs"}


@pytest.mark.parametrize(
    "step", [f"/api/spaces/{SPACE}$", "/validate-yaml", "/preupload/", "/commit/"]
)
def test_refused_request_leaves_the_space_as_it_was(server, step):
    with server.unchanged():
        server.fail(Failure("status", path=step, status=500))
        assert refusal(send, server, collected())


def test_missing_space_is_made_on_request_only(server):
    server.spaces.clear()
    assert "add --create" in refusal(send, server, collected())
    assert server.spaces == {}
    send(server, collected(), create=True, hardware="zero-a10g")
    space = server.spaces[SPACE]
    assert (space.sdk, space.hardware) == ("gradio", "zero-a10g")
    assert held(space) == collected()


def test_account_that_may_not_create_a_space_gets_advice(server):
    server.spaces.clear()
    server.fail(Failure("status", path="/repos/create", status=402))
    assert "--hardware zero-a10g" in refusal(send, server, collected(), create=True)


def test_files_name_the_weights_repository_where_the_variable_is_refused(server, space, capsys):
    sent = send(server, collected(), PUBLISHER_TOKEN, model_repo=MODEL)
    assert not sent.variable_changed
    assert space.variables == {}
    assert json.loads(held(space)[deployment.NOTE]) == {"model_repo": MODEL}
    assert "the deployed files name the repository" in capsys.readouterr().out


def test_failed_variable_is_reported_with_what_is_there_already(server, space):
    server.fail(Failure("status", path="/variables", status=500))
    text = refusal(send, server, collected(), model_repo=MODEL)
    assert text.startswith("the files were sent, but the variable was not set")
    assert held(space) == collected()


def test_app_takes_the_repository_from_the_variable_before_an_intact_note(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    assert deployment.model_repo(tmp_path) is None
    for damaged in (b"", b"[]", b'{"model_repo": 3}', b'{"model_repo": ""}', b"\xff"):
        (tmp_path / deployment.NOTE).write_bytes(damaged)
        assert deployment.model_repo(tmp_path) is None, damaged
    (tmp_path / deployment.NOTE).write_bytes(collected()[deployment.NOTE])
    assert deployment.model_repo(tmp_path) == MODEL
    monkeypatch.setenv("MODEL_REPO", "other/repo")
    assert deployment.model_repo(tmp_path) == "other/repo"
    monkeypatch.setenv("MODEL_REPO", "")
    assert deployment.model_repo(tmp_path) is None


def test_fingerprint_is_that_of_sha256sums_listing(tmp_path):
    files = collected()
    write_files(tmp_path, files)
    listed = done("sha256sum", *sorted(files), cwd=tmp_path).stdout
    summed = done("sha256sum", input=listed).stdout.split()[0]
    assert summed == deployment.fingerprint(files)
    # Bytecode caches are ignored; any other change counts.
    (tmp_path / "digits" / "__pycache__").mkdir()
    (tmp_path / "digits" / "__pycache__" / "hub.cpython-312.pyc").write_bytes(b"x")
    assert deployment.fingerprint(deployment.read_files(tmp_path)) == summed
    (tmp_path / "requirements.txt").write_bytes(b"gradio\n")
    assert deployment.fingerprint(deployment.read_files(tmp_path)) != summed


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
    # Without a source it keeps its links.
    assert "](.github/screenshots/page.webp)" in collected()["README.md"].decode()


@pytest.mark.parametrize("token", [TOKEN, PUBLISHER_TOKEN])
def test_waiting_ends_when_the_new_files_serve(server, space, capsys, token):
    files = collected()
    space.served = space.branches["main"]  # an old app answers
    send(server, files, token)
    said = wait(server, files, token=token, model_repo=MODEL)
    assert said.startswith(f"serves at {server.url}")
    shown = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["NO_APP_FILE", "BUILDING", "APP_STARTING", "RUNNING"]


def test_stage_of_the_previous_build_is_not_mistaken_for_the_new_one(server, space):
    files = collected()
    space.stages = ["BUILD_ERROR"]
    send(server, files)
    assert "serves at" in wait(server, files)
    again = files | {"LICENSE": b"another"}
    send(server, again)  # the platform still says RUNNING, and the old app still answers
    assert "serves at" in wait(server, again)
    assert space.served == space.branches["main"]


@pytest.mark.parametrize(
    ("stage", "log", "words"),
    [
        ("BUILD_ERROR", "build", "could not be built"),
        ("CONFIG_ERROR", "build", "could not be built"),
        ("RUNTIME_ERROR", "run", "could not start"),
    ],
)
def test_failed_build_or_start_ends_with_the_end_of_its_log_which_cannot_command_the_runner(
    server, capsys, stage, log, words
):
    space = server.spaces[SPACE]
    space.outcome = ("BUILDING", stage)
    commands = "::add-mask::x\n##[set-output name=a]b\n\x1b]0;title\x07\n"
    space.logs[log] = ["line 0\n", *[commands] * 20, "line 99\n", "\x1b[31mERROR: no\x1b[0m\n"]
    send(server, collected())
    assert words in refusal(wait, server, collected())
    printed = capsys.readouterr().out
    assert f"the last {space_status.LOG_LINES} lines of the {log} log" in printed
    assert "  | line 99\n  | ERROR: no\n" in printed
    assert "line 0\n" not in printed
    assert not re.search(r"::|##\[|\x1b", printed)


def test_log_that_may_not_be_read_is_said_and_the_reason_of_the_end_too(server, space, capsys):
    space.outcome = ("BUILDING", "BUILD_ERROR")
    send(server, collected())
    text = refusal(wait, server, collected(), token=PUBLISHER_TOKEN)
    assert "could not be built" in text
    assert "the build log cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        # The stage is trusted at once if the platform names the commit.
        ({"names_commit": True, "outcome": ("CONFIG_ERROR",)}, "could not be built"),
        ({"stages": ["PAUSED"], "outcome": ("PAUSED",)}, "is paused: restart it in its settings"),
        (
            {"stages": ["STOPPED"], "outcome": ("STOPPED",)},
            "is stopped: restart it in its settings",
        ),
        ({"host": refused_url()}, "its app gives no answer"),
    ],
)
def test_space_that_will_not_serve_is_reported(server, space, settings, words):
    vars(space).update(settings)
    send(server, collected())
    assert words in refusal(wait, server, collected(), seconds=180)


def test_timeout_is_reported_with_stage_and_answer(server, space, capsys):
    space.served = space.branches["main"]
    space.outcome = ("BUILDING",)
    space.logs["build"] = ["Collecting tensorflow-cpu\n"]
    send(server, collected())
    text = refusal(wait, server, collected(), seconds=60)
    assert "does not serve commit" in text
    assert "its stage is BUILDING, its app answers with other files" in text
    assert "  | Collecting tensorflow-cpu" in capsys.readouterr().out


@pytest.mark.parametrize("failure", [Failure("status"), Failure("drop"), Failure("corrupt")])
def test_hub_that_stumbles_while_we_wait_is_asked_again(server, failure):
    send(server, collected())
    paths = {"path": "/runtime|/app/", "times": 5}
    server.fail(dataclasses.replace(failure, **paths))
    assert "serves at" in wait(server, collected())


def test_app_that_follows_another_repository_is_no_success(server, space):
    space.variables["MODEL_REPO"] = "other/weights"
    send(server, collected(), PUBLISHER_TOKEN, model_repo=MODEL)
    text = refusal(wait, server, collected(), model_repo=MODEL)
    assert "takes its weights from other/weights instead of" in text
    assert "settings" in text


def test_private_space_counts_as_deployed_when_it_runs_again(server, space):
    space.private, space.stages = True, ["RUNNING"]
    send(server, collected())
    assert "its app was not asked" in wait(server, collected())
    assert space.served == space.branches["main"]
    assert not server.asked("/app/")


@pytest.fixture
def github(server, tmp_path):
    (tmp_path / "runner").mkdir()
    resource, variables = f"spaces/{SPACE}", {"SPACE": SPACE, "MODEL_REPO": MODEL}
    made = workflow_runner.fork(server, "deploy.yml", tmp_path / "runner", resource, **variables)
    made.machine["GITHUB_SERVER_URL"] = "https://github.com"
    made.machine["GITHUB_REPOSITORY"] = "someone/digits"
    made.machine["GITHUB_SHA"] = "0123456789" * 4
    return made


@pytest.fixture
def platform(server, space, tmp_path):
    """Run the Space as a real process: from its commit's files, with only its own variables."""
    processes = []
    port = free_port()
    log = tmp_path / "app.log"

    def start(space):
        folder = tmp_path / f"space-{len(processes)}"
        write_files(folder, space.files(space.served))
        usual = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        hub = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "app-home")}
        environment = usual | space.variables | hub | {"GRADIO_SERVER_PORT": str(port)}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        app = [sys.executable, "app.py"]
        with log.open("ab") as out:
            process = subprocess.Popen(app, cwd=folder, env=environment, stdout=out, stderr=out)
        processes.append(process)

    def alive():
        space.logs["run"] = [log.read_text()]
        return processes[-1].poll() is None

    space.host, space.started, space.alive = f"http://127.0.0.1:{port}", start, alive
    yield
    for process in processes:
        process.terminate()
        process.wait(30)


@pytest.mark.nightly
@pytest.mark.usefixtures("platform")
def test_commands_of_the_workflow_deploy_an_app_that_serves(server, space, github):
    bundled = {name: (weights.BUNDLED / name).read_bytes() for name in weights.FILES}
    server.push(MODEL, bundled)
    deployed = github.run_job("deploy", event="push")
    assert deployed.status == "success", deployed.log
    assert len(space.commits) == 2
    assert space.commits[space.branches["main"]].message == "Deploy 0123456"
    assert f"signing in as the trusted publisher of spaces/{SPACE}" in deployed.log
    assert f"{SPACE} serves at {space.host}" in deployed.log
    assert "hf_" not in deployed.log
    # The publisher may not set the variable; the app reads the repository from a file.
    assert space.variables == {}
    ours = f"{MODEL}@{server.head(MODEL)[:7]}"
    wait_until(lambda: space_status.ask(space.host).get("model") == ours, 120)
    # The second run sends nothing, but still asks the running app.
    again = github.run_job("deploy", 2, event="push")
    assert again.status == "success", again.log
    assert f"nothing new: {SPACE} already has these files" in again.log
    assert f"answering with {ours}" in again.log
    assert len(space.commits) == 2


def test_workflow_fails_loudly_where_the_app_does_not_start(server, space, github):
    space.outcome = ("BUILDING", "RUNTIME_ERROR")
    space.logs["run"] = ["ModuleNotFoundError: No module named 'digits'\n"]
    github.variables["SIGN_IN"] = "token"
    github.secrets["HF_TOKEN"] = server.token
    failed = github.run_job("deploy", event="push")
    assert failed.status == "failure"
    assert re.search(r"\nsigning in with HF_TOKEN\n(.*\n)*deployed: someone/reader at ", failed.log)
    assert "\n  | ModuleNotFoundError: No module named 'digits'\n" in failed.log
    assert re.search(r"\nerror: someone/reader could not start at commit \w{7} .*\n$", failed.log)
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
        ([], {"HF_TOKEN": READER_TOKEN}, "does not allow"),
        ([], {"HF_OIDC_RESOURCE": f"spaces/{SPACE}"}, "trusted publisher failed"),
    ],
)
def test_command_ends_with_one_line_and_status_1(server, command, options, environment, words):
    with server.unchanged():
        status, _ = command(deploy, "--space", SPACE, *options, **environment)
        assert words in status
