import dataclasses

import keras
import numpy as np
import pytest

from digits import networks
from training import recipes
from training.recipes import RECIPES, Recipe


def layers_of(name):
    """Kind and size of each layer, activation and all."""
    described = []
    for layer in networks.build(name).layers:
        config = layer.get_config()
        sizes = [
            config[key]
            for key in ("filters", "units", "kernel_size", "pool_size", "rate", "activation")
            if key in config
        ]
        described.append((type(layer).__name__, *sizes))
    return described


CONV32 = ("Conv2D", 32, (3, 3), "relu")
CONV64 = ("Conv2D", 64, (3, 3), "relu")
POOL = ("MaxPooling2D", (2, 2))
ANSWER = ("Dense", 10, "softmax")

SEEDS = {
    "dense128": (
        [CONV32, POOL, CONV64, POOL, ("Flatten",), ("Dense", 128, "relu"), ANSWER],
        225_034,
    ),
    "dropout": ([CONV32, POOL, CONV64, POOL, ("Flatten",), ("Dropout", 0.5), ANSWER], 34_826),
    "dense128-onehot": (
        [CONV32, POOL, CONV64, POOL, ("Flatten",), ("Dense", 128, "relu"), ANSWER],
        225_034,
    ),
    "fnn": ([("Flatten",), ("Dense", 256, "relu"), ("Dense", 128, "relu"), ANSWER], 235_146),
    "conv3": (
        [CONV32, POOL, CONV64, POOL, CONV64, ("Flatten",), ("Dense", 64, "relu"), ANSWER],
        93_322,
    ),
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_network_has_exactly_its_layers_and_parameters(name):
    layers, parameters = SEEDS[name]
    assert layers_of(name) == layers
    assert networks.build(name).count_params() == parameters


def test_strided3_looks_at_the_inner_pixels_with_few_parameters():
    model = networks.build("strided3")
    assert model.count_params() == 37_850
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    inner = np.pad(image[:, 2:-2, 2:-2], ((0, 0), (2, 2), (2, 2), (0, 0)))
    assert np.array_equal(model(image), model(inner))


def test_every_network_has_its_own_recipe():
    assert set(RECIPES) == set(networks.NETWORKS)
    assert all(recipe.network == name for name, recipe in RECIPES.items())


def test_dense128_is_trained_as_stated():
    recipe = RECIPES["dense128"]
    assert (recipe.optimizer, recipe.epochs) == ("adam", 5)
    assert recipe.loss == "sparse_categorical_crossentropy"


def test_dense128_onehot_is_trained_as_stated():
    recipe = RECIPES["dense128-onehot"]
    assert (recipe.optimizer, recipe.epochs, recipe.legacy_h5) == ("adam", 10, True)
    assert recipe.loss == "categorical_crossentropy"
    assert recipe.validation_count == 0.2 * recipes.ALL_TRAINING_IMAGES


@pytest.mark.parametrize("name", ["fnn", "conv3"])
def test_fnn_and_conv3_are_trained_with_adam_on_one_hot_labels(name):
    assert RECIPES[name].optimizer == "adam"
    assert RECIPES[name].loss == "categorical_crossentropy"


@pytest.mark.parametrize("name", SEEDS)
def test_no_seed_network_gets_the_help_of_the_default_one(name):
    recipe = RECIPES[name]
    assert recipe.augmentation is None
    assert recipe.ema_momentum is None
    assert recipe.warmup_epochs is None
    assert recipe.label_smoothing == 0


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["fnn"].epochs = 1


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


def test_an_unknown_network_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"conv3.*name='conv4'"):
        recipes.for_network("conv4")


def test_labels_become_what_the_loss_takes():
    labels = np.array([2, 0], np.uint8)
    assert recipes.encode_labels(labels, 10, RECIPES["dense128"]) is labels
    one_hot = recipes.encode_labels(labels, 11, RECIPES["conv3"])
    assert one_hot.shape == (2, 11)
    assert one_hot.argmax(axis=1).tolist() == [2, 0]
    assert one_hot.sum() == 2


def compiled(**settings):
    model = networks.build("fnn")
    recipe = Recipe(**{"network": "fnn", "epochs": 4} | settings)
    recipes.compile_network(model, recipe, steps_per_epoch=10)
    return model


def test_adam_keeps_its_rate():
    optimizer = compiled(learning_rate=0.002).optimizer
    assert type(optimizer) is keras.optimizers.Adam
    assert float(optimizer.learning_rate) == pytest.approx(0.002)
    assert not optimizer.use_ema


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


def test_the_average_of_weights_is_kept_where_asked():
    optimizer = compiled(ema_momentum=0.9).optimizer
    assert optimizer.use_ema
    assert optimizer.ema_momentum == 0.9


def test_smoothed_labels_never_cost_nothing():
    right = np.eye(10, dtype=np.float32)[[3]]
    plain, smooth = compiled().loss, compiled(label_smoothing=0.1).loss
    assert float(plain(right, right)) == pytest.approx(0, abs=1e-6)
    assert float(smooth(right, right)) > 0.5
