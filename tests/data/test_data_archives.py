"""Archives as people hand them over: what is taken of them, under which name, and what is refused."""

import io
import stat
import tarfile
import unicodedata
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kimchi_vision.base.errors import DataError
from kimchi_vision.data import archive, layout
from kimchi_vision.data.boxes import read_boxes
from kimchi_vision.data.importing import import_photos


def picture(seed=0, kind="JPEG", size=(48, 32)):
    file = io.BytesIO()
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


def zipped(files, path=None, compression=zipfile.ZIP_STORED):
    """A zip with these names and contents; its bytes, or written to a path."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path.write_bytes(file.getvalue()) if path else file.getvalue()


def imported(tmp_path, files, **options):
    """What an import of a zip of these files did, and the files that it wrote."""
    zipped(files, tmp_path / "set.zip")
    done = import_photos(tmp_path / "set.zip", tmp_path / "out", **options)
    return done, files_of(tmp_path / "out")


def files_of(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_only_photos_in_class_folders_are_taken_and_the_rest_is_counted(tmp_path):
    files = {
        "set/a/1.JPG": picture(1), "set/a/2.png": picture(2, "PNG"), "set/b/1.jpg": picture(3),
        "set/cover.jpg": picture(4), "top.jpg": picture(5), "set/a/.x.jpg": picture(6),
        "__MACOSX/set/a/1.jpg": b"", "set/@eaDir/1.jpg": b"", "set/list.csv": b"", "set/empty/": b"",
        "set/b/deeper/": b"",
    }  # fmt: skip
    done, written = imported(tmp_path, files)
    assert written == {"a/1.JPG": picture(1), "a/2.png": picture(2, "PNG"), "b/1.jpg": picture(3)}
    assert done.classes == {"a": 2, "b": 1}
    assert {kind: count for kind, count in done.left_out.items() if count} == {
        "hidden files": 3, "other files": 1, "photos beside class folders": 2,
    }  # fmt: skip


def test_the_first_photos_of_a_class_by_name_are_taken_wherever_they_lie(tmp_path):
    files = {f"{place}/a/{n}.jpg": picture(n) for place in ("photos", "images") for n in (3, 1, 2)}
    done, written = imported(tmp_path, {**files, "images/b/9.jpg": picture(9)}, per_class=4)
    assert done.classes == {"a": 4, "b": 1}
    assert written == {
        "a/1.jpg": picture(1), "a/2.jpg": picture(2), "a/3.jpg": picture(3), "a/1-2.jpg": picture(1),
        "b/9.jpg": picture(9),
    }  # fmt: skip


@pytest.mark.parametrize("category", ["b", unicodedata.normalize("NFD", "김치")])
def test_a_category_is_a_folder_of_that_name_too(tmp_path, category):
    files = {f"set/{name}/c/{n}.jpg": picture(n) for name in ("a", "b", "김치") for n in range(2)}
    files["set/b.jpg"] = picture(8)
    done, _ = imported(tmp_path, files, category=category)
    assert done.classes == {"c": 2}
    with pytest.raises(DataError, match=r"set\.zip holds no category x\. There are: a, b, set, 김치\.$"):
        import_photos(tmp_path / "set.zip", tmp_path / "x", category="x")


def test_a_set_without_class_folders_is_refused_with_what_it_holds(tmp_path):
    with pytest.raises(DataError, match=r"holds no photo in a class folder\. Left out: 1 photos beside"):
        imported(tmp_path, {"1.jpg": picture()})
    with pytest.raises(DataError, match=r"Left out: 1 hidden files; Left out: 1 photos"):
        imported(tmp_path, {"1.jpg": picture(), ".DS_Store": b""})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_within_zips_give_their_name_as_a_folder_once(tmp_path, compression):
    own = zipped({"1.jpg": picture(1), "2.jpg": picture(2)})
    repeated = zipped({"b/1.jpg": picture(3)})
    deep = zipped({"c.ZIP": zipped({"1.jpg": picture(4)})})
    zipped({"x/a.zip": own, "b.zip": repeated, "deep.zip": deep}, tmp_path / "set.zip", compression)
    import_photos(tmp_path / "set.zip", tmp_path / "out")
    assert files_of(tmp_path / "out") == {
        "a/1.jpg": picture(1), "a/2.jpg": picture(2), "b/1.jpg": picture(3), "c/1.jpg": picture(4),
    }  # fmt: skip


def test_links_are_left_out_of_every_kind_of_source(tmp_path):
    (tmp_path / "photos" / "a").mkdir(parents=True)
    (tmp_path / "photos" / "a" / "1.jpg").write_bytes(picture(1))
    (tmp_path / "photos" / "a" / "2.jpg").symlink_to(tmp_path / "photos" / "a" / "1.jpg")
    with tarfile.open(tmp_path / "set.tar", "w") as made:
        made.add(tmp_path / "photos", ".")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as made:
        made.write(tmp_path / "photos" / "a" / "1.jpg", "a/1.jpg")
        link = zipfile.ZipInfo("a/2.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "1.jpg")
    for name in ("photos", "set.tar", "set.zip"):
        import_photos(tmp_path / name, tmp_path / f"{name}-out")
        assert files_of(tmp_path / f"{name}-out") == {"a/1.jpg": picture(1)}


def test_backslashes_part_folders_and_names_without_a_flag_may_be_utf8(tmp_path):
    zipped({"XXXXXXXXX\\1.jpg": picture(1)}, tmp_path / "set.zip")
    content = (tmp_path / "set.zip").read_bytes().replace(b"X" * 9, "깍두기".encode())
    (tmp_path / "set.zip").write_bytes(content)
    assert import_photos(tmp_path / "set.zip", tmp_path / "out").classes == {"깍두기": 1}


@pytest.mark.parametrize("name", ["a/../../x.jpg", "/etc/a/x.jpg", "C:\\a\\x.jpg"])
def test_a_path_that_climbs_out_of_an_inner_zip_or_a_tar_is_refused(tmp_path, name):
    zipped({"inner.zip": zipped({name: picture()})}, tmp_path / "set.zip")
    with tarfile.open(tmp_path / "set.tar", "w") as made:
        info = tarfile.TarInfo(name.replace("\\", "/"))
        made.addfile(info, io.BytesIO(b""))
    for source in ("set.zip", "set.tar"):
        with pytest.raises(DataError, match="which climbs out of it"):
            import_photos(tmp_path / source, tmp_path / "out")


def test_space_is_asked_for_what_is_missing_only(tmp_path, monkeypatch):
    files = {f"{name}/{n}.jpg": picture(n) for name in "ab" for n in range(3)}
    size = sum(map(len, files.values()))

    def free(count):
        monkeypatch.setattr(archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": count}))

    free(size - 1)
    with pytest.raises(DataError, match=r"out: 0\.0 MB of space are missing; nothing was written"):
        imported(tmp_path, files)
    free(size)
    imported(tmp_path, files)
    (tmp_path / "out" / "b" / "2.jpg").unlink()
    free(len(picture(2)))
    imported(tmp_path, files)
    monkeypatch.setattr(archive, "LIMIT", size)
    monkeypatch.setattr(archive, "FILE_LIMIT", max(map(len, files.values())))
    free(size)
    import_photos(tmp_path / "set.zip", tmp_path / "again")
    monkeypatch.setattr(archive, "LIMIT", size - 1)
    with pytest.raises(DataError, match=r"^The photos unpack to 0 GB, above the limit of 0 GB"):
        import_photos(tmp_path / "set.zip", tmp_path / "more")


def test_sizes_are_told_in_gigabytes(tmp_path):
    with pytest.raises(DataError, match=r"^a/x unpacks to 1\.5 GB; no photo has so much"):
        archive.check_space([archive.Entry("a/x", 1_500_000_000, io.BytesIO)], tmp_path)
    with pytest.raises(DataError, match=r"^The photos unpack to 201 GB, above the limit of 200 GB\.$"):
        archive.check_room(201 * 10**9, tmp_path)


def test_the_place_for_a_packed_inner_zip_is_looked_at_first(tmp_path, monkeypatch):
    zipped({"a.zip": zipped({"1.jpg": picture()})}, tmp_path / "set.zip", zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 9}))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(DataError, match="of space are missing"):
        import_photos(tmp_path / "set.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def tarred(files):
    """The bytes of a tar with these names and contents."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("outer", [zipped, tarred])
