import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_run
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Augment, Data, Features, Loader, Report
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.learning import augment, linear_probe, loader
from kimchi_vision.results import evaluate, report
from kimchi_vision.results.preprocess import Preprocess

HALVES = ((0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def root(folder_of):
    """Noise with a red square in the left upper corner, which the boxes are drawn around; one has no box."""
    root = folder_of({"갓김치": 8, "백김치": 8})
    rows = []
    for file in sorted(root.rglob("*.jpg")):
        photo = Image.open(file)
        photo.paste((255, 0, 0), (0, 0, 24, 24))
        photo.save(file, quality=100, subsampling=0)
        rows.append((f"{file.parent.name}/{file.name}", -5, -5, 24, 24))
    pd.DataFrame(rows[1:], columns=["path", "left", "top", "right", "bottom"]).to_csv(
        root / "boxes.csv", index=False
    )
    return root


def load(root, tmp_path, crop="box"):
    return data.load(Data(path=root, splitter="stratified", crop=crop, duplicates="keep"), tmp_path)


def test_boxes_stay_in_the_table_and_cut_nothing_by_themselves(root, tmp_path):
    photos = load(root, tmp_path, crop="none")
    assert set(photos.items["box"]) == {"", "0,0,24,24"}
    assert open_photo(photos.files(photos.items)[3]).size == (64, 48)


def test_a_cut_photo_is_its_box_and_one_without_a_box_is_whole(root, tmp_path):
    photos = load(root, tmp_path)
    opened = {
        path: open_photo(file)
        for path, file in zip(photos.items["path"], photos.files(photos.items), strict=True)
    }
    sizes = [photo.size for photo in opened.values()]
    assert sorted(sizes) == [(24, 24)] * 15 + [(64, 48)]
    red = np.asarray(opened["백김치/003.jpg"])
    assert red[4:-4, 4:-4, 0].min() > 240
    assert ("noted_whole", {"count": 1}) in photos.notes


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_training_and_validation_see_the_box(root, tmp_path, engine):
    photos = load(root, tmp_path)
    section = Augment(
        engine=engine, resize=24, size=16, max_lighting=0, normalize="none", max_rotate=0, max_warp=0
    )
    dls = loader.build(Loader(batch_size=4, workers=0), photos, augment.transforms(section, HALVES))
    whole = photos.items["crop"] == ""
    for dl, split in ((dls.train, "train"), (dls.valid, "valid")):
        pictures = np.concatenate([batch[0].numpy() for batch in dl])
        red = (pictures[:, 0].mean((1, 2)) > 0.9).sum()
        assert red >= len(pictures) - (whole & (photos.items["split"] == split)).sum()


def test_features_of_cut_photos_are_others_than_those_of_whole_ones(root, tmp_path, monkeypatch):
    from torch import nn

    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "kept"))
    body, steps = nn.Conv2d(3, 3, 1), Preprocess(resize=16, size=16)
    cut, whole = (load(root, tmp_path, crop) for crop in ("box", "none"))
    first, second = (linear_probe.compute(body, photos, photos.items, steps) for photos in (cut, whole))
    assert not np.allclose(first, second)
    assert linear_probe.floor(Features(), body, cut, steps).predictions.table["loss"].notna().all()


def test_the_same_photos_cut_or_not_are_compared_photo_by_photo(root, tmp_path):
    cut, whole = (load(root, tmp_path, crop) for crop in ("box", "none"))
    assert cut.items["sha256"].tolist() == whole.items["sha256"].tolist()
    assert cut.digest == whole.digest


def test_figures_show_what_the_model_saw(root, tmp_path):
    for crop, size in (("box", (24, 24)), ("none", (64, 48))):
        photos = load(root, tmp_path, crop)
        (row,) = photos.files(photos.items[photos.items["path"] == "백김치/003.jpg"])
        assert evaluate.thumbnail(row, 64).size == size


def test_cutting_without_boxes_is_refused(folder_of, tmp_path):
    with pytest.raises(DataError, match=r"`data.crop: box` needs .*boxes.csv; `data import` writes it"):
        load(folder_of({"a": 3, "b": 3}), tmp_path)


