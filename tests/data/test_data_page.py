"""What an audit finds, what its page shows, and what a clean copy holds."""

import base64
import io
import re

import pandas as pd
import pytest
from PIL import Image

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.data.audit import Audit, Finding, audit, fix_to
from kimchi_vision.data.page import write as write_page
from kimchi_vision.data.photo import open_photo

SAY = catalogue("en")


def findings(root, tmp_path):
    return [(each.kind, each.sentence(SAY)) for each in audit(root, tmp_path / "cache").findings]


def test_findings_come_worst_first_and_each_counts_its_own(folder_of, photo, tmp_path):
    root = folder_of({"a": 4, "b": 14})
    (root / "a" / "empty.jpg").write_bytes(b"")
    Image.effect_noise((15, 15), 60).save(root / "a" / "dot.png")
    Image.effect_noise((300, 20), 60).save(root / "a" / "sliver.png")
    for number in range(3):
        photo(root / "a" / f"conflict{number}.jpg", seed=5 + number // 2)  # b/000.jpg twice, b/001.jpg
        photo(root / "b" / f"copy{number}.jpg", seed=8)  # b/003.jpg
    (root / "b" / "list.txt").write_text("")
    (root / "c").mkdir()
    photo(root / "b" / "other.png", 40)
    photo(root / "b" / "grey.jpg", 41)
    with Image.open(root / "b" / "grey.jpg") as image:
        image.convert("CMYK").save(root / "b" / "grey.jpg")
    with Image.open(root / "b" / "other.png") as image:
        image.save(root / "b" / "other.png", "JPEG")
    assert findings(root, tmp_path) == [
        ("layout", "2 classes with 29 photos from class folders."),
        ("left out", "No photo of c: the folder c is empty."),
        ("unreadable", "1 photo cannot be read (a 1): is empty."),
        ("tiny", "1 photo has a side below 16 pixels."),
        ("elongated", "1 photo is over 8 times as long as wide."),
        ("conflict", "2 pictures lie in two or more classes: one of the labels is wrong."),
        ("duplicate", "1 picture is there more than once, 4 photos in all."),
        ("left out", "1 .txt file is left out."),
        (
            "few",
            "With 20 % for validation, fewer than 30 photos would score these classes. In brackets: how "
            "many, and what a recall of about 90 % of them would mean (95 % interval): "
            "a (2: 34 %–100 %), b (4: 51 %–100 %).",
        ),
        ("ending", "1 photo has another format than its ending says; it is read by content."),
        ("mode", "1 photo is palette, CMYK, 16-bit or transparent; it is converted, not clipped."),
    ]


@pytest.mark.parametrize(("count", "few"), [(147, True), (148, False)])
def test_thirty_photos_score_a_class(count, few):
    # 0.2 x 147 = 29.4 and 0.2 x 148 = 29.6
    from kimchi_vision.data.audit import _small

    found = _small(pd.Series({"b": count, "a": 10_000}))
    assert [each.values["classes"] for each in found] == (["b (29: 74 %–96 %)"] if few else [])


@pytest.mark.parametrize(("most", "told"), [(6, False), (7, True)])
def test_three_times_as_many_photos_are_no_imbalance_yet(folder_of, tmp_path, most, told):
    said = dict(findings(folder_of({"a": 2, "b": most, "c": 5}), tmp_path))
    expected = f"b has {most} photos, a has 2: read macro scores, and consider `data.per_class`."
    assert said.get("imbalance") == (expected if told else None)


def test_names_are_alike_but_for_case_width_spaces_and_dashes(folder_of, tmp_path):
    names = ("Kimchi", "ｋimchi", "kim chi", "_kimchi-", "kim-chi", "straße", "STRASSE", "갓김치")
    said = [text for kind, text in findings(folder_of(dict.fromkeys(names, 2)), tmp_path) if kind == "names"]
    assert said == [
        "The classes Kimchi, _kimchi-, kim chi, ｋimchi differ only in case, spaces or width.",
        "The classes STRASSE, straße differ only in case, spaces or width.",
    ]


def test_a_link_shows_eight_photos_of_its_class(folder_of, tmp_path):
    root = folder_of({"a": 12, "b": 12})
    for file in (root / "b").iterdir():
        with Image.open(file) as image:
            image.resize((128, 96)).save(file)
    links = {each.says: each for each in audit(root, tmp_path).findings if each.values.get("label") == "b"}
    assert links["found_link_size"].photos == tuple((f"b/{n:03}.jpg",) for n in range(8))
    assert links["found_link_size"].values == {"label": "b", "value": "–", "own": 1.0, "others": 0.0}


def test_groups_of_an_audit_leave_out_what_cannot_be_read(folder_of, tmp_path):
    root = folder_of({"a": 3})
    (root / "a" / "001.jpg").write_bytes(b"")
    assert audit(root, tmp_path).photos["group"].tolist() == [0, -1, 1]


def shown(audit, tmp_path, lang="en"):
    write_page(audit, tmp_path / "page.html", lang)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_page_counts_classes_sizes_and_samples(folder_of, tmp_path):
    root = folder_of({"a": 20, "b": 5})
    for number, file in enumerate(sorted((root / "b").iterdir())):
        with Image.open(file) as image:
            image.resize((60 + number, 40 + 2 * number)).save(file)
    (root / "b" / "page.jpg").write_text("<html>")
    (root / "b" / "half.jpg").write_bytes((root / "b" / "000.jpg").read_bytes()[:500])
    found = audit(root, tmp_path / "cache")
    page = shown(found, tmp_path)
    megabytes = sum(file.stat().st_size for file in root.rglob("*.jpg")) / 1e6
    assert f"27 photos, {megabytes:.1f} MB, 2 classes, {len(found.findings)} findings." in page
    assert re.findall(r'<tr><th scope="row">(.)</th><td>(\d+)</td>', page) == [("a", "20"), ("b", "5")]
    assert re.findall(r'class="bar"><div style="width: ([\d.]+)%', page) == ["100.0", "25.0"]
    assert re.findall(r"<td>(\d+ × \d+)</td>", page) == ["64 × 48", "62 × 44"]
    samples = re.findall(r'alt="(\w/\w+\.jpg)"', page)
    assert samples == [f"a/{n:03}.jpg" for n in range(0, 16, 2)] + [f"b/{n:03}.jpg" for n in range(5)]
    assert "<figcaption>b/<wbr>page.jpg: cannot be read: not a photo</figcaption>" in page
    assert "<figcaption>b/<wbr>half.jpg: cannot be read: " in page
    assert page.count("<title>photos: ") == 1
    pictures = [base64.b64decode(each) for each in re.findall(r"data:image/webp;base64,([^\"]+)", page)]
    assert {Image.open(io.BytesIO(each)).format for each in pictures} == {"WEBP"}
    assert len(pictures) == len(samples)
    write_page(audit(folder_of({"x": 2}, tmp_path / "wide"), tmp_path), tmp_path / "page.html", "ko")
    assert '<html lang="ko">' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_shows_twenty_four_groups_and_says_how_many_more(folder_of, tmp_path):
    root = folder_of({"a": 30, "b": 2})
    found = audit(root, tmp_path / "cache")
    paths = tuple((path,) for path in found.photos["path"][:30])
    long = (Finding("tiny", paths, {"count": 30}), Finding("tiny", (sum(paths, ()),), {"count": 1}))
    page = shown(Audit(root, found.photos, long[:1]), tmp_path)
    assert page.count("<figure>") == 24
    assert "and 6 more" in page
    page = shown(Audit(root, found.photos, (Finding("tiny", paths[:24], {"count": 24}), long[1])), tmp_path)
    assert page.count("<figure>") == 48
    assert "more" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "Nothing to remark." in shown(Audit(root, found.photos, ()), tmp_path)


def test_a_clean_copy_holds_each_picture_once_upright_and_as_rgb(folder_of, photo, tmp_path):
    root = folder_of({"a": 3, "x/b": 2, "y/b": 2})
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo(root / "a" / "turned.png", 50)) as image:
        image.save(root / "a" / "turned.png", exif=exif)
    with Image.open(photo(root / "a" / "turned.jpg", 51)) as image:
        image.convert("CMYK").save(root / "a" / "turned.jpg", quality=95)
    photo(root / "a" / "copy.jpg", 1)  # a/000.jpg once more
    photo(root / "a" / "conflict.jpg", 4)  # x/b/000.jpg once more
    (root / "a" / "empty.jpg").write_bytes(b"")
    found = audit(root, tmp_path / "cache", "folder")
    left_out = fix_to(found, tmp_path / "deep" / "clean")
    assert left_out.to_numpy().tolist() == [
        ["a/empty.jpg", "a", "is empty"],
        ["a/conflict.jpg", "a", "the same picture lies in a and b"],
        ["x/b/000.jpg", "b", "the same picture lies in a and b"],
        ["a/copy.jpg", "a", "a copy of another photo of its class"],
    ]
    clean = tmp_path / "deep" / "clean"
    pd.testing.assert_frame_equal(pd.read_csv(clean / "left-out.csv"), left_out.reset_index(drop=True))
    files = sorted(path.relative_to(clean).as_posix() for path in clean.rglob("*.jpg"))
    second = found.photos.set_index("path").loc["y/b/001.jpg", "sha256"][:8]
    turned = found.photos.set_index("path").loc["a/turned.png", "sha256"][:8]
    assert files == sorted(
        ["a/000.jpg", "a/001.jpg", "a/002.jpg", "a/turned.jpg", f"a/{turned}-turned.jpg",
         "b/001.jpg", "b/000.jpg", f"b/{second}-001.jpg"]
    )  # fmt: skip
    assert (clean / "a" / "000.jpg").read_bytes() == (root / "a" / "000.jpg").read_bytes()
    with Image.open(clean / "a" / f"{turned}-turned.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (48, 64))
        open_photo(root / "a" / "turned.png").save(tmp_path / "again.jpg", quality=95)
    again = (tmp_path / "again.jpg").read_bytes()
    assert (clean / "a" / f"{turned}-turned.jpg").read_bytes() == again
    assert list((tmp_path / "deep").iterdir()) == [clean]


def test_a_clean_copy_that_cannot_be_written_leaves_nothing(folder_of, tmp_path, monkeypatch):
    found = audit(folder_of({"a": 3, "b": 3}), tmp_path / "cache")
    (tmp_path / "there").mkdir()
    with pytest.raises(DataError, match=r"there is there already; name a folder that is not"):
        fix_to(found, tmp_path / "there")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(
        DataError, match=r"clean cannot be written: No space left on device\. Nothing was left behind\.$"
    ):
        fix_to(found, tmp_path / "place" / "clean")
    assert list((tmp_path / "place").iterdir()) == []
