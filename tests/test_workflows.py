"""The workflows: their permissions, and their commands run in order."""

import dataclasses
import json
import re
import shutil

import pytest
import yaml

from digits import networks, weights
from tests.conftest import ROOT
from tests.support import workflow_runner
from tests.support.commands import done
from tests.support.finished_run import write_exports
from tests.support.hub import TOKEN, wait_until
from tests.support.page_support import start_app
from tests.support.requirements_files import REQUIREMENTS
from tests.support.training_support import write_handwritten_mnist
from tests.support.workflow_runner import WORKFLOWS
from training.release import gate_result

REPO = "someone/digits"
FILES = sorted(path.name for path in WORKFLOWS.iterdir())
ACTION = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs(name):
    """Return the jobs that have steps; the others call another workflow."""
    return {key: job for key, job in workflow_runner.load(name)["jobs"].items() if "steps" in job}


def steps(name):
    return [step for job in jobs(name).values() for step in job["steps"]]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_permitted_but_what_a_job_asks_for(name):
    assert workflow_runner.load(name)["permissions"] == {}
    allowed = {"contents": "read", "id-token": "write"}
    for job in jobs(name).values():
        assert job["timeout-minutes"] <= 180  # a training run takes no longer
        assert job["permissions"].items() <= allowed.items()
        # Access to a Hub token is controlled by an environment.
        assert ("id-token" in job["permissions"]) <= ("environment" in job)


def test_one_version_of_an_action_is_used_everywhere_and_named_beside_its_commit():
    texts = [(WORKFLOWS / name).read_text("utf-8") for name in FILES]
    used = {action for text in texts for action in re.findall(r"uses: (?!\$/)(.*)", text)}
    assert len(used) == len({action.split("@")[0] for action in used})
    # Dependabot needs the version to propose a newer one.
    assert [action for action in used if not ACTION.fullmatch(action)] == []


def test_every_job_installs_what_was_tested_by_its_hashes():
    """In particular jobs that hold a token: no unreviewed code runs in them."""
    commands = [step["run"] for name in FILES for step in steps(name) if "run" in step]
    one_line = re.compile(r"make [\w./-]+|\.venv/bin/python -m training\..+")
    assert [command for command in commands if not one_line.fullmatch(command)] == []
    targets = {command.removeprefix("make ") for command in commands if command.startswith("make ")}
    assert targets == {"test", "test-all", "sbom", "audit", ".venv/tests-installed"}
    assert "\ntest test-all: .venv/tests-installed" in (ROOT / "Makefile").read_text("utf-8")
    # Not the tests: even a dry run would run them, as they call make.
    installing = sorted(targets - {"test", "test-all"})
    listed = done("make", "--dry-run", "--always-make", *installing, cwd=ROOT)
    assert listed.returncode == 0, listed.stderr
    [install] = [line for line in listed.stdout.splitlines() if "pip install" in line]
    assert "--require-hashes --only-binary=:all: -r tests/requirements.lock" in install


def test_secrets_reach_only_the_steps_that_sign_in():
    for name in FILES:
        for job in jobs(name).values():
            assert "secrets." not in json.dumps(job.get("env", {}))
            for step in job["steps"]:
                if "secrets." in json.dumps(step):
                    assert "environment" in job
                    assert re.search(r"training\.(publish|deploy)", step["run"])


@pytest.mark.parametrize(
    ("name", "command"), [("ci.yml", "make test"), ("nightly.yml", "make test-all")]
)
def test_tests_have_no_secrets_and_run_what_a_person_runs(name, command):
    assert "secrets" not in (WORKFLOWS / name).read_text("utf-8")
    assert [step["run"] for step in steps(name) if "run" in step] == [command]


def test_every_push_on_main_and_every_pull_request_is_tested_once():
    assert set(workflow_runner.load("ci.yml")["on"]) == {"pull_request", "workflow_call"}
    deploy = workflow_runner.load("deploy.yml")
    assert deploy["on"]["push"] == {"branches": ["main"]}
    assert deploy["jobs"]["ci"]["uses"] == "$/.github/workflows/ci.yml"
    assert deploy["jobs"]["ci"]["permissions"] == {"contents": "read"}
    assert "secrets" not in deploy["jobs"]["ci"]
    assert deploy["jobs"]["deploy"]["needs"] == "ci"


