import errno
import io
import os
import re
import tarfile
import unicodedata
import zipfile

import pandas as pd
import pytest
from PIL import Image

from kimchi_vision.base.errors import DataError
from kimchi_vision.data import archive, importing
from kimchi_vision.data.boxes import read_boxes
from kimchi_vision.data.importing import import_photos

CROPS = """Img_000_0000=4,6,20,10
IMG_000_0001=30,20
Img_000_0002=,640,480
Img_000_0003=dissimilar,16,12
Img_000_0004= 1 , 2 , 8 , 9 blurred
Img_000_0009=1,2,3,4
Img_000_0005=none
"""


def picture(shade=0):
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 80, 120)).save(file, "JPEG")
    return file.getvalue()


def inner_zip(category, names, crops=CROPS):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            for number in range(6):
                archive.writestr(f"{category}/{name}/Img_000_{number:04}.jpg", picture(number))
            archive.writestr(f"{category}/{name}/crop_area.properties", crops)
            archive.writestr(f"{category}/{name}/.DS_Store", b"")
    return file.getvalue()


@pytest.fixture
def kfood(tmp_path):
    """A small look-alike of AI Hub's zip of zips; one inner zip stored, one compressed."""
    path = tmp_path / "kfood.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "kfood/김치.zip", inner_zip("김치", [unicodedata.normalize("NFD", "갓김치"), "깍두기"])
        )
        packed = inner_zip("구이", ["갈비구이"])
        archive.writestr("kfood/구이.zip", packed, zipfile.ZIP_DEFLATED)
    return path


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_category_of_a_zip_of_zips(kfood, tmp_path):
    done = import_photos(kfood, tmp_path / "out", category="김치", per_class=5)
    assert done.classes == {"갓김치": 5, "깍두기": 5}
    assert (tmp_path / "out" / "깍두기" / "Img_000_0003.jpg").read_bytes() == picture(3)
    assert done.left_out["hidden files"] == 2
    assert done.left_out["boxes without a photo"] == 2
    assert done.left_out["box lines without sense"] == 2
    assert import_photos(kfood, tmp_path / "all").classes == {"갈비구이": 6, "갓김치": 6, "깍두기": 6}


def test_an_unknown_category_lists_what_is_there(kfood, tmp_path):
    with pytest.raises(DataError, match=r"holds no category 국\. There are: 구이, 김치\."):
        import_photos(kfood, tmp_path / "out", category="국")


def test_boxes_in_every_dirty_form(kfood, tmp_path):
    import_photos(kfood, tmp_path / "out", category="김치")
    boxes = pd.read_csv(tmp_path / "out" / "boxes.csv").set_index("path")
    assert boxes.loc["깍두기/Img_000_0000.jpg"].tolist() == [4, 6, 24, 16]
    assert boxes.loc["깍두기/Img_000_0001.jpg"].tolist() == [0, 0, 30, 20]
    assert boxes.loc["깍두기/Img_000_0002.jpg"].tolist() == [0, 0, 64, 48]
    assert boxes.loc["깍두기/Img_000_0003.jpg"].tolist() == [0, 0, 16, 12]
    assert boxes.loc["깍두기/Img_000_0004.jpg"].tolist() == [1, 2, 9, 11]
    assert len(boxes) == 10
    assert read_boxes(b"a=100,100,5,5").of("A", (50, 50)) is None


def test_photos_are_cut_to_their_boxes(kfood, tmp_path):
    import_photos(kfood, tmp_path / "out", category="김치", crop=True)
    with Image.open(tmp_path / "out" / "깍두기" / "Img_000_0000.jpg") as image:
        assert image.size == (20, 10)
    assert not (tmp_path / "out" / "boxes.csv").exists()


def test_an_interrupted_import_goes_on(kfood, tmp_path, monkeypatch):
    import_photos(kfood, tmp_path / "whole", category="김치")
    written = []
    replace = importing.os.replace

    def stop_half_way(source, target):
        written.append(target)
        if len(written) > 5:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(importing.os, "replace", stop_half_way)
        with pytest.raises(KeyboardInterrupt):
            import_photos(kfood, tmp_path / "twice", category="김치")
    assert len(files_of(tmp_path / "twice")) == 5
    import_photos(kfood, tmp_path / "twice", category="김치")
    assert files_of(tmp_path / "twice") == files_of(tmp_path / "whole")


