"""From a picture to a calibrated answer, or to the reason why there is none."""

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits import networks
from digits.answers import BLANK, NOT_A_DIGIT, Prediction, answer, predict_all
from digits.ink import InkArray, Picture
from digits.page.examples import digit_example
from digits.page.strokes import draw, parse_strokes
from digits.preprocessing import IMAGE_SIDE
from digits.saliency import Saliency
from digits.weights import Weights, WeightsError

__all__ = ["BLANK", "NOT_A_DIGIT", "Prediction", "Recognizer", "soften"]

_TINY = 1e-30


class Recognizer:
    """One set of weights, ready to answer; safe to share between threads.

    Attributes:
        weights: The set that answers.
        saliency: Says what in an image spoke for a digit.
    """

    def __init__(self, weights: Weights) -> None:
        """Build the network, load the weights and compile.

        Args:
            weights: A verified set.

        Raises:
            WeightsError: If the network is unknown or the weights do not fit it.
        """
        self.weights = weights
        self._model = _load(weights)
        self._compiled = tf.function(
            lambda images: self._model(images, training=False),
            input_signature=[tf.TensorSpec((None, *networks.IMAGE_SHAPE), tf.float32)],
            autograph=False,  # nothing to rewrite; it takes time, and a killed app leaves its file
        ).get_concrete_function()  # or each call pays for finding out that nothing has changed
        self.predict_images(np.zeros((1, IMAGE_SIDE, IMAGE_SIDE), np.float32))
        # Compiles when it is first asked.
        self.saliency = Saliency(self._model)

    def predict(self, picture: Picture) -> Prediction:
        """Read the one digit of a picture.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright, as `load_picture` gives it.

        Returns:
            The answer. A picture without ink is an answer too, with the reason `BLANK`.
        """
        return predict_all([picture], self.predict_images, self.weights.config.refuse_below)[0]

    def answer(self, image: InkArray, probabilities: npt.NDArray[np.float32]) -> Prediction:
        """Turn one row of `predict_images` into an answer.

        Args:
            image: `(28, 28)` float32 in `[0, 1]`.
            probabilities: `(10,)` or `(11,)` float32, calibrated.

        Returns:
            The answer; no digit where the score is below the weights' `refuse_below`.
        """
        return answer(image, probabilities, self.weights.config.refuse_below)

    def predict_images(self, images: InkArray) -> npt.NDArray[np.float32]:
        """Calibrated probabilities of images that are in MNIST's frame already.

        Args:
            images: `(N, 28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.

        Returns:
            `(N, 10)` float32 by digit, or `(N, 11)` where class 10 is "not a digit"; rows sum to 1.
        """
        probabilities = self._compiled(tf.constant(images[..., None], tf.float32)).numpy()
        return soften(probabilities, self.weights.config.temperature)

    def self_test(self) -> None:
        """Read the ten drawings of the project's own.

        Raises:
            WeightsError: If fewer than nine of them are read right: these are no weights that
                learned to read digits, whatever their files say.
        """
        read = [self.predict(draw(parse_strokes(digit_example(d)))).digit for d in range(10)]
        wrong = [f"{label} as {digit}" for label, digit in enumerate(read) if digit != label]
        if len(wrong) > 1:
            raise WeightsError(
                f"Self-test: expected at least 9 of 10 known digits. Received: {', '.join(wrong)}"
            )


def soften(probabilities: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    """Divide the logits behind probabilities by a temperature.

    Args:
        probabilities: `(N, C)` float32, rows sum to 1.
        temperature: Above 1 makes the answers less sure, below 1 surer.

    Returns:
        `(N, C)` float32, rows sum to 1 (Guo et al., "On Calibration of Modern Neural Networks").
    """
    logits = np.log(np.maximum(probabilities, _TINY)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def _load(weights: Weights) -> keras.Model:
    try:
        model = networks.build(weights.config.network)
        model.load_weights(weights.path)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(f"Weights of {weights.origin.label} do not load: {error}") from error
    return model