def test_pythons_are_the_oldest_supported_and_the_spaces_own():
    _, card, _ = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    own = yaml.safe_load(card)["python_version"]
    tested = jobs("ci.yml")["test"]["strategy"]["matrix"]["python"]
    assert tested == ["3.11", own]
    other = [*steps("train.yml"), *steps("deploy.yml"), *steps("audit.yml")]
    others = [s["with"]["python-version"] for s in other if "setup-py" in str(s)]
    assert set(others) == {own}


def test_new_versions_are_proposed_for_all_that_is_pinned():
    watched = yaml.safe_load((WORKFLOWS.parent / "dependabot.yml").read_text("utf-8"))["updates"]
    places = {entry["package-ecosystem"]: entry for entry in watched}
    folders = [f"/{name.rpartition('/')[0]}" for name in REQUIREMENTS]
    assert places["pip"]["directories"] == folders
    locked = [ROOT / folder.lstrip("/") for folder in places["npm"]["directories"]]
    assert [folder.name for folder in locked] == ["tests", "browser"]
    assert all((folder / "package-lock.json").is_file() for folder in locked)
    assert "github-actions" in places


def test_the_button_offers_every_network():
    inputs = workflow_runner.load("train.yml")["on"]["workflow_dispatch"]["inputs"]
    assert inputs["network"]["options"] == list(networks.NETWORKS)
    assert inputs["network"]["default"] == networks.DEFAULT_NETWORK
    assert inputs["publish"]["default"] is False
    assert inputs["tag"]["default"] == ""


def test_expressions_are_computed_as_github_does():
    contexts = {"inputs": {"seed": 0, "publish": True}, "vars": {}}
    [seed] = [step["env"]["SEED"] for step in steps("train.yml") if step.get("name") == "Train"]
    for event, expected in {"schedule": "7", "workflow_dispatch": "0"}.items():
        contexts["github"] = {"run_number": 7, "event_name": event}
        assert workflow_runner.fill(seed, contexts) == expected
    assert workflow_runner.fill("${{ vars.X || 'a''b' }} ${{ inputs.publish }}", contexts) == (
        "a'b true"
    )
    with pytest.raises(NameError):
        workflow_runner.evaluate("hashFiles('x')", contexts)


@pytest.fixture
def server(hub):
    hub.create(REPO)
    return hub


@pytest.fixture
def github(server, tmp_path):
    return workflow_runner.fork(
        server, "train.yml", tmp_path, REPO, MODEL_REPO=REPO, GATE_PROFILE="trial"
    )


def take_digits(github, folder, **options):
    """Set the two variables that replace MNIST with other digits."""
    sha256 = write_handwritten_mnist(folder, **options)
    github.variables |= {"MNIST_DIR": str(folder), "MNIST_SHA256": sha256}


def assert_ended(outcomes, *statuses):
    """Check the statuses of the three jobs, in order."""
    assert [outcome.status for outcome in outcomes.values()] == list(statuses), outcomes


def publish(github, number=1):
    """Run only the last job, as "Re-run failed jobs" does."""
    return github.run_job("publish", number, {"publish": True})


def serves(running, commit):
    status = running.server_function("read_status", [])
    return status["model"] == f"{REPO}@{commit[:7]}"


BUTTON = {"network": "fnn", "epochs": "1", "publish": True}