def test_names_from_korean_windows(tmp_path):
    path = tmp_path / "windows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2):
            info = zipfile.ZipInfo("X" * 6 + f"/{number}.jpg")
            archive.writestr(info, picture(number))
    path.write_bytes(path.read_bytes().replace(b"X" * 6, "깍두기".encode("cp949")))
    assert import_photos(path, tmp_path / "out").classes == {"깍두기": 2}


def test_a_tar_and_a_folder(folder_of, tmp_path):
    root = folder_of({"a": 2, "b": 3})
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as archive:
        archive.add(root, "photos")
    for source in (root, tmp_path / "photos.tar.gz"):
        import_photos(source, tmp_path / source.name.replace(".", "-"))
        assert files_of(tmp_path / source.name.replace(".", "-")) == files_of(root)


@pytest.mark.parametrize("name", ["../a/x.jpg", "/a/x.jpg", "C:/a/x.jpg"])
def test_a_path_that_climbs_out_is_refused(tmp_path, name):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, picture())
    with pytest.raises(DataError, match="climbs out"):
        import_photos(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_imported(tmp_path, kfood, monkeypatch):
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DataError, match="neither a folder nor a zip or tar archive"):
        import_photos(tmp_path / "text.zip", tmp_path / "out")
    content = bytearray(kfood.read_bytes())
    for directory in re.finditer(b"PK\x01\x02", bytes(content)):
        content[directory.start() + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"):
        import_photos(tmp_path / "locked.zip", tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
        with pytest.raises(DataError, match="MB of space are missing; nothing was written"):
            import_photos(kfood, tmp_path / "out")
    monkeypatch.setattr(archive, "LIMIT", 100)
    with pytest.raises(DataError, match="above the limit of"):
        import_photos(kfood, tmp_path / "out")


def test_an_archive_that_is_cut_off_or_changed_is_called_damaged(tmp_path, folder_of, kfood):
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as file:
        file.add(folder_of({"a": 4, "b": 4}), "photos")
    content = (tmp_path / "photos.tar.gz").read_bytes()
    (tmp_path / "photos.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"photos\.tar\.gz is damaged: .* Get it again"):
        import_photos(tmp_path / "photos.tar.gz", tmp_path / "out")
    content = kfood.read_bytes()
    kfood.write_bytes(content.replace(picture(3), picture(3)[:-9] + b"otherwise"))
    with pytest.raises(DataError, match=r"김치\.zip inside .*kfood\.zip is damaged"):
        import_photos(kfood, tmp_path / "out", category="김치")


def test_limits_of_a_file_and_of_zips_within_zips(tmp_path, kfood, monkeypatch):
    content = inner_zip("김치", ["깍두기"])
    for number in range(3):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as outer:
            outer.writestr(f"{number}.zip", content)
        content = file.getvalue()
    (tmp_path / "deep.zip").write_bytes(content)
    with pytest.raises(DataError, match="zips within zips, over 3 deep"):
        import_photos(tmp_path / "deep.zip", tmp_path / "out")
    monkeypatch.setattr(archive, "FILE_LIMIT", 100)
    with pytest.raises(DataError, match=r"Img_000_0000\.jpg unpacks to"):
        import_photos(kfood, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_what_may_not_be_read(tmp_path, kfood, folder_of, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DataError, match=r"kfood\.zip cannot be read: you have no right to"):
        import_photos(kfood, tmp_path / "out")
    root, scandir = folder_of({"a": 2, "b": 2}), os.scandir

    def refuse(path):
        if str(path).endswith("b"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"b cannot be read: Permission denied\. Nothing was imported"):
        import_photos(root, tmp_path / "out")


def test_a_disk_that_fills_up_leaves_whole_photos_only(tmp_path, kfood, monkeypatch):
    whole = tmp_path / "whole"
    import_photos(kfood, whole, category="김치")
    written = []

    def replace(source, target):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(target)
        os.rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(importing.os, "replace", replace)
        with pytest.raises(
            DataError,
            match=r"the disk is full, 0\.0 MB more are needed\. What is there is whole; import again",
        ):
            import_photos(kfood, tmp_path / "out", category="김치")
    out = tmp_path / "out"
    there = [path for path in out.rglob("*") if path.is_file()]
    assert len(there) == 3
    assert all(
        path.read_bytes() == (whole / path.relative_to(tmp_path / "out")).read_bytes() for path in there
    )


def test_a_folder_without_the_right_to_write(tmp_path, kfood, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(DataError, match="cannot be written: Permission denied"):
        import_photos(kfood, tmp_path / "out", category="김치")
