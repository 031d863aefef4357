"""README and docs match the code, and their snippets run as they are."""

import json
import re
import sys
from importlib.util import find_spec

from digits.networks import DEFAULT_NETWORK, NETWORKS
from digits.pictures import FORMATS, MAX_FILE_BYTES, MAX_PIXELS
from digits.weights import BUNDLED
from tests.conftest import ROOT
from tests.support import pen
from tests.support.commands import done
from training.evaluation import report

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path: path.read_text("utf-8") for path in PAGES}
README = TEXTS[ROOT / "README.md"]
EVERYTHING = "\n".join(TEXTS.values())
LOCAL_ADDRESS = "http://127.0.0.1:7860"


def run_snippet(language, interpreter, app, folder):
    """Run a snippet in a folder with a picture of a seven; return its output."""
    pen.save(folder / "seven.png", pen.sheet(7))
    blocks = re.findall(rf"```{language}\n(.*?)```", EVERYTHING, re.DOTALL)
    [block] = [block for block in blocks if LOCAL_ADDRESS in block]
    code = block.replace(LOCAL_ADDRESS, app.url)
    ended = done(*interpreter, code, cwd=folder, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_python_snippet_reads_a_seven(app, tmp_path):
    last_line = run_snippet("python", [sys.executable, "-c"], app, tmp_path).splitlines()[-1]
    assert last_line.startswith("7 [")


def test_the_curl_snippet_reads_a_seven(app, tmp_path):
    printed = run_snippet("bash", ["bash", "-euc"], app, tmp_path)
    answer = json.loads(printed)
    assert answer["digit"] == 7
    row = EVERYTHING.split("| `/predict` |")[1].split("\n")[0]
    assert set(answer) == set(re.findall(r"`(\w+)`", row))


def test_every_link_into_the_repository_leads_somewhere():
    # "../../actions/" links to the repository on GitHub, in a fork to the fork.
    for path, text in TEXTS.items():
        targets = re.findall(r"\]\((?!https?://|#|(?:\.\./)+actions/)([^)]+)\)", text)
        assert [target for target in targets if not (path.parent / target).exists()] == []
    assert len(re.findall(r"\]\(docs/\w+\.md\)", README)) >= len(PAGES) - 1


def test_the_commands_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rules = re.findall(r"^([\w -]+):(?!=)", makefile, re.MULTILINE)
    named = set(re.findall(r"(?:    |`|=True )make ([\w-]+)", EVERYTHING))
    assert {"run", "test", "train"} <= named
    assert named <= {name for rule in rules for name in rule.split()}
    modules = set(
        re.findall(r"python -m\s+((?:training|benchmarks|tests|digits)[.\w]*)", EVERYTHING)
    )
    assert {"digits", "training.train", "training.browser"} <= modules
    assert [module for module in modules if not find_spec(module)] == []


def test_all_networks_are_named():
    retrain = README.split("## Retrain it")[1].split("## Publish")[0]
    assert set(re.findall(r"`([\w-]+)`", retrain)) >= NETWORKS.keys() - {DEFAULT_NETWORK}


def test_the_limits_are_those_of_the_code():
    limits = re.sub(r"\s+", " ", README.split("## Limits")[1])
    assert f"up to {MAX_FILE_BYTES // 10**6} MB and {MAX_PIXELS // 10**6} million pixels" in limits
    assert [name for name in FORMATS if name not in limits.upper()] == []


def test_the_tables_are_those_that_were_measured():
    for path, text in report.documents(ROOT).items():
        assert text == TEXTS[path], path.name


def test_the_readme_is_read_to_its_end():
    assert 100 <= len(README.splitlines()) <= 150


def test_the_measured_weights_are_the_bundled_ones():
    results = json.loads((ROOT / "training" / "results.json").read_text("utf-8"))
    served = [row for row in results["rows"] if row["name"] == "served"]
    bundled = json.loads((BUNDLED / "config.json").read_text("utf-8"))["sha256"]
    assert [row["weights"] for row in served] == [[bundled], [bundled]]
