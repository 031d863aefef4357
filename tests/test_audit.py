"""The audit workflow, run with a local vulnerability service instead of osv.dev.

The service implements the only request that pip-audit makes: a package and its version.
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
    """Returns the vulnerabilities in `known` for a package; records queries in `asked`."""

    asked: dict[str, str]
    known: dict[str, list[dict]]
    url: str

    def log_message(self, *args):
        """Log nothing."""

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
    """The running service."""
    Service.asked, Service.known = {}, {}
    with serving(Service) as address:
        Service.url = f"{address}/v1/query"
        yield Service


def audit(service, folder):
    """Run the job; return its outcome and its artifact."""
    runner = Runner("audit.yml", folder, machine={"PIP_AUDIT_OSV_URL": service.url})
    outcome = runner.run_job("audit", event="schedule")
    return outcome, json.loads((runner.artifact("sbom") / "sbom.cdx.json").read_text("utf-8"))


@pytest.mark.nightly
def test_every_package_of_the_lock_is_asked_about_and_listed(service, tmp_path):
    outcome, sbom = audit(service, tmp_path)
    assert outcome.status == "success", outcome.log
    assert "No known vulnerabilities found" in outcome.log
    assert service.asked == LOCKED

    assert sbom["bomFormat"] == "CycloneDX"
    listed = {canonicalize_name(part["name"]): part["version"] for part in sbom["components"]}
    assert listed == LOCKED
    assert not sbom.get("vulnerabilities")


def test_a_known_vulnerability_fails_the_job_and_is_named(service, tmp_path):
    affected = {"package": {"name": "pillow", "ecosystem": "PyPI"}, "ranges": []}
    service.known["pillow"] = [{"id": "PYSEC-0000-1", "summary": "reads", "affected": [affected]}]
    outcome, sbom = audit(service, tmp_path)
    assert outcome.status == "failure"
    assert service.asked == LOCKED
    assert [found["id"] for found in sbom["vulnerabilities"]] == ["PYSEC-0000-1"]
    assert "PYSEC-0000-1" in outcome.log
    assert f"pillow {importlib.metadata.version('pillow')}" in " ".join(outcome.log.split())
