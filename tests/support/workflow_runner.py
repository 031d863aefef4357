"""Run the jobs of a workflow locally, as GitHub's runner would, with the commands from the file.

Every job gets a clean copy of the tree and its own environment; artifacts are passed between jobs.
Actions are emulated: checkout, setup-python, upload-artifact and download-artifact. Only jobs with
`id-token: write` can get an identity token, and only those with an `environment` have secrets.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.conftest import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
IDENTITY = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
STAMPS = ("app-installed", "training-installed", "tests-installed")

_TOKEN = re.compile(r"'(?:[^']|'')*'|[a-z_]+(?:\.[\w-]+)+|\|\||&&|!(?!=)")
_OPERATORS = {"||": " or ", "&&": " and ", "!": " not "}


def load(name):
    """Read a workflow; YAML 1.1 parses the key `on` as true."""
    workflow = yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))
    workflow["on"] = workflow.pop(True)
    return workflow


def evaluate(expression, contexts, *, failed=False):
    """Evaluate a GitHub expression; only what the workflows here use is supported."""

    def python(token):
        text = token[0]
        if text.startswith("'"):
            return repr(text[1:-1].replace("''", "'"))
        if text in _OPERATORS:
            return _OPERATORS[text]
        context, *keys = text.split(".")
        value = contexts[context]
        for key in keys:
            value = value.get(key) if value else None
        return repr("" if value is None else value)

    known = {"true": True, "false": False, "always": lambda: True}
    known |= {"success": lambda: not failed, "failure": lambda: failed, "__builtins__": {}}
    return eval(_TOKEN.sub(python, expression).strip(), known)  # noqa: S307 - of our own workflows


def fill(text, contexts):
    """Replace every `${{ }}` of a text by its value."""

    def value(match):
        found = evaluate(match[1], contexts)
        return str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", value, str(text))


@dataclass
class Outcome:
    """Outcome of a job: `success`, `failure` or `skipped`, with log and summary."""

    status: str
    log: str = ""
    summary: str = ""


@dataclass
class Runner:
    """A GitHub repository with its settings, and the machine that its jobs run on.

    Attributes:
        workflow: File name in `.github/workflows`.
        folder: Folder for workspaces and artifacts.
        variables: Variables of the repository.
        secrets: Secrets of the deployment environment.
        machine: Environment variables of every step.
        identity: Environment variables of jobs with `id-token: write`.
    """

    workflow: str
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)

    def run(self, number, inputs):
        """Run all jobs in the order of the file; return their outcomes by name."""
        workflow = load(self.workflow)
        inputs = {
            name: inputs.get(name, asked.get("default"))
            for name, asked in workflow["on"]["workflow_dispatch"]["inputs"].items()
        }
        outcomes = {}
        for name, job in workflow["jobs"].items():
            wanted = evaluate(job.get("if", "true"), self.contexts(job, number, inputs))
            if wanted and ("needs" not in job or outcomes[job["needs"]].status == "success"):
                outcomes[name] = self.run_job(name, number, inputs)
            else:
                outcomes[name] = Outcome("skipped")
        return outcomes

    def run_job(self, name, number=1, inputs=None, event="workflow_dispatch", **more):
        """Run one job, whatever it needs; `more` are further contexts, such as its `matrix`."""
        workflow = load(self.workflow)
        job = workflow["jobs"][name]
        contexts = self.contexts(job, number, inputs or {}, event) | more
        workspace = self.folder / f"{number}-{name}"
        workspace.mkdir()
        summary = workspace.with_suffix(".md")
        summary.touch()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_RUN_NUMBER": str(number),
            **self.machine,
            **(self.identity if job["permissions"].get("id-token") == "write" else {}),
        }
        for part in (workflow, job):
            environment |= _filled(part.get("env", {}), contexts)
        contexts["env"] = environment
        log = ""
        failed = False
        for step in job["steps"]:
            if not evaluate(step.get("if", "success()"), contexts, failed=failed):
                continue
            own = environment | _filled(step.get("env", {}), contexts)
            if "uses" in step:
                self._play(step, workspace, _filled(step.get("with", {}), contexts))
            else:
                done = subprocess.run(
                    [*SHELL, step["run"]],
                    cwd=workspace,
                    env=own,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=600,
                    check=False,
                )
                log += f"$ {step['run']}\n{done.stdout.decode()}"
                failed = failed or done.returncode != 0
        return Outcome("failure" if failed else "success", log, summary.read_text("utf-8"))

    def artifact(self, name):
        return self.folder / "artifacts" / name

    def contexts(self, job, number, inputs, event="workflow_dispatch"):
        return {
            "inputs": inputs,
            "vars": self.variables,
            "secrets": self.secrets if "environment" in job else {},
            "github": {"run_number": number, "event_name": event},
            "env": {},
        }

    def _play(self, step, workspace, options):
        action = step["uses"].split("@")[0]
        if action == "actions/checkout":
            copy_tree(workspace)
        elif action == "actions/setup-python":
            link_python(workspace)
        elif action == "actions/upload-artifact":
            source, target = workspace / options["path"], self.artifact(options["name"])
            assert source.exists(), f"{options['path']} is missing"
            shutil.rmtree(target, ignore_errors=True)
            if source.is_file():
                target.mkdir(parents=True)
                shutil.copy(source, target)
            else:
                shutil.copytree(source, target)
        elif action == "actions/download-artifact":
            target = workspace / options["path"]
            if "pattern" in options:
                for source in self.artifact("").glob(options["pattern"]):
                    shutil.copytree(source, target / source.name)
            else:
                shutil.copytree(self.artifact(options["name"]), target, dirs_exist_ok=True)
        else:
            raise AssertionError(f"unsupported action: {action}")


def fork(server, workflow, folder, resource, **variables):
    """Return a fork with these variables, whose jobs may publish to a resource of the Hub."""
    server.publishers.add(resource)
    runner = server.runner(resource)
    machine = {"HF_ENDPOINT": server.url, "GITHUB_ACTIONS": runner["GITHUB_ACTIONS"]}
    machine |= dict.fromkeys(("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"), "1")
    identity = {name: runner[name] for name in IDENTITY}
    return Runner(workflow, folder, variables, machine=machine, identity=identity)


def _filled(values, contexts):
    return {key: fill(value, contexts) for key, value in values.items()}


def copy_tree(target):
    """Copy the working tree without ignored files; untracked files are included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def link_python(workspace):
    """Create a `.venv` in a copy of the tree, with everything installed for these tests."""
    folder = workspace / ".venv"
    folder.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name not in STAMPS:
            (folder / entry.name).symlink_to(entry)
    # Newer than the requirements, as after installing; test_space compares the versions.
    for stamp in STAMPS:
        (folder / stamp).touch()
