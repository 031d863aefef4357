"""How many of a folder of scenes are read right: today's way, the finder alone, and a cascade.

    python -m benchmarks.scenes FOLDER --finder runs/finder/finder.safetensors

`FOLDER` holds pictures and `manifest.json`: a list of `{"file", "kind", "endpoint", "want"}`, where
`want` is a digit, a number, rows joined by `+`, or null.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digits.ink import Picture
from digits.pictures import load_picture
from digits.prediction import Recognizer
from digits.preprocessing import crop, normalize
from digits.reading import cheapest, line_of, read
from digits.segmentation.finder import Finder, Found
from digits.segmentation.rows import Row, rows
from digits.weights import BUNDLED, load_folder

CASCADE = 0.1
"""Most doubt that the finder may leave, as a share of today's way's, to be believed instead."""


@dataclass(frozen=True)
class Answer:
    """What was read, None for nothing, and how sure it is."""

    text: str | None
    doubt: float


def today(recognizer: Recognizer, picture: Picture, endpoint: str) -> Answer:
    """Answer as version 942f5bf does."""
    if endpoint == "predict":
        prediction = recognizer.predict(picture)
        text = None if prediction.digit is None else str(prediction.digit)
        return Answer(text, 1 - prediction.score)
    reading = read(recognizer, picture)
    confidences = [digit.confidence for digit in reading.digits]
    return Answer(reading.number or None, 1 - min(confidences, default=0.0))


def found(recognizer: Recognizer, finder: Finder, picture: Picture, endpoint: str) -> Answer:
    """Answer by the finder."""
    look = finder.find(picture)
    return _digit(recognizer, look) if endpoint == "predict" else _lines(recognizer, look)


def _digit(recognizer: Recognizer, look: Found) -> Answer:
    """Choose the most prominent digit: the tallest, the surer counting more."""
    best, weight = Answer(None, 1.0), 0.0
    for row in rows(look):
        for text, confidence, tall in _row(recognizer, row):
            if confidence * tall > weight:
                best, weight = Answer(text, 1 - confidence), confidence * tall
    sure = 1 - best.doubt >= recognizer.weights.config.refuse_below
    return best if sure else Answer(None, best.doubt)


def _lines(recognizer: Recognizer, look: Found) -> Answer:
    texts, confidences = [], []
    for row in rows(look):
        digits = _row(recognizer, row)
        sure = [confidence for _, confidence, _ in digits]
        # Digits beside it vouch for an unclear digit; nothing vouches for one that stands alone.
        least = recognizer.weights.config.refuse_below if len(sure) == 1 else 0.5
        if sure and np.mean(sure) >= least:
            texts.append("".join(text for text, _, _ in digits))
            confidences += sure
    return Answer("+".join(texts) or None, 1 - min(confidences, default=0.0))


def _row(recognizer: Recognizer, row: Row) -> list[tuple[str, float, int]]:
    """Return each digit of a line, how sure it is, and its height."""
    if row.count == 1:
        cut = crop(row.ink)
        probabilities = [recognizer.predict_images(normalize(cut)[None])[0][:10]]
        heights = [cut.shape[0]]
    else:
        line = line_of(recognizer, row.ink)
        chosen = cheapest(line)
        probabilities = [line.probabilities[index] for index in chosen]
        heights = [line.runs[index].box[2] - line.runs[index].box[0] for index in chosen]
    return [
        (str(int(p.argmax())), float(p.max()), tall)
        for p, tall in zip(probabilities, heights, strict=True)
    ]


def cascade(first: Answer, second: Answer) -> Answer:
    """Believe today's way, unless the finder leaves at most a tenth of its doubt."""
    return second if second.text and second.doubt <= CASCADE * first.doubt else first


def table(scenes: list[dict[str, Any]], answers: dict[str, list[Answer]]) -> str:
    """Return right answers by kind, and of all, as a table in Markdown."""
    kinds: dict[str, list[int]] = {}
    for index, scene in enumerate(scenes):
        for kind in (scene["kind"], "all"):
            kinds.setdefault(kind, []).append(index)
    lines = [f"| kind | {' | '.join(answers)} | of |", "|---|" + "---:|" * (len(answers) + 1)]
    for kind, indices in sorted(kinds.items(), key=lambda item: (item[0] == "all", item[0])):
        right = [
            sum(each[index].text == scenes[index]["want"] for index in indices)
            for each in answers.values()
        ]
        lines.append(f"| {kind} | {' | '.join(map(str, right))} | {len(indices)} |")
    return "\n".join(lines)


def main() -> None:
    """Print a table by kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--finder", type=Path, required=True, help="weights of the finder")
    parser.add_argument("--wrong", type=Path, help="write what was read of each scene, as JSON")
    arguments = parser.parse_args()
    recognizer = Recognizer(load_folder(BUNDLED))
    finder = Finder.load(arguments.finder)
    scenes = json.loads((arguments.folder / "manifest.json").read_text())
    answers: dict[str, list[Answer]] = {"today": [], "finder": [], "cascade": []}
    seconds = 0.0
    for scene in scenes:
        picture = load_picture(arguments.folder / scene["file"])
        first = today(recognizer, picture, scene["endpoint"])
        started = time.process_time()
        second = found(recognizer, finder, picture, scene["endpoint"])
        seconds += time.process_time() - started
        both = cascade(first, second)
        for name, answer in zip(answers, (first, second, both), strict=True):
            answers[name].append(answer)
    print(table(scenes, answers))  # noqa: T201
    print(f"finder and classifier: {1000 * seconds / len(scenes):.0f} ms a picture")  # noqa: T201
    if arguments.wrong:
        records = [
            scene | {name: answers[name][index].text for name in answers}
            for index, scene in enumerate(scenes)
        ]
        arguments.wrong.write_text(json.dumps(records, indent=1))


if __name__ == "__main__":
    main()
