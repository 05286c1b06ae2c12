import re
import unicodedata

import numpy as np
import pytest
from conftest import text_of
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.messages import TEXTS, catalogue
from kimchi_vision.cli.data import app
from kimchi_vision.config.sections import Data
from kimchi_vision.data.audit import audit, fix_to
from kimchi_vision.data.page import write as write_page


@pytest.fixture
def odd(folder_of, photo):
    """A folder with one of everything."""
    root = folder_of({"깍두기": 5, "갓김치": 5, "kimchi": 4, "Kimchi": 2})
    (root / "깍두기" / "empty.jpg").write_bytes(b"")
    Image.new("RGB", (8, 8)).save(root / "깍두기" / "tiny.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo(root / "갓김치" / "turned.jpg", seed=50)) as image:
        image.save(root / "갓김치" / "turned.jpg", exif=exif)
    photo(root / "갓김치" / "conflict.jpg", seed=1)  # 깍두기/000.jpg once more
    photo(root / "갓김치" / "copy.jpg", seed=7)  # 갓김치/001.jpg once more
    with Image.open(photo(root / unicodedata.normalize("NFD", "갓김치") / "named.jpg", seed=60)) as image:
        image.save(root / unicodedata.normalize("NFD", "갓김치") / "named.jpg", "PNG")
    return root


def test_every_kind_is_found_with_its_photos(odd, tmp_path):
    found = {finding.kind: finding for finding in audit(odd, tmp_path / "cache").findings}
    assert {f"kind_{kind.replace(' ', '_')}" for kind in found} <= set(TEXTS)
    assert found["unreadable"].photos == (("깍두기/empty.jpg",),)
    assert found["tiny"].photos == (("깍두기/tiny.jpg",),)
    assert set(found["conflict"].photos[0]) == {"깍두기/000.jpg", "갓김치/conflict.jpg"}
    assert set(found["duplicate"].photos[0]) == {"갓김치/001.jpg", "갓김치/copy.jpg"}
    assert found["rotated"].photos == (("갓김치/turned.jpg",),)
    assert found["ending"].photos[0][0].endswith("named.jpg")
    assert "few" in found
    assert "imbalance" in found


def test_names_that_mean_one_class_are_told(odd, tmp_path):
    names = [
        each.sentence(catalogue("en"))
        for each in audit(odd, tmp_path / "cache").findings
        if each.kind == "names"
    ]
    assert names == [
        "Folders named 갓김치 in two Unicode forms count as one class.",
        "The classes Kimchi, kimchi differ only in case, spaces or width.",
    ]


def test_names_that_look_alike_are_told(folder_of, tmp_path):
    root = folder_of({"cat": 2, "cat\u200b": 2, "cat.": 2, "dog": 2})
    alike = [
        each.values["labels"]
        for each in audit(root, tmp_path / "cache").findings
        if each.says == "found_alike"
    ]
    assert alike == ["cat, cat., cat\u200b"]


def test_a_class_that_its_brightness_gives_away(folder_of, tmp_path):
    root = folder_of({"a": 15, "b": 15})
    for file in (root / "b").iterdir():
        with Image.open(file) as image:
            dark = image.point(lambda value: value // 4)
        dark.save(file)
    links = [each for each in audit(root, tmp_path / "cache").findings if each.kind == "link"]
    said = [link.sentence(catalogue("en")) for link in links]
    for label, more in (("a", "brighter"), ("b", "darker")):
        assert any(
            text.startswith(f"Brightness sets {label} apart: in 100 % of pairs its photo is the {more} one.")
            for text in said
        )
    assert any("밝기만으로 b 클래스를 알 수 있습니다." in link.sentence(catalogue("ko")) for link in links)
    notes = data.load(Data(path=root), tmp_path / "cache").notes
    assert all(link.note in notes for link in links)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            lambda photo, file: photo.filter(ImageFilter.GaussianBlur(6)).save(file),
            ("link_sharpness_less", "–"),
        ),
        (lambda photo, file: photo.save(file, exif=taken_with("KC-100")), ("link_camera", "KC-100")),
        (lambda photo, file: photo.save(file, "PNG"), ("link_format", "PNG")),
        (lambda photo, file: photo.resize((32, 24)).save(file), ("link_size_less", "–")),
    ],
)
def test_a_class_that_blur_camera_format_or_size_gives_away(folder_of, tmp_path, change, found):
    root = folder_of({"a": 15, "b": 15})
    for file in [*(root / "a").iterdir(), *(root / "b").iterdir()]:
        noise = np.random.default_rng(0).integers(0, 60, (48, 64, 3), dtype=np.uint8)
        with Image.open(file) as image:
            photo = Image.fromarray(np.asarray(image) // 2 + noise)
        photo.save(file) if file.parent.name == "a" else change(photo, file)
    links = [each for each in audit(root, tmp_path / "cache").findings if each.kind == "link"]
    said = {(link.values["label"], link.says, link.values["value"]) for link in links}
    says, value = found
    assert ("b", f"found_{says}", value) in said


def taken_with(camera):
    exif = Image.Exif()
    exif[0x0110] = camera
    return exif


def test_a_camera_with_a_zero_in_its_name_mixes_nothing_up(folder_of, tmp_path):
    root = folder_of({"a": 3, "b": 3})
    odd = root / "a" / "001.jpg"
    with Image.open(odd) as image:
        image.save(odd, exif=taken_with("KC\0X"))
    photos = audit(root, tmp_path / "cache").photos
    assert photos["camera"].tolist() == ["", "KC X", "", "", "", ""]
    assert set(photos["mode"]) == {"RGB"}


def test_a_clean_copy_leaves_the_folder_as_it_is(odd, tmp_path):
    before = {path: path.read_bytes() for path in odd.rglob("*.jpg")}
    left_out = fix_to(audit(odd, tmp_path / "cache"), tmp_path / "clean")
    assert len(left_out) == 5
    assert before == {path: path.read_bytes() for path in odd.rglob("*.jpg")}
    clean = audit(tmp_path / "clean", tmp_path / "cache")
    assert {finding.kind for finding in clean.findings} <= {"layout", "names", "few", "imbalance", "left out"}
    assert len(clean.photos) == len(before) - 5
    with pytest.raises(DataError, match="is there already"):
        fix_to(clean, tmp_path / "clean")


def test_the_page_holds_everything(odd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["check", str(odd), "--report", "page.html"])
    assert shown.exit_code == 0, shown.output
    assert "갓김치/conflict.jpg  =  깍두기/000.jpg" in shown.output
    page = text_of(tmp_path / "page.html")
    assert "깍두기/empty.jpg: is empty" in page
    assert "data:image/webp;base64," in page
    assert "://" not in page


def test_page_and_command_line_speak_korean(odd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["check", str(odd), "--report", "page.html", "--lang", "ko"])
    assert "읽을 수 없음: 읽을 수 없는 사진이 1장 있습니다(깍두기 1): 빈 파일." in shown.output
    page = text_of(tmp_path / "page.html")
    assert "깍두기/empty.jpg: 빈 파일" in page
    assert '<html lang="ko">' in page
    assert not re.findall("Findings|Classes|Samples|cannot be read", page)


def test_a_name_in_a_path_is_text_not_markup(folder_of, tmp_path):
    root = folder_of({"<b>": 3, "b": 3})
    write_page(audit(root, tmp_path / "cache"), tmp_path / "page.html")
    assert "<b>" not in (tmp_path / "page.html").read_text()
