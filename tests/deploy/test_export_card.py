"""card.md: each number of a run in its place."""

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_run
from small_models import facts, save

from kimchi_vision.base.files import write_json
from kimchi_vision.base.messages import catalogue
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import card, learner
from kimchi_vision.results import headline
from kimchi_vision.results.run import Run

VOCAB = ("001", "김치", "A&B")


@pytest.fixture
def run(tmp_path):
    labels = np.repeat([*VOCAB, "001"], [30, 20, 10, 7])
    names = [f"{number:02}.jpg" for number in range(67)]
    parts = ["valid"] * 60 + ["train"] * 7
    items = pd.DataFrame({"path": names, "label": labels, "split": parts, "sha256": names})
    model = {"backbone": "resnet18", "weights": "none"}
    run = fake_run(tmp_path / "mild", Photos(tmp_path, items, VOCAB), skill=1, model=model)
    save(run.files.onnx, facts(VOCAB, abstain_threshold=0.42))
    return run


def share(scores, name):
    low, high = scores[f"{name}_interval"]
    return f"{100 * scores[name]:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def test_each_score_and_class_has_its_line(run):
    lines = card.text(run).splitlines()
    scores = run.json(run.files.metrics)
    assert "Over the 60 validation photos. 95 % intervals are in brackets." in lines
    chosen = (
        "The best of 4 epochs was chosen on these same photos, which tends to flatter the number; by how much"
    )
    assert any(line.startswith("Accuracy on 60 validation photos") and chosen in line for line in lines)
    for title, name in (
        ("Accuracy", "accuracy"),
        ("Error rate", "error_rate"),
        ("Macro recall", "macro_recall"),
        ("Macro precision", "macro_precision"),
        ("Macro F1", "macro_f1"),
        ("Top-k accuracy", "top_k_accuracy"),
    ):
        low, high = (f"{100 * end:.1f} %" for end in scores[f"{name}_interval"])
        assert f"| {title} | {100 * scores[name]:.1f} % ({low} – {high}) |" in lines
    low, high = scores["loss_interval"]
    assert f"| Loss, mean over photos | {scores['loss']:.3f} ({low:.3f} – {high:.3f}) |" in lines
    assert "| Class | Found (recall) | Right when said (precision) | Photos |" in lines
    for label, name, photos in (("001", "001", 30), ("김치", "김치", 20), ("A\\&B", "A&B", 10)):
        own = scores["classes"][name]
        assert f"| {label} | {share(own, 'recall')} | {share(own, 'precision')} | {photos} |" in lines
    actual, predicted, photos = scores["most_confused"][0]
    first = next(line for line in lines if " taken for " in line)
    assert first == f"- {card._plain(actual)} taken for {card._plain(predicted)} ({photos})"
    assert "Backbone resnet18, weights `none`, photos of 32 pixels." in lines
    assert any(line.startswith("7 photos in 3 class folders") for line in lines)
    assert any('"I don\'t know" below 42.0 %' in line for line in lines)


def test_a_class_that_was_never_said_has_no_precision(run):
    scores = run.json(run.files.metrics)
    scores["classes"]["김치"] |= {"precision": 0.0, "precision_interval": None}
    write_json(run.files.metrics, scores)
    assert f"| 김치 | {share(scores['classes']['김치'], 'recall')} | – | 20 |" in card.text(run).splitlines()


def test_proofs_and_smaller_files_are_told_in_megabytes(run):
    proof = {"photos": 60, "agreement": 0.95, "largest_gap": 0.1, "bytes": 12_340_000}
    lost = {"accuracy_lost": 0.015, "accuracy_lost_interval": [-0.01, 0.04]}
    whole = {"photos": 60, "agreement": 1.0, "largest_gap": 0.00012, "bytes": 40_000_000}
    write_json(
        run.files.export, {"model.onnx": whole, "model.int8.onnx": proof | lost, "model.pkl": {"photos": 4}}
    )
    text = card.text(run)
    assert "| model.int8.onnx | 12.3 | 1.5 % [-1.0, 4.0] | 95.0 % of 60 |" in text
    assert "It was run on 60 validation photos: 100.0 % of its answers" in text
    assert "no probability differs by more than 1.2e-04." in text
    assert "model.pkl |" not in text


def test_files_for_other_runtimes_are_in_one_table(run):
    proof = {"bytes": 3_456_789, "milliseconds": 7.25, "agreement": 1.0, "photos": 40, "times_faster": 1.8}
    apple = {"bytes": 9_000_000, "answers": "check.py asks"}
    write_json(run.files.export, {"model.openvino.xml": proof, "model.coreml.zip": apple})
    text = card.text(run)
    assert "| OpenVINO | model.openvino.xml | 3.5 | 7.25 | 100.0 % of 40 |" in text
    assert "| Core ML | model.coreml.zip | 9.0 | – | check.py asks |" in text
    assert "1.8 times as fast as onnxruntime" in text
    assert "LiteRT" not in text


def test_a_pickle_for_one_python_names_it_and_what_binds_it(run):
    assert "alone" not in card.text(run)
    write_json(run.files.export, {"model.pkl": {"holds": "mine.Layer", "python": "3.12"}})
    assert "it holds mine.Layer, which" in (text := card.text(run))
    assert "so it loads on Python 3.12 alone" in text


def test_a_run_in_korean_has_a_card_in_korean(run):
    text = run.files.experiment.read_text(encoding="utf-8")
    run.files.experiment.write_text(text.replace("lang: auto", "lang: ko"), encoding="utf-8")
    write_json(run.files.export, {"model.pkl": {"holds": "mine.Layer", "python": "3.12"}})
    run, say = Run(run.path), catalogue("ko")
    text = card.text(run)
    assert " ".join(headline.sentences(run, say)) in text
    assert learner.bound("mine.Layer", "3.12").said(say) in text
    assert card._licence("resnet18", "none").said(say) in text


@pytest.mark.parametrize(
    ("backbone", "weights", "said"),
    [
        ("resnet18", "none", "trained from random weights"),
        ("resnet18", "default", "torchvision's weights (BSD-3-Clause)"),
        ("resnet18", "/of/mine.pth", "a file of weights whose licence this program does not know"),
        ("resnet18", "offline", "weights of timm's resnet18 (licence: "),
        (
            "efficientnet_b0.ra_in1k",
            "default",
            "weights of timm's efficientnet_b0.ra_in1k (licence: apache-2.0)",
        ),
    ],
)
def test_the_licence_is_that_of_the_weights(backbone, weights, said):
    assert said in str(card._licence(backbone, weights))
