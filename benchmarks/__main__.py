"""Compare the speed of this app with the usual demo: `python -m benchmarks`, or `make bench`.

Starts app.py as `make run` does, and a plain app of the usual construction
(benchmarks/baseline.py), and measures both on this machine:

  start        process start to the first page and to the first answer; memory then
  answers      one client: by /v1/draw, /v1/predict and gradio_client; processor time
  load         64 visitors drawing at once
  memory       memory after 300 different pictures
  pen          in Chromium: pen-up to changed bars, also with 100 ms of network delay

and only if named with --only

  environment  `make run` in a clean clone: time to the first page, size of the environment

Run it on an idle machine. Bytecode is compiled first, for both apps alike.
"""

import compileall
import datetime as dt
import json
import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks import answers, memory, pen, start, tables
from benchmarks.figures import Row, commit, machine
from benchmarks.serving import ROOT, usual_demo
from training import console

SECTIONS: Final[dict[str, Callable[..., list[Row]]]] = {
    "start": start.measure,
    "answers": answers.measure,
    "load": answers.measure_crowd,
    "memory": memory.measure,
    "pen": pen.measure,
    "environment": start.measure_clone,
}
USUAL: Final = list(SECTIONS)[:5]


def measure(names: Sequence[str], *, quick: bool) -> dict[str, Any]:
    """Run sections one by one; a section that fails is left out and does not stop the others.

    Returns:
        Results by section.
    """
    sections: dict[str, Any] = {}
    with usual_demo() as baseline:
        for name in names:
            began, busy = time.perf_counter(), os.getloadavg()[0]
            try:
                rows = SECTIONS[name](baseline, quick=quick)
            except Exception:  # noqa: BLE001 - whatever it is, the other sections still run
                traceback.print_exc()
                continue
            seconds = time.perf_counter() - began
            sys.stderr.write(f"{name}: {seconds:.0f} s\n")
            sections[name] = {
                "date": dt.datetime.now(dt.UTC).date().isoformat(),
                "commit": commit(ROOT),
                "load": round(busy, 2),
                "seconds": round(seconds, 1),
                "rows": [asdict(row) for row in rows],
            }
    return sections


def main() -> None:
    """Run the benchmarks, print the table and save it if requested."""
    parser = console.parser("benchmarks", __doc__)
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=USUAL, metavar="NAME",
        help="sections; default: the first five",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FILE",
        help=f"save results; docs/performance.md shows {tables.RESULTS.relative_to(ROOT)}",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="smoke test; results are meaningless")
    arguments = parser.parse_args()
    for folder in (sysconfig.get_path("purelib"), ROOT / "digits", ROOT / "benchmarks"):
        compileall.compile_dir(folder, quiet=2, workers=0)
    sections = measure(arguments.only, quick=arguments.quick)
    report = {"machine": machine(), "sections": sections}
    if sections:
        sys.stdout.write(tables.section(report) + "\n")
    if path := arguments.output:
        old = json.loads(path.read_text("utf-8")) if path.exists() else None
        content = tables.merged(old, report, list(SECTIONS))
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if missing := [name for name in arguments.only if name not in sections]:
        sys.exit(f"error: failed to measure {', '.join(missing)}, see above")


if __name__ == "__main__":
    main()
