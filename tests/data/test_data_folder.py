import os
import unicodedata

import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config.sections import Data
from kimchi_vision.data.folder import walk
from kimchi_vision.data.layout import read


def test_the_class_is_the_folder_below_those_that_hold_all(folder_of):
    listing = read(folder_of({"kfood/김치/깍두기": 2, "kfood/김치/갓김치": 1}))
    assert listing.photos["path"].tolist() == [
        "kfood/김치/갓김치/000.jpg",
        "kfood/김치/깍두기/000.jpg",
        "kfood/김치/깍두기/001.jpg",
    ]
    assert listing.photos["label"].tolist() == ["갓김치", "깍두기", "깍두기"]


def test_both_unicode_forms_of_a_name_are_one_class(folder_of):
    root = folder_of({unicodedata.normalize(form, "총각김치"): 2 for form in ("NFC", "NFD")})
    assert set(read(root).photos["label"]) == {"총각김치"}


def test_strays_are_counted_not_taken(folder_of, photo):
    root = folder_of({"김치/배추김치": 2, "김치/갓김치": 2})
    photo(root / "김치" / "cover.jpg")
    photo(root / "김치" / "배추김치" / "._000.jpg")
    photo(root / "__MACOSX" / "배추김치" / "000.jpg")
    photo(root / "김치" / "갓김치" / "@eaDir" / "thumb.jpg")
    (root / "김치" / "배추김치" / "crop_area.properties").write_text("a=1,2,3,4")
    (root / "김치" / "무생채").mkdir()
    listing = read(root, missing_class="drop")
    assert len(listing.photos) == 4
    assert said(listing) == [
        "2 classes with 4 photos from class folders; "
        "1 photo lies beside the class folders, in 김치: set aside.",
        "No photo of 무생채: the folder 김치/무생채 is empty.",
        "3 hidden files or folders are left out.",
        "1 .properties file is left out.",
    ]


def said(listing, lang="en"):
    return [catalogue(lang)(says, **values) for says, values in listing.notes()]


def test_links_are_followed_but_for_loops(folder_of, photo, tmp_path):
    root = folder_of({"a": 1, "b": 1})
    (root / "b" / "loop").symlink_to(root)
    photo(tmp_path / "store" / "c" / "1.jpg", 50)
    (root / "c").symlink_to(tmp_path / "store" / "c")
    (tmp_path / "store" / "c" / "back").symlink_to(tmp_path / "store" / "c")
    photo(tmp_path / "store" / "d.jpg", 51).rename(tmp_path / "store" / "d")
    (root / "a" / "more.jpg").symlink_to(tmp_path / "store" / "d")
    listing = read(root)
    assert listing.photos["path"].tolist() == [
        "a/000.jpg",
        "a/more.jpg",
        "b/000.jpg",
        "c/1.jpg",
    ]
    assert said(listing)[1:] == [
        "2 links lead to a folder that they lie in, and are not followed: b/loop, c/back.",
        "3 links lead out of the folder and are followed: a/more.jpg, c, c/back.",
    ]


def test_a_link_to_a_class_that_is_read_anyway_is_no_class(folder_of):
    root = folder_of({"a": 1, "b": 1})
    (root / "alias").symlink_to(root / "a")
    with pytest.raises(DataError, match="No photo of alias: alias is a link to a, which is read by itself"):
        read(root)
    assert set(read(root, missing_class="drop").photos["label"]) == {"a", "b"}


def test_a_link_that_leads_nowhere_is_a_photo_that_cannot_be_read(folder_of, tmp_path):
    root = folder_of({"a": 3, "b": 3})
    (root / "a" / "gone.jpg").symlink_to(tmp_path / "annex" / "1")
    (root / "b" / "9f86d081").symlink_to(tmp_path / "annex" / "2")
    with pytest.raises(
        DataError, match=r"2 photos cannot be used \(a 1, b 1\):(.|\n)*gone\.jpg .*No such file"
    ):
        data.load(Data(path=root), tmp_path / "cache")


def test_files_without_an_ending_are_looked_into(folder_of):
    root = folder_of({"a": 3, "b": 3})
    for number, file in enumerate(sorted((root / "b").iterdir())):
        file.rename(file.with_name(("1021845", "photo.jpg_large", "x.1")[number]))
    (root / "b" / "notes").write_text("no photo")
    os.mkfifo(root / "b" / "pipe")
    listing = read(root)
    assert listing.photos["label"].value_counts().to_dict() == {"a": 3, "b": 3}
    assert said(listing)[1:] == ["2 nameless files are left out."]


def test_a_folder_that_cannot_be_opened_is_an_error(folder_of, monkeypatch):
    root = folder_of({"a": 1, "b": 1, "c": 1})
    scandir = os.scandir

    def refuse(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="No photo of b: the folder b cannot be opened: Permission denied"):
        read(root)


def test_a_name_that_is_not_utf8_is_an_error(folder_of):
    root = folder_of({"a": 1, "b": 1})
    os.mkdir(os.fsencode(root) + b"/\xb1\xe8\xc4\xa1")
    with pytest.raises(DataError, match="not UTF-8; `data import` decodes it"):
        read(root)


def test_missing_and_empty_folders_say_where_photos_come_from(tmp_path):
    with pytest.raises(DataError, match=r"nowhere does not exist\. Photos lie in folders"):
        read(tmp_path / "nowhere")
    (tmp_path / "깍두기").mkdir()
    with pytest.raises(DataError, match=r"holds no photo.*the folder 깍두기 is empty"):
        read(tmp_path)


def test_a_raw_file_beside_its_jpeg_is_one_photo(folder_of):
    root = folder_of({"a": 2, "b": 2})
    (root / "a" / "000.CR2").write_bytes(b"II*\0")
    (root / "b" / "alone.nef").write_bytes(b"MM\0*")
    assert walk(root).files() == ["a/000.jpg", "a/001.jpg", "b/000.jpg", "b/001.jpg", "b/alone.nef"]
    with pytest.raises(DataError, match=r"alone\.nef cannot be read: a camera's raw file: save it as JPEG"):
        data.load(Data(path=root))


def test_photos_of_phones_are_read_or_the_remedy_is_told(folder_of, tmp_path):
    root = folder_of({"a": 3, "b": 3})
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    (root / "b" / "IMG_1.HEIC").write_bytes(heic)
    (root / "c").mkdir()
    for number in range(3):
        (root / "c" / f"IMG_{number}.HEIC").write_bytes(heic)
    with pytest.raises(DataError, match=r"4 photos cannot be used \(c 3, b 1\)(.|\n)*IMG_1\.HEIC cannot"):
        data.load(Data(path=root), tmp_path / "cache")
    section = Data(path=root, policy={"unreadable": "skip"})
    with pytest.raises(DataError, match="No photo of c: all 3 photos were left out"):
        data.load(section, tmp_path / "cache")


def test_heic_is_read_where_its_reader_is_installed(folder_of, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    root = folder_of({"a": 3, "b": 3})
    for file in sorted((root / "b").iterdir()):
        with Image.open(file) as image:
            heif.from_pillow(image).save(file.with_suffix(".HEIC"))
        file.unlink()
    photos = data.load(Data(path=root, splitter="stratified"), tmp_path / "cache")
    assert set(photos.items["label"]) == {"a", "b"}
