"""Every kind of file that goes wrong elsewhere: scan, audit and a training run survive it."""

import io
import os

import numpy as np
import pytest
from fastai.vision.learner import vision_learner
from PIL import Image
from torchvision.models import resnet18

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Augment, Data, Loader, Train
from kimchi_vision.data.photo import open_photo
from kimchi_vision.learning import augment, loader, train
from kimchi_vision.results.run import Run

HALVES = ((0.5,) * 3, (0.5,) * 3)


def coarse(mode: str = "RGB", seed: int = 0) -> Image.Image:
    values = np.random.default_rng(1000 + seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((64, 48), Image.Resampling.BICUBIC).convert(mode)


def saved(photo: Image.Image, kind: str, **options) -> bytes:
    content = io.BytesIO()
    photo.save(content, kind, **options)
    return content.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


JPEG = saved(coarse(), "JPEG")
DEEP = Image.fromarray(np.asarray(coarse("L", 1)).astype(np.uint16) * 257)
READ = {  # name → content that is decoded, whatever it looks like elsewhere
    "png.jpg": saved(coarse(seed=2), "PNG"),
    "jpg.png": saved(coarse(seed=3), "JPEG"),
    "cmyk.jpg": saved(coarse("CMYK", 4), "JPEG"),
    "grey.jpg": saved(coarse("L", 5), "JPEG"),
    "bits.png": saved(coarse("1", 6), "PNG"),
    "grey-alpha.png": saved(coarse("LA", 7), "PNG"),
    "palette.png": saved(coarse("P", 8), "PNG", transparency=3),
    "alpha.png": saved(coarse("RGBA", 9), "PNG"),
    "deep.png": saved(DEEP, "PNG"),
    "turned.jpg": saved(coarse(seed=10), "JPEG", exif=turned()),
    "moving.gif": saved(coarse("P", 11), "GIF", save_all=True, append_images=[coarse("P", 12)]),
    "moving.webp": saved(coarse(seed=13), "WEBP", save_all=True, append_images=[coarse(seed=14)]),
    "bitmap.bmp": saved(coarse(seed=15), "BMP"),
}
BAD = {  # name → content, and what the list of skipped photos says
    "half.jpg": (JPEG[: len(JPEG) // 2], "truncated"),
    "cut.jpg": (JPEG[:-20], "truncated"),
    "empty.jpg": (b"", "is empty"),
    "page.jpg": (b"<html></html>", "not a photo"),
    "bomb.png": (saved(Image.new("1", (14_000, 14_000)), "PNG"), "limit of"),
    "dot.png": (saved(Image.new("RGB", (1, 1)), "PNG"), "1 x 1 pixels"),
    "sliver.png": (saved(Image.new("RGB", (500, 20)), "PNG"), "500 x 20 pixels"),
}


@pytest.fixture
def root(folder_of):
    root = folder_of({"갓김치": 6, "백김치": 6})
    for name, content in {**READ, **{name: content for name, (content, _) in BAD.items()}}.items():
        (root / "갓김치" / name).write_bytes(content)
    (root / "빈 폴더").mkdir()
    (root / "stray.jpg").write_bytes(JPEG)
    (root / "백김치" / ".hidden.jpg").write_bytes(JPEG)
    os.symlink(root, root / "백김치" / "loop")
    return root


def load(root, tmp_path):
    section = Data(path=root, splitter="stratified", missing_class="drop", policy={"unreadable": "skip"})
    return data.load(section, tmp_path)


def test_bad_files_are_listed_with_their_reasons_and_the_others_are_used(root, tmp_path):
    photos = load(root, tmp_path)
    reasons = {row.path.rpartition("/")[2]: row.reason for row in photos.skipped.itertuples()}
    assert set(reasons) == set(BAD)
    assert all(said in reasons[name].lower() for name, (_, said) in BAD.items())
    used = {path.rpartition("/")[2] for path in photos.items["path"]}
    assert set(READ) <= used
    assert not used & {"stray.jpg", ".hidden.jpg"}
    assert photos.vocab == ("갓김치", "백김치")


def test_an_audit_tells_them_all(root, tmp_path):
    found = {finding.kind: finding for finding in data.audit(root, tmp_path).findings}
    kinds = {"unreadable", "tiny", "elongated", "ending", "rotated", "mode", "animated", "left out"}
    assert kinds <= set(found)
    assert {path for (path,) in found["animated"].photos} == {"갓김치/moving.gif", "갓김치/moving.webp"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("rotated", "turned.jpg"), ("mode", "deep.png"), ("ending", "png.jpg"), ("animated", "moving.webp")],
)
def test_what_is_read_rightly_can_be_left_out_or_refused(root, tmp_path, kind, name):
    def load(action):
        policy = {"unreadable": "skip", kind: action}
        section = Data(path=root, splitter="stratified", missing_class="drop", policy=policy)
        return data.load(section, tmp_path)

    assert f"갓김치/{name}" in set(load("fix").items["path"])
    assert f"갓김치/{name}" in set(load("skip").skipped["path"])
    with pytest.raises(DataError, match=rf"`data\.policy\.{kind}: skip`"):
        load("error")


def test_sixteen_bits_and_turned_photos_look_as_people_see_them():
    assert abs(np.asarray(open_photo(READ["deep.png"])).mean() - np.asarray(coarse("L", 1)).mean()) < 1
    assert open_photo(READ["turned.jpg"]).size == (48, 64)


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_a_training_run_survives_them(root, tmp_path, engine):
    section = Train(stages=[{"fit": {"epochs": 1, "lr": 1e-4}}])
    tfms = augment.transforms(Augment(resize=40, size=32, engine=engine), HALVES)
    dls = loader.build(Loader(batch_size=8, workers=0), load(root, tmp_path), tfms)
    learn = vision_learner(dls, resnet18, pretrained=False, normalize=False, path=tmp_path)
    assert len(train.fit(section, learn, Run(tmp_path / "run").files)) == 1
