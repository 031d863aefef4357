"""The ablation trains without one part of the recipe at a time."""

from tests.support.training_support import small_mnist
from tests.training.drawings import LETTERS, SAMPLES
from training.evaluation import ablation, report
from training.evaluation.datasets import Material
from training.recipes import Recipe
from training.train import Job


def test_each_row_leaves_out_one_part_of_the_recipe():
    whole = vars(ablation.EVERYTHING)
    changed = {
        name: {key for key, value in vars(parts).items() if value != whole[key]}
        for name, parts in ablation.PARTS.items()
        if parts is not None
    }
    assert changed.pop(ablation.WHOLE) == set()
    assert sorted(key for keys in changed.values() for key in keys) == sorted(whole)
    assert all(len(keys) == 1 for keys in changed.values())


def test_rows_are_trained_and_measured_alike(tmp_path, recognizer):
    mnist = small_mnist(train_count=120, test_count=30)
    jobs = {ablation.WHOLE: Job(recipe=Recipe(network="fnn", epochs=1), limit=60)}
    rows = ablation.run(
        Material(mnist, SAMPLES[1:2] * 8, LETTERS[1:] * 4, 20, recognizer.look), tmp_path, jobs
    )
    assert [row["name"] for row in rows] == [ablation.WHOLE, ablation.RESIZED]
    assert [row["mnist_test"]["count"] for row in rows] == [20, 20]
    assert [row["drawn"]["count"] for row in rows] == [8, 8]
    table = report.ablation_table({"rows": rows})
    assert len({len(line) for line in table}) == 1
    assert table[1][1] == f"{100 * rows[0]['mnist_test']['errors'] / 20:.2f} %"
