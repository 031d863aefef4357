import io

import numpy as np
import pytest

from tests.support.training_support import confident
from training import calibrate, plots

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(10, size=300)
IMAGES = RANDOM.integers(256, size=(300, 28, 28), dtype=np.uint8)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_learning_curves_show_both_parts_over_the_epochs():
    rows = [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.9, "val_loss": 0.4, "val_accuracy": 0.95},
        {"epoch": 2, "loss": 0.2, "accuracy": 0.98, "val_loss": 0.3, "val_accuracy": 0.96},
    ]
    figure = plots.learning_curves(rows)
    loss, misread = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[0.5, 0.2], [0.4, 0.3]]
    assert misread.lines[0].get_xdata().tolist() == [1, 2]
    assert misread.lines[1].get_ydata() == pytest.approx([5, 4])


def test_a_confusion_matrix_shows_every_count():
    digits = np.where(np.arange(300) < 290, LABELS, (LABELS + 1) % 10)
    axes = plots.confusion(LABELS, digits, "test").axes[0]
    assert sum(int(text) for text in texts(axes)) == 300
    written, read = int(LABELS[299]), int(digits[299])
    shown = {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text())
        for text in axes.texts
    }
    assert shown[written, read] == ((written == LABELS) & (digits == read)).sum()


def test_figures_without_a_mistake_can_be_drawn():
    matrix = plots.confusion(LABELS, LABELS, "test")
    assert len(texts(matrix.axes[0])) == 10
    gallery = plots.misread(IMAGES, LABELS, confident(LABELS), "test")
    assert "0 misread of 300" in gallery.get_suptitle()
    for figure in (matrix, gallery):
        figure.savefig(io.BytesIO())


def test_the_gallery_shows_the_most_confident_mistakes_first():
    confidences = confident(LABELS)
    confidences[7] = confident([(LABELS[7] + 1) % 10], 0.6)
    confidences[9] = confident([(LABELS[9] + 3) % 10], 0.8)
    figure = plots.misread(IMAGES, LABELS, confidences, "test")
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == [
        f"{LABELS[9]} as {(LABELS[9] + 3) % 10}\n80 %",
        f"{LABELS[7]} as {(LABELS[7] + 1) % 10}\n60 %",
    ]
    assert np.array_equal(figure.axes[0].images[0].get_array(), IMAGES[9])
    assert "2 misread of 300" in figure.get_suptitle()


def test_a_gallery_of_many_shows_a_part_and_says_so():
    figure = plots.misread(IMAGES, LABELS, confident((LABELS + 1) % 10), "test")
    assert sum(bool(axes.images) for axes in figure.axes) == plots.GALLERY_SIZE
    assert f"the {plots.GALLERY_SIZE} most confident of 300 misread" in figure.get_suptitle()


def test_a_reliability_diagram_names_the_error_and_leaves_empty_bins_empty():
    measured = calibrate.reliability(confident(LABELS, 0.9), LABELS)
    figure = plots.reliability_diagram(measured, "test")
    upper, lower = figure.axes
    assert "ECE 10.00 %, 15 bins" in upper.get_title()
    assert [bar.get_height() for bar in lower.patches] == measured.counts.tolist()
