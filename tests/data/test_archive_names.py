"""Names in archives: what the archive says of them counts; what it does not say is detected, and told."""

import os
import struct
import tarfile
import zipfile
import zlib

import pytest

from kimchi_vision.base.errors import DataError
from kimchi_vision.data.archive import opened
from kimchi_vision.data.encodings import DOUBLE, SINGLE, Guess, _is_common, _models, detect
from kimchi_vision.data.importing import import_photos
from kimchi_vision.data.zip_names import Names

DISHES = {
    "cp949": ("배추김치", "열무김치", "비빔밥", "떡볶이", "순두부찌개"),
    "gbk": ("苹果", "香蕉", "宫保鸡丁", "麻婆豆腐", "北京烤鸭"),
    "cp932": ("寿司", "天ぷら", "ラーメン", "味噌汁", "お好み焼き"),
    "big5": ("牛肉麵", "小籠包", "珍珠奶茶", "臭豆腐", "滷肉飯"),
    "cp850": ("crème", "jalapeño", "açaí", "pão", "knödel"),
    "cp437": ("crème", "jalapeño", "pâté", "knödel", "käse"),
    "cp1252": ("crème", "jalapeño", "açaí", "pão", "knödel"),
    "cp866": ("яблоко", "груша", "борщ", "пельмени", "Хлеб"),
    "utf-8": ("배추김치", "苹果", "寿司", "crème", "борщ"),
}


def zip_of(path, names, fields=None, flags=0, content=b""):
    """A zip of files of one content, with these raw names and extra fields, as its bytes lie there."""
    body, directory = b"", b""
    for place, raw in enumerate(names):
        extra = fields[place] if fields else b""
        sizes = len(content), len(content), len(raw), len(extra)
        head = struct.pack("<HHHHHLLLHH", 20, flags, 0, 0, 33, zlib.crc32(content), *sizes)
        directory += b"PK\1\2\x14\0" + head + struct.pack("<HHHLL", 0, 0, 0, 0, len(body)) + raw + extra
        body += b"PK\3\4" + head + raw + extra + content
    count = len(names)
    end = struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\5\6" + end)
    return path


def unicode_path(raw, name, checksum=None):
    content = struct.pack("<BL", 1, zlib.crc32(raw) if checksum is None else checksum) + name
    return struct.pack("<HH", 0x7075, len(content)) + content


def names_in(path, encoding=None):
    names = Names(encoding)
    with opened(path, None, names) as entries:
        return [entry.name for entry in entries], names.guessed


@pytest.mark.parametrize("encoding", DISHES)
def test_names_without_a_stated_encoding_are_read_as_their_country_wrote_them(tmp_path, encoding):
    wanted = [f"{dish}/1.jpg" for dish in DISHES[encoding]]
    path = zip_of(tmp_path / "a.zip", [name.encode(encoding) for name in wanted])
    found, guessed = names_in(path)
    assert found == wanted
    assert bool(guessed) == (encoding != "utf-8")
    assert names_in(path, encoding)[0] == wanted


@pytest.mark.parametrize("raw", ["열무김치/1.jpg".encode("cp949"), b"????/1.jpg"])
def test_the_unicode_path_field_counts_where_its_checksum_fits(tmp_path, raw):
    said = "苹果/1.jpg".encode()
    assert names_in(zip_of(tmp_path / "a.zip", [raw], [unicode_path(raw, said)])) == (["苹果/1.jpg"], {})
    stale = zip_of(tmp_path / "b.zip", [raw], [unicode_path(raw, said, checksum=5)])
    assert names_in(stale)[0] == [raw.decode("cp949")]


def test_names_in_an_encoding_that_nothing_fits_are_asked_about(tmp_path):
    path = zip_of(
        tmp_path / "a.zip", [f"{name}/1.jpg".encode("cp1253") for name in ("μήλο", "ψωμί", "γύρος")]
    )
    with pytest.raises(DataError, match=r"none that is known here fits: .* Give the right one"):
        names_in(path)
    assert names_in(path, "cp1253")[0][0] == "μήλο/1.jpg"


def test_names_of_an_archive_that_two_systems_filled_are_read_each_as_it_is(tmp_path):
    raws = ["김치/1.jpg".encode(), *(f"{name}/2.jpg".encode("cp949") for name in ("김치", "비빔밥"))]
    found, guessed = names_in(zip_of(tmp_path / "a.zip", raws))
    assert (found, list(guessed)) == (["김치/1.jpg", "김치/2.jpg", "비빔밥/2.jpg"], ["cp949"])


def test_what_python_makes_of_a_name_does_not_count():
    raw = "열무김치/1.jpg".encode("cp949")
    info = zipfile.ZipInfo(raw.decode("cp437"))
    info.filename = "????/1.jpg"  # Python from 3.12 on puts other texts here than those before
    assert Names().of_zip([info], "a.zip") == ["열무김치/1.jpg"]


