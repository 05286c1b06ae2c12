"""What a model sees in photos, from its exported file alone."""

import numpy as np
from conftest import noise
from small_models import facts, save

from kimchi_vision.deploy.predictor import Predictor


def test_features_are_what_the_last_matrix_is_multiplied_with(seven, tmp_path):
    predictor = Predictor(seven)
    inputs = [predictor.prepare(noise(tmp_path / f"{seed}.jpg", seed)) for seed in range(20)]
    probabilities, features = predictor.seen(inputs)
    np.testing.assert_array_equal(probabilities, predictor.classify(inputs))
    pooled = np.stack(inputs).reshape(20, 3, 4, 8, 4, 8).mean(axis=(3, 5)).reshape(20, -1)
    np.testing.assert_allclose(features, pooled, atol=1e-5)


def test_probabilities_beside_features_are_calibrated(tmp_path):
    predictor = Predictor(save(tmp_path / "hot.onnx", facts(temperature=4.0)))
    inputs = [predictor.prepare(noise(tmp_path / "0.jpg"))]
    np.testing.assert_array_equal(predictor.seen(inputs)[0], predictor.classify(inputs))


def test_features_of_a_trained_network_are_those_of_its_last_layer(exported, tmp_path):
    run, learn = exported
    predictor = Predictor(run)
    probabilities, features = predictor.seen([predictor.prepare(noise(tmp_path / "0.jpg"))])
    head = [each for each in learn.model.modules() if hasattr(each, "in_features")][-1]
    assert features.shape == (1, head.in_features)
    logits = features @ head.weight.detach().numpy().T + (
        0 if head.bias is None else head.bias.detach().numpy()
    )
    np.testing.assert_allclose(np.argmax(logits), np.argmax(probabilities))