def test_boxes_that_lie_beside_the_photos_are_read(folder_of, tmp_path):
    root = folder_of({"갓김치": 4, "백김치": 4})
    (root / "갓김치" / "crop_area.properties").write_text("000=4,6,20,10\n001=0,0,900,900\n")
    photos = data.load(Data(path=root, splitter="stratified"), tmp_path)
    boxes = photos.items.set_index("path")["box"]
    assert boxes["갓김치/000.jpg"] == "4,6,24,16"
    assert boxes["갓김치/001.jpg"] == "0,0,64,48"
    assert boxes["백김치/000.jpg"] == ""
    cut = data.load(Data(path=root, splitter="stratified", crop="box"), tmp_path)
    assert cut.items["crop"].tolist() == photos.items["box"].tolist()
    assert ("noted_whole", {"count": 6}) in cut.notes


def test_boxes_end_at_the_borders_of_their_own_photo_and_nonsense_is_none(folder_of, photo, tmp_path):
    root = folder_of({"a": 8, "b": 2})
    rows = [
        ("a/000.jpg", -5, 6, 900, 20), ("a/001.jpg", 5, -6, 20, 900), ("a/002.jpg", 1.4, 2.6, 3.5, 9.6),
        ("a/003.jpg", 70, 2, 90, 9), ("a/004.jpg", 2, 60, 9, 90), ("a/005.jpg", 9, 2, 9, 8),
        ("a/006.jpg", "none", 2, 9, 8), ("a/007.jpg", "left", 2, 9, 8), ("a/000.jpg", 1, 1, 2, 2),
        ("gone.jpg", 1, 1, 9, 9), ("b/000.jpg", 0, 0, 1, 1),
    ]  # fmt: skip
    pd.DataFrame(rows, columns=["path", "left", "top", "right", "bottom"]).to_csv(
        root / "boxes.csv", index=False
    )
    photos = data.load(Data(path=root, splitter="stratified", crop="box"), tmp_path)
    assert photos.items.set_index("path")["crop"].to_dict() == {
        "a/000.jpg": "0,6,64,20", "a/001.jpg": "5,0,20,48", "a/002.jpg": "1,3,4,10",
        **{f"a/00{number}.jpg": "" for number in range(3, 8)},
        "b/000.jpg": "0,0,1,1", "b/001.jpg": "",
    }  # fmt: skip
    assert photos.items["box"].tolist() == photos.items["crop"].tolist()
    assert ("noted_whole", {"count": 6}) in photos.notes
    with (root / "boxes.csv").open("a") as file:
        file.write("a/006.jpg,,2,9,8\n")
    with pytest.raises(DataError, match=r"boxes\.csv, line 13: `left` is empty\. Fill it in"):
        data.load(Data(path=root, splitter="stratified", crop="box"), tmp_path)


def test_boxes_csv_is_asked_before_properties_and_must_have_its_columns(root, tmp_path):
    (root / "갓김치" / "crop_area.properties").write_text("001=1,1,2,2\n")
    assert set(load(root, tmp_path).items["crop"]) == {"0,0,24,24", ""}
    (root / "boxes.csv").write_text("path,left,top,right\n")
    with pytest.raises(DataError, match=r"boxes\.csv has no column bottom; .* `data import` writes one"):
        load(root, tmp_path)
    (root / "boxes.csv").write_text("path,left,top,right,bottom\n갓김치/001.jpg,,2,9,8\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"boxes\.csv, line 2: `left` is empty"):
        load(root, tmp_path)


def test_photos_that_all_have_a_box_are_noted_nowhere(folder_of, tmp_path):
    root = folder_of({"a": 3, "b": 3})
    for name in "ab":
        lines = [f"00{number}=0,0,{10 + number},20" for number in range(3)]
        (root / name / "crop_area.properties").write_text("\n".join(lines))
    photos = data.load(Data(path=root, splitter="stratified", crop="box"), tmp_path)
    assert photos.items["crop"].tolist() == ["0,0,10,20", "0,0,11,20", "0,0,12,20"] * 2
    assert "noted_whole" not in dict(photos.notes)


def test_the_page_shows_what_the_model_saw(root, tmp_path):
    run = fake_run(tmp_path / "run", load(root, tmp_path), skill=0)
    photos = Photos(root, run.table(run.files.items), ())
    sizes = [open_photo(file).size for file in photos.files(photos.items)]
    assert sorted(sizes) == [(24, 24)] * 15 + [(64, 48)]
    pictures = re.findall(
        r"data:image/webp;base64,([\w+/=]+)", report.write(run, Report()).read_text("utf-8")
    )
    shown = [Image.open(io.BytesIO(base64.b64decode(each))) for each in pictures]
    photos_shown = {photo.size for photo in shown if max(photo.size) <= 64}
    assert photos_shown <= {(24, 24), (64, 48)}
    assert (24, 24) in photos_shown
