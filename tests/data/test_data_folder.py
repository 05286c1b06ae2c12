import unicodedata

import pytest

from kimchi_vision.base.errors import DataError
from kimchi_vision.data.folder import find


def test_the_class_is_the_folder_at_any_depth(folder_of):
    root = folder_of({"kfood/김치/깍두기": 2, "갓김치": 1})
    listing = find(root)
    assert listing.photos["path"].tolist() == [
        "kfood/김치/깍두기/000.jpg",
        "kfood/김치/깍두기/001.jpg",
        "갓김치/000.jpg",
    ]
    assert listing.photos["label"].tolist() == ["깍두기", "깍두기", "갓김치"]


def test_both_unicode_forms_of_a_name_are_one_class(folder_of):
    root = folder_of({unicodedata.normalize(form, "총각김치"): 2 for form in ("NFC", "NFD")})
    assert set(find(root).photos["label"]) == {"총각김치"}


def test_strays_are_counted_not_taken(folder_of, photo):
    root = folder_of({"김치/배추김치": 2})
    photo(root / "김치" / "cover.jpg")
    photo(root / "김치" / "배추김치" / "._000.jpg")
    photo(root / "__MACOSX" / "배추김치" / "000.jpg")
    (root / "김치" / "배추김치" / "crop_area.properties").write_text("a=1,2,3,4")
    (root / "김치" / "무생채").mkdir()
    listing = find(root)
    assert len(listing.photos) == 2
    assert listing.notes() == [
        ("found_others", {"count": 1, "ending": ".properties"}),
        ("found_beside", {"count": 1}),
        ("found_hidden", {"count": 2}),
        ("found_empty", {"folder": "김치/무생채"}),
    ]


def test_links_are_not_followed(folder_of):
    root = folder_of({"a": 1, "b": 1})
    (root / "b" / "loop").symlink_to(root)
    listing = find(root)
    assert len(listing.photos) == 2
    assert listing.strays == {"links": 1}


def test_missing_and_empty_folders_say_where_photos_come_from(tmp_path):
    with pytest.raises(DataError, match=r"nowhere does not exist\. data/README\.md says"):
        find(tmp_path / "nowhere")
    (tmp_path / "깍두기").mkdir()
    with pytest.raises(DataError, match=r"holds no photo.*The class folder 깍두기 holds no photo"):
        find(tmp_path)