def test_weights_live_from_the_button_to_the_repository(server, github, tmp_path):
    take_digits(github, tmp_path / "few", count=400)
    outcomes = github.run(1, BUTTON | {"publish": False})
    assert_ended(outcomes, "success", "success", "skipped")
    for heading in ("wrong)", "How it learned", "What it confuses", "What it misreads"):
        assert heading in outcomes["train"].summary
    assert "holds no weights yet" in outcomes["gate"].log
    assert "Gate: passed" in outcomes["gate"].summary

    run = github.artifact("run")
    write_exports(run)  # exporting takes longest
    done = publish(github)
    assert done.status == "success", done.log
    published = server.head(REPO)
    assert server.repos[REPO].tags == {"train-1": published}
    assert len(server.repos[REPO].commits) == 2
    for name in weights.FILES:
        assert server.files(REPO)[name] == (run / name).read_bytes()
    assert f"signing in as the trusted publisher of {REPO}" in done.log
    assert f"files of {REPO} at commit {published}: they are what was sent" in done.log


@pytest.mark.nightly
def test_weights_live_from_the_button_to_the_running_app(server, github, tmp_path):
    take_digits(github, tmp_path / "few", count=400)
    first = github.run(1, BUTTON)
    assert_ended(first, "success", "success", "success")
    assert TOKEN not in "".join(outcome.log for outcome in first.values())
    published = server.head(REPO)
    repo = server.repos[REPO]
    assert repo.tags == {"train-1": published}
    settings = {"HF_ENDPOINT": server.url, "MODEL_REPO": REPO, "MODEL_POLL_SECONDS": "10"}
    running = start_app(tmp_path, settings)
    wait_until(lambda: serves(running, published), 120)

    take_digits(github, tmp_path / "no-threes", without=3)
    worse = github.run(2, BUTTON)
    assert_ended(worse, "success", "failure", "skipped")
    [line] = [line for line in worse["gate"].log.splitlines() if line.startswith("error: ")]
    assert "the gate failed: MNIST test digits misread: " in line
    assert "more than the published weights, chance explains" in line
    assert "Gate: failed" in worse["gate"].summary
    assert server.head(REPO) == published
    assert repo.tags == {"train-1": published}
    assert serves(running, published)

    take_digits(github, tmp_path / "many")
    better = github.run(3, BUTTON | {"epochs": "2", "seed": 1})
    assert_ended(better, "success", "success", "success")
    newest = server.head(REPO)
    assert repo.commits[newest].parent == published
    assert repo.tags == {"train-1": published, "train-3": newest}
    wait_until(lambda: serves(running, newest), 120)


@pytest.fixture
def gated(github, server):
    """The artifacts of a run that passed the gate: the bundled weights, on the first commit."""
    shutil.copytree(weights.BUNDLED, github.artifact("run"))
    hashes = gate_result.hashes(github.artifact("run"))
    passed = gate_result.GateResult(REPO, server.head(REPO), hashes, "served", {})
    github.artifact("gate").mkdir()
    text = json.dumps(dataclasses.asdict(passed))
    (github.artifact("gate") / gate_result.GATE_FILE).write_text(text)
    return github


def error(outcome):
    assert outcome.status == "failure"
    [line] = [line for line in outcome.log.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.nightly
def test_files_that_changed_after_the_gate_are_not_published(gated, server):
    (gated.artifact("run") / "metrics.json").write_text("{}")
    with server.unchanged():
        assert "holds other files than the gate passed" in error(publish(gated))


@pytest.mark.nightly
def test_token_is_taken_only_where_that_is_configured(gated, server, tmp_path):
    take_digits(gated, tmp_path / "digits")
    server.publishers.clear()
    gated.secrets["HF_TOKEN"] = TOKEN
    with server.unchanged():
        assert "signing in as a trusted publisher failed: " in error(publish(gated))
    gated.variables["SIGN_IN"] = "token"
    done = publish(gated, 2)
    assert done.status == "success", done.log
    assert "signing in with HF_TOKEN" in done.log
    assert TOKEN not in done.log
    assert server.repos[REPO].tags == {"train-2": server.head(REPO)}


def test_missing_repository_is_told_before_anything_is_trained(github):
    github.variables["MODEL_REPO"] = "someone/typo"
    outcomes = github.run(1, {"publish": True})
    assert_ended(outcomes, "failure", "skipped", "skipped")
    assert "check the name, or make it on the Hub first" in error(outcomes["train"])
    assert "training.train" not in outcomes["train"].log
