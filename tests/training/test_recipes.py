import keras
import numpy as np
import pytest

from digits import networks
from training import keras_networks, recipes
from training.recipes import RECIPES, Recipe


def test_strided3_looks_at_the_inner_pixels():
    model = keras_networks.build("strided3")
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    inner = np.pad(image[:, 2:-2, 2:-2], ((0, 0), (2, 2), (2, 2), (0, 0)))
    assert np.array_equal(model(image), model(inner))


def test_every_network_has_its_own_recipe():
    assert set(RECIPES) == set(networks.NETWORKS)
    assert all(recipe.network == name for name, recipe in RECIPES.items())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"loss": "sparse_categorical_crossentropy", "label_smoothing": 0.1}, "smoothed"),
        ({"weight_decay": 0.1}, "adamw"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**{"network": "fnn", "epochs": 1} | settings)


def test_labels_become_what_the_loss_takes():
    labels = np.array([2, 0], np.uint8)
    assert recipes.encode_labels(labels, 10, RECIPES["dense128"]) is labels
    one_hot = recipes.encode_labels(labels, 11, RECIPES["conv3"])
    assert one_hot.shape == (2, 11)
    assert one_hot.argmax(axis=1).tolist() == [2, 0]
    assert one_hot.sum() == 2


def compiled(**settings):
    model = keras_networks.build("fnn")
    recipe = Recipe(**{"network": "fnn", "epochs": 4} | settings)
    recipes.compile_network(model, recipe, steps_per_epoch=10)
    return model


def test_adam_keeps_its_rate_and_the_average_of_weights_is_kept_where_asked():
    optimizer = compiled(learning_rate=0.002).optimizer
    assert type(optimizer) is keras.optimizers.Adam
    assert float(optimizer.learning_rate) == pytest.approx(0.002)
    assert not optimizer.use_ema
    averaging = compiled(ema_momentum=0.9).optimizer
    assert averaging.use_ema
    assert averaging.ema_momentum == 0.9


def test_a_warm_rate_rises_to_its_peak_and_falls_to_nothing():
    optimizer = compiled(learning_rate=0.002, warmup_epochs=1).optimizer
    rates = []
    for step in range(41):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates[0] == 0
    assert rates[10] == pytest.approx(0.002) == max(rates)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[40] == pytest.approx(0, abs=1e-8)


def test_adamw_decays_kernels_alone():
    model = compiled(optimizer="adamw", weight_decay=0.5, learning_rate=0.1)
    before = [variable.numpy() for variable in model.trainable_variables]
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value + 1)
    still = [keras.ops.zeros_like(variable) for variable in model.trainable_variables]
    model.optimizer.apply(still)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        factor = 1.0 if variable.name == "bias" else 0.95
        assert np.allclose(variable.numpy(), factor * (value + 1), atol=1e-5), variable.path


def test_smoothed_labels_never_cost_nothing():
    right = np.eye(10, dtype=np.float32)[[3]]
    plain, smooth = compiled().loss, compiled(label_smoothing=0.1).loss
    assert float(plain(right, right)) == pytest.approx(0, abs=1e-6)
    assert float(smooth(right, right)) > 0.5
