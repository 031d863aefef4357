"""The workflow that audits: its own commands, with a service of known vulnerabilities on loopback.

It speaks the one request of osv.dev that pip-audit makes: a package and its version, answered with
what is known.
"""

import http.server
import importlib.metadata
import json

import pytest
from packaging.utils import canonicalize_name

from tests.support.page_support import serving
from tests.support.requirements_files import locked_here
from tests.support.workflow_runner import Runner

LOCKED = locked_here()


class Service(http.server.BaseHTTPRequestHandler):
    """Answers what `known` holds for a package, and notes what was asked."""

    asked: dict[str, str]
    known: dict[str, list[dict]]

    def log_message(self, *args):
        """Stay silent: `asked` is the log."""

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = question["package"]["name"]
        self.asked[name] = question["version"]
        answer = json.dumps({"vulns": self.known[name]} if name in self.known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def service():
    """What is known, what was asked, and where."""
    handler = type("Handler", (Service,), {"asked": {}, "known": {}})
    with serving(handler) as address:
        handler.url = f"{address}/v1/query"
        yield handler


@pytest.fixture
def audit(service, tmp_path):
    """Run the job; return what became of it and its artifact."""

    def run():
        runner = Runner("audit.yml", tmp_path, machine={"PIP_AUDIT_OSV_URL": service.url})
        outcome = runner.run_job("audit", event="schedule")
        return outcome, json.loads((runner.artifact("sbom") / "sbom.cdx.json").read_text("utf-8"))

    return run


@pytest.mark.nightly
def test_every_package_of_the_lock_is_asked_about_and_listed(service, audit):
    outcome, sbom = audit()
    assert outcome.status == "success", outcome.log
    assert "No known vulnerabilities found" in outcome.log
    assert service.asked == LOCKED

    assert sbom["bomFormat"] == "CycloneDX"
    assert {
        canonicalize_name(part["name"]): part["version"] for part in sbom["components"]
    } == LOCKED
    assert not sbom.get("vulnerabilities")


def test_a_known_vulnerability_fails_the_job_and_is_named(service, audit):
    affected = {"package": {"name": "pillow", "ecosystem": "PyPI"}, "ranges": []}
    service.known["pillow"] = [{"id": "PYSEC-0000-1", "summary": "reads", "affected": [affected]}]
    outcome, sbom = audit()
    assert outcome.status == "failure"
    assert service.asked == LOCKED
    assert [found["id"] for found in sbom["vulnerabilities"]] == ["PYSEC-0000-1"]
    assert "PYSEC-0000-1" in outcome.log
    assert f"pillow {importlib.metadata.version('pillow')}" in " ".join(outcome.log.split())