def test_a_unicode_path_field_without_sense_is_damage(tmp_path):
    raw = "열무김치/1.jpg".encode("cp949")
    for field in (unicode_path(raw, b"\xff\xfe"), struct.pack("<HH", 0x7075, 3) + b"abc"):
        with pytest.raises(DataError, match="is damaged"):
            names_in(zip_of(tmp_path / "a.zip", [raw], [field]))


def test_a_false_utf8_flag_is_said(tmp_path):
    with pytest.raises(DataError, match="says that its names are UTF-8, and"):
        names_in(zip_of(tmp_path / "a.zip", ["비빔밥/1.jpg".encode("cp949")], flags=0x800))


def test_two_programs_wrote_one_archive(tmp_path):
    raws = ["배추김치/1.jpg".encode("cp949"), "깍두기/1.jpg".encode(), "열무김치/1.jpg".encode("cp949")]
    assert names_in(zip_of(tmp_path / "a.zip", raws))[0] == [
        "배추김치/1.jpg",
        "깍두기/1.jpg",
        "열무김치/1.jpg",
    ]


def test_the_names_of_inner_zips_are_read_with_those_around_them(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", ["猫/1.jpg".encode("gbk")]).read_bytes()
    with pytest.raises(DataError, match=r"does not say its encoding; it may hold .*猫"):
        names_in(tmp_path / "inner.zip")
    outer = [f"{dish}.zip".encode("gbk") for dish in DISHES["gbk"]]
    path = zip_of(tmp_path / "outer.zip", outer, content=inner)
    assert names_in(path)[0] == [f"{dish}/猫/1.jpg" for dish in DISHES["gbk"]]


def test_names_that_nothing_fits_beside_those_of_another_system_name_the_archive(tmp_path):
    greek = [f"{name}/1.jpg".encode("cp1253") for name in ("μήλο", "ψωμί", "γύρος")]
    with pytest.raises(DataError, match=r"a\.zip does not say the encoding of its names"):
        names_in(zip_of(tmp_path / "a.zip", ["김치/1.jpg".encode(), *greek]))


def test_three_names_are_shown_in_both_readings():
    dishes = [name.encode("cp949") for name in ("가지", "나물", "다시마", "라면")]
    with pytest.raises(DataError) as error:
        Guess("cp949", "gbk").check("a.csv", dishes, "Say which.")
    assert "hold 가지, 나물, 다시마 (cp949) or " in str(error.value)


@pytest.mark.parametrize(("encoding", "last", "first_rare"), [("cp949", "힝", "伽"), ("gbk", "座", "亍")])
def test_letters_in_daily_use_end_where_the_table_of_an_encoding_says(encoding, last, first_rare):
    assert _is_common(last, encoding)
    assert not _is_common(first_rare, encoding)


def test_the_models_of_languages_are_asked_about_each_encoding_by_its_name_here():
    found = _models(["борщ".encode("cp866"), "пельмени".encode("cp866")])
    assert {"cp866", "gbk", "big5"} <= set(found) <= {*DOUBLE, *SINGLE}
    assert max(found, key=found.__getitem__) == "cp866"


def test_two_readings_are_a_question(tmp_path):
    word = "猫/1.jpg".encode("gbk")
    assert detect([word]).rival
    with pytest.raises(DataError, match=r"猫 \(gbk\).*Give --encoding \w+ or --encoding \w+"):
        names_in(zip_of(tmp_path / "a.zip", [word]))
    assert names_in(tmp_path / "a.zip", "gbk")[0] == ["猫/1.jpg"]
    with pytest.raises(DataError, match="猫"):
        import_photos(tmp_path / "a.zip", tmp_path / "deep" / "photos")
    done = import_photos(tmp_path / "a.zip", tmp_path / "deep" / "photos", encoding="gbk")
    assert done.classes == {"猫": 1}


def test_an_encoding_that_is_forced_wrongly_is_said(tmp_path):
    path = zip_of(tmp_path / "a.zip", ["寿司/1.jpg".encode("cp932")])
    with pytest.raises(DataError, match="is not in utf-8; try another --encoding"):
        names_in(path, "utf-8")
    with pytest.raises(DataError, match="There is no encoding hangul"):
        names_in(path, "hangul")


def test_a_tar_and_a_folder_with_names_of_korean_windows(folder_of, tmp_path):
    root = folder_of({"배추김치": 2, "열무김치": 2})
    for folder in list(root.iterdir()):
        os.rename(bytes(folder), bytes(root) + b"/" + folder.name.encode("cp949"))
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        archive.add(root, "photos")
    for source in (root, tmp_path / "photos.tar"):
        done = import_photos(source, tmp_path / "out")
        assert done.classes == {"배추김치": 2, "열무김치": 2}
        assert done.notes[0] == ("import_encoding", {"encoding": "cp949", "names": "배추김치, 열무김치"})


def test_names_of_ascii_say_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"")
    assert names_in(tmp_path / "a.zip") == (["a/1.jpg"], {})
