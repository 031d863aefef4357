"""What a Hub costs at the start, and how soon new weights answer: `python -m benchmarks.startup`.

Starts app.py in turn with no model repository, and with one on a Hub on the loopback that is up,
refuses connections, or accepts them and never answers. Every round compares each with the start
without a Hub in the same round, as a machine is not equally fast all the time. Then new weights are
pushed while an app runs, and the seconds are counted until it answers with them.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.calls import Caller, picture
from benchmarks.serving import OURS, BenchmarkError, Server, started
from digits import weights
from tests.hub import Failure, Hub, refused_url, running_hub

REPO: Final = "someone/digits"
NO_HUB: Final = "no model repository"
HEALTH_PATH: Final = "/gradio_api/run/health"
TAKE_UP_SECONDS: Final = 300.0

Times = tuple[float, float]
"""Seconds from the start of the process to the first page, and to the first answer."""


def environments(hub: Hub, home: str) -> dict[str, dict[str, str]]:
    """Return the variables that each kind of start gets, by its name.

    Args:
        hub: A Hub with the repository `REPO`.
        home: An empty folder for the client's cache: nothing is cached on a cold start.
    """
    usual = {"MODEL_REPO": REPO, "HF_HOME": home}
    return {
        NO_HUB: {"HF_HOME": home},
        "Hub up": usual | {"HF_ENDPOINT": hub.url},
        "Hub refuses connections": usual | {"HF_ENDPOINT": refused_url()},
        "Hub hangs": usual | {"HF_ENDPOINT": hub.url},
    }


def one_start(extra: Mapping[str, str]) -> Times:
    """Start the app once and read a digit."""
    with started(OURS, extra) as server:
        page = time.perf_counter() - server.started
        Caller(server).upload_and_predict(picture(7))
        return page, time.perf_counter() - server.started


def starts(rounds: int) -> dict[str, list[Times]]:
    """Start in every way, several times in turn."""
    with tempfile.TemporaryDirectory() as home:
        one_start({"HF_HOME": home})  # compiles bytecode and fills the system's cache, uncounted
    taken: dict[str, list[Times]] = {}
    for _ in range(rounds):
        for name in environments(Hub(), ""):
            with hub_with_weights() as hub, tempfile.TemporaryDirectory() as home:
                if name == "Hub hangs":
                    hub.fail(Failure("hang"))
                taken.setdefault(name, []).append(one_start(environments(hub, home)[name]))
    return taken


@contextmanager
def hub_with_weights() -> Iterator[Hub]:
    """Run a Hub that holds the bundled weights."""
    with running_hub() as hub:
        hub.create(REPO)
        hub.push(REPO, bundled())
        yield hub


def bundled(**config: object) -> dict[str, bytes]:
    """Return the files of the bundled weights, with some keys of `config.json` changed."""
    files = {name: (weights.BUNDLED / name).read_bytes() for name in weights.FILES}
    changed = json.loads(files[weights.CONFIG_FILE]) | config
    return files | {weights.CONFIG_FILE: json.dumps(changed).encode()}


def take_up_seconds() -> float:
    """Seconds from a push to the answer with the new weights, with the usual pause of polling.

    Raises:
        BenchmarkError: If the app does not take them up.
    """
    with hub_with_weights() as hub, tempfile.TemporaryDirectory() as home:
        extra = environments(hub, home)["Hub up"]
        with started(OURS, extra) as server:
            _wait_for(server, hub.head(REPO))
            pushed = time.perf_counter()
            _wait_for(server, hub.push(REPO, bundled(temperature=1.5)))
            return time.perf_counter() - pushed


def _wait_for(server: Server, commit: str) -> None:
    caller, begin = Caller(server), time.perf_counter()
    while time.perf_counter() - begin < TAKE_UP_SECONDS:
        said: dict[str, Any] = caller.post(HEALTH_PATH, {"data": []})["data"][0]
        if said["model"] == f"{REPO}@{commit[:7]}":
            return
        time.sleep(0.05)
    raise BenchmarkError(f"the app did not take up {commit[:7]} in {TAKE_UP_SECONDS:.0f} s")


def report(taken: Mapping[str, list[Times]], take_up: float) -> str:
    """Lay the figures out: medians, and medians of the ratios of each round."""
    lines = [f"{'median of ' + str(len(taken[NO_HUB])) + ' starts':28}{'page, s':>9}{'ratio':>8}"]
    lines[0] += f"{'answer, s':>11}{'ratio':>8}"
    for name, times in taken.items():
        cells = f"{name:28}"
        for which, width in ((0, 9), (1, 11)):
            seconds = [one[which] for one in times]
            ratios = [
                one[which] / base[which] for one, base in zip(times, taken[NO_HUB], strict=True)
            ]
            cells += f"{statistics.median(seconds):{width}.2f}{statistics.median(ratios):8.2f}"
        lines.append(cells)
    return "\n".join([*lines, f"seconds from a push to the answer with it: {take_up:.1f}"])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.startup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="starts of each kind (default: 5)")
    rounds = parser.parse_args().rounds
    print(report(starts(rounds), take_up_seconds()))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    main()
