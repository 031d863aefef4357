"""Count the correctly read pictures of a folder, by kind.

    python -m benchmarks.scenes FOLDER [--model RUN]

`FOLDER` holds pictures and `manifest.json`: a list of `{"file", "kind", "endpoint", "want"}`, where
`want` is a digit, a number, lines joined by `+`, or null where there is no digit.
"""

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from digits.pictures import load_picture
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from training import console


def read_scene(recognizer: Recognizer, folder: Path, scene: dict[str, Any]) -> str | None:
    """Return the answer of the scene's endpoint in the form of the manifest."""
    picture = load_picture(folder / scene["file"])
    if scene["endpoint"] == "predict":
        digit = recognizer.predict(picture).digit
        return None if digit is None else str(digit)
    return "+".join(recognizer.read(picture).lines) or None


def table(scenes: list[dict[str, Any]]) -> str:
    """Return a Markdown table of the correct answers, by kind and in total."""
    right: dict[str, list[bool]] = defaultdict(list)
    for scene in scenes:
        for kind in (scene["kind"], "all"):
            right[kind].append(scene["read"] == scene["want"])
    kinds = sorted(right.keys() - {"all"})
    rows = [[kind, f"{sum(right[kind])}", f"{len(right[kind])}"] for kind in [*kinds, "all"]]
    return console.markdown([["kind", "right", "of"], *rows])


def main() -> None:
    """Print a table by kind, and the mean processor time per picture."""
    parser = console.parser("benchmarks.scenes", __doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=BUNDLED, help="set of weights")
    parser.add_argument("--wrong", action="store_true", help="also list misread pictures")
    arguments = parser.parse_args()
    recognizer = Recognizer(load_folder(arguments.model))
    scenes = json.loads((arguments.folder / "manifest.json").read_text("utf-8"))
    started = time.process_time()
    for scene in scenes:
        scene["read"] = read_scene(recognizer, arguments.folder, scene)
    seconds = time.process_time() - started
    print(table(scenes))
    print(f"\n{1000 * seconds / len(scenes):.0f} ms of processor time per picture")
    for scene in scenes:
        if arguments.wrong and scene["read"] != scene["want"]:
            print(f"{scene['file']}: {scene['read']} for {scene['want']}")


if __name__ == "__main__":
    main()
