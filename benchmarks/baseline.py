"""The usual demo as a baseline: a Sketchpad, a resize, `predict`, a Label.

    python -m benchmarks.baseline MODEL.keras

Written as in the tutorials: TensorFlow and the model are loaded first, every change of the drawing
is an event in Gradio's queue, and all settings are Gradio's defaults. Nothing is slowed down.
"""

import sys
from pathlib import Path
from typing import Any

import gradio as gr
import keras
import numpy as np
import numpy.typing as npt
from PIL import Image


def as_input(composite: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Resize a drawing to the model's input: `(H, W, 4)` to `(1, 28, 28, 1)`, 1 is ink."""
    small = Image.fromarray(composite).convert("L").resize((28, 28))
    pixels = np.asarray(small, np.float32) / np.float32(255)
    return (1 - pixels).reshape(1, 28, 28, 1)


def build(model: keras.Model) -> gr.Blocks:
    """Build the page; its one event is also the endpoint `/predict`."""

    def predict(drawing: dict[str, Any] | None) -> dict[str, float] | None:
        if drawing is None or drawing["composite"] is None:
            return None
        confidences = model.predict(as_input(drawing["composite"]), verbose=0)[0]
        return {str(digit): float(confidences[digit]) for digit in range(10)}

    with gr.Blocks(title="Digit recognizer") as demo:
        sketchpad = gr.Sketchpad(elem_id="sketchpad")
        label = gr.Label(elem_id="answer", num_top_classes=10)
        sketchpad.change(predict, sketchpad, label)
    return demo


def main() -> None:
    """Serve the model named on the command line."""
    build(keras.saving.load_model(Path(sys.argv[1]))).launch()


if __name__ == "__main__":
    main()