def test_archives_of_every_kind_are_opened_within_one_another(tmp_path, outer):
    inner = {"a.tar": tarred({"1.jpg": picture(1)}), "b.zip": zipped({"1.jpg": picture(2)})}
    (tmp_path / "set").write_bytes(outer({"c/1.jpg": picture(3), **inner}))
    assert import_photos(tmp_path / "set", tmp_path / "out").classes == {"a": 1, "b": 1, "c": 1}
    (tmp_path / "folder").mkdir()
    for name, content in inner.items():
        (tmp_path / "folder" / name).write_bytes(content)
    assert import_photos(tmp_path / "folder", tmp_path / "more").classes == {"a": 1, "b": 1}


@pytest.mark.parametrize("name", ["김치.7z", "김치.alz", "김치.zip.part0", "김치.z01"])
def test_an_archive_that_nothing_here_opens_is_an_error_that_names_it(tmp_path, name):
    with pytest.raises(DataError, match=f"holds {name}, an archive of a kind that is not opened"):
        imported(tmp_path, {"밥/1.jpg": picture(), name: b"?"})


def test_a_class_of_an_archive_without_photos_leaves_an_empty_folder_that_is_asked_about(tmp_path):
    files = {"a/1": picture(1), "b/1.jpg": picture(2), "clips/1.mp4": b"?", "labels/1.json": b"{}"}
    done, written = imported(tmp_path, files)
    assert written == {"a/1": picture(1), "b/1.jpg": picture(2)}
    why = ("why_others", {"folder": "clips", "kinds": "1 .mp4"})
    assert done.notes == (("found_missing", {"label": "clips", "why": [why]}),)
    with pytest.raises(DataError, match="No photo of clips: the folder clips is empty"):
        layout.read(tmp_path / "out")


def test_lists_in_an_archive_give_its_parts_and_a_file_of_other_classes_is_an_error(tmp_path):
    files = {f"images/{name}/{n}.jpg": picture(n) for name in "ab" for n in range(2)}
    lists = {"meta/train.txt": b"a/0\nb/0\n", "meta/test.txt": b"a/1\nb/1\n"}
    _, written = imported(tmp_path, files | lists)
    assert sorted(written) == ["test/a/1.jpg", "test/b/1.jpg", "train/a/0.jpg", "train/b/0.jpg"]
    table = b"file,label\na/0.jpg,x\na/1.jpg,y\nb/0.jpg,x\nb/1.jpg,y\n"
    with pytest.raises(DataError, match=r"holds labels\.csv, which gives its photos other classes"):
        imported(tmp_path, {**files, "labels.csv": table})


def test_a_name_too_long_for_the_disk_ends_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be written: File name too long"):
        imported(tmp_path, {f"{'c' * 300}/1.jpg": picture(), "a/1.jpg": picture()})


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.zip does not exist\. Give the archive that was"):
        import_photos(tmp_path / "none.zip", tmp_path / "out")


BOXES = "1=4,6,20,10\n2=40,20,99,99\n3=100,2,5,5\n4=0,0,10,10\nlost=1,1,2,2\n"


def boxed():
    photos = {f"a/{n}.jpg": picture(n) for n in (1, 2, 3, 5)}
    return {**photos, "a/4.png": picture(4, "PNG"), "a/CROP_AREA.properties": BOXES}


def test_boxes_are_kept_in_the_pixels_of_their_photo(tmp_path):
    done, written = imported(tmp_path, boxed())
    table = pd.read_csv(tmp_path / "out" / "boxes.csv")
    assert table.columns.tolist() == ["path", "left", "top", "right", "bottom"]
    assert table.to_numpy().tolist() == [
        ["a/1.jpg", 4, 6, 24, 16], ["a/2.jpg", 40, 20, 48, 32], ["a/4.png", 0, 0, 10, 10],
    ]  # fmt: skip
    assert done.left_out["boxes outside their photo"] == 1
    assert done.left_out["boxes without a photo"] == 1
    assert written["a/1.jpg"] == picture(1)
    again, rewritten = imported(tmp_path, boxed())
    assert rewritten == written
    assert again.left_out == done.left_out


def test_a_cut_photo_is_saved_as_its_ending_says(tmp_path):
    _, written = imported(tmp_path, boxed(), crop=True)
    assert set(written) == {"a/1.jpg", "a/2.jpg", "a/3.jpg", "a/4.png", "a/5.jpg"}
    with Image.open(io.BytesIO(picture(1))) as whole, io.BytesIO() as file:
        whole.crop((4, 6, 24, 16)).save(file, "JPEG", quality=95)
        assert written["a/1.jpg"] == file.getvalue()
    with Image.open(io.BytesIO(written["a/4.png"])) as cut:
        assert (cut.format, cut.size) == ("PNG", (10, 10))
    assert (written["a/3.jpg"], written["a/5.jpg"]) == (picture(3), picture(5))


def test_a_damaged_photo_is_written_as_it_is(tmp_path):
    _, written = imported(tmp_path, {"a/1.jpg": b"no photo", "a/crop_area.properties": "1=1,1,2,2"})
    assert written == {"a/1.jpg": b"no photo"}


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("a=4,6,20,10", (4, 6, 24, 16)),
        ("A = 4.4,5.6,20.2,10", (4, 6, 25, 16)),
        ("a=-4,-6,20,30", (0, 0, 16, 24)),
        ("a=4,6,200,10", (4, 6, 50, 16)),
        ("a=4,6,10,200", (4, 6, 14, 40)),
        ("a=30,20", (0, 0, 30, 20)),
        ("a=,30,20", (0, 0, 30, 20)),
        ("a=word 30 20 9", (0, 0, 30, 20)),
        ("a=4,6,20,10,99 blurred", (4, 6, 24, 16)),
        ("a=1,2,3", None),
        ("a=7", None),
        ("a=", None),
        ("#a=1,2,3,4", None),
        ("a 1,2,3,4", None),
        ("a=50,0,5,5", None),
        ("a=0,40,5,5", None),
        ("a=4,6,0,5", None),
        ("a=4,6,5,0", None),
    ],
)
def test_a_line_of_the_box_file(line, box):
    assert read_boxes(f"\n{line}\n".encode()).of("a", (50, 40)) == box


def test_lines_without_sense_are_kept_and_comments_are_none():
    found = read_boxes("\ufeffa=1,2,3,4\n# note\n\nwhat\nb=1\n깍두기=1,2,3,4\n".encode())
    assert found.ignored == ("what", "b=1")
    assert set(found.areas) == {"a", "깍두기"}
    assert set(read_boxes("깍두기=1,2,3,4".encode("cp949")).areas) == {"깍두기"}
