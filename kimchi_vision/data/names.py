"""What names of folders say: a part of a set, a collection of photos, a wrapper, or only themselves."""

import re
import unicodedata
from collections.abc import Iterable

PARTS = {
    **dict.fromkeys(
        ("train", "training", "trainings", "trn", "tr", "trainval", "ts", "학습", "훈련", "트레이닝", "学習",
         "訓練", "训练", "entraînement", "entrainement", "apprentissage", "entrenamiento", "treino",
         "treinamento", "addestramento", "обучение"),
        "train",
    ),
    **dict.fromkeys(
        ("valid", "val", "validation", "validate", "vld", "va", "vs", "dev", "검증", "検証", "驗證", "验证",
         "validierung", "validación", "validacion", "validação", "validacao", "validazione", "валидация"),
        "valid",
    ),
    **dict.fromkeys(
        ("test", "tests", "testing", "tst", "te", "eval", "evaluation", "holdout", "시험", "평가", "테스트",
         "評価", "テスト", "測試", "测试", "prueba", "pruebas", "teste", "prova", "тест"),
        "test",
    ),
}  # fmt: skip
"""Words that say which part of a set a folder or a file of labels is; AI Hub's TS and VS hold its photos."""
WITHOUT_CLASS = frozenset(
    ("unlabeled", "unlabelled", "unlabel", "unsup", "unsupervised", "unsure", "pred", "미라벨", "unsorted",
     "unclassified", "uncategorized", "미분류", "분류전")
)  # fmt: skip
"""Folders of photos that have no class yet."""
SYSTEM_FOLDERS = frozenset(
    ("__MACOSX", "@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information",
     "lost+found", "__pycache__", "Thumbs.db")
)  # fmt: skip
NOT_CLASSES = frozenset(
    ("annotation", "annotations", "label", "labels", "meta", "metadata", "model", "models", "log", "logs",
     "doc", "docs", "script", "scripts", "src", "code", "checkpoint", "checkpoints", "export", "exports",
     "mask", "masks", "box", "boxes", "bboxes", "csv", "json", "xml", "xmls", "tmp", "cache",
     "runs", "라벨링데이터", "라벨", "라벨데이터")
)  # fmt: skip
"""Folders without photos that no one expects to be a class."""

NO_PHOTOS = frozenset(
    ("mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "ground_truth",
     "groundtruth", "gt", "thumb", "thumbs", "thumbnail", "thumbnails", "preview", "previews", "overlay",
     "overlays", "heatmap", "heatmaps", "마스크", "썸네일")
)  # fmt: skip
"""Folders whose pictures are drawn from the photos, where they are no class."""

_NUMBERED = re.compile(r"^[\d\s._\-()\[\]]+(?=\D)")
_WORD = re.compile(r"[^\W\d_]+")
_FILLER = frozenset(
    ("set", "data", "dataset", "image", "images", "img", "imgs", "photo", "photos", "split", "seg", "part",
     "folder", "list", "lists", "file", "files", "filelist", "filenames", "names", "ids", "데이터",
     "데이터셋", "이미지", "사진", "용", "셋", "세트", "자료", "목록", "파일")
)  # fmt: skip
_JOINED = re.compile(
    rf"(?P<word>{'|'.join(sorted(PARTS, key=len, reverse=True))})"
    r"(용|用)?(set|data|dataset|images|imgs|daten|list|데이터|데이터셋|이미지|사진|셋|세트|자료|データ|集|数据)?"
)
_APART = " _-.,()[]"
_WRAPPER = frozenset(
    ("원천데이터", "원천", "원시데이터", "라벨링데이터", "이미지", "사진", "데이터", "image", "images", "img",
     "imgs", "photo", "photos", "pic", "pics", "picture", "pictures", "jpg", "jpeg", "png", "jpegimages",
     "data", "dataset", "source", "raw data", "rawdata")
)  # fmt: skip
_COLLECTION = re.compile(
    r"(\d+[- ]?)?(day|date|session|batch|set|part|folder|group|series|shoot|shot|take|roll|box|bag|album|"
    r"page|visit|run|trip|round|week|month|year|camera|cam|phone|iphone|galaxy|android|mobile|dcim|img|imgs|image|"
    r"images|photo|photos|pic|pics|picture|pictures|jpg|jpeg|png|more|extra|copy|backup|web|google|bing|naver|"
    r"daum|instagram|crawl|crawled|crawling|download|downloads|upload|uploads|sub|dir|chunk|shard|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|jpegimages|"
    r"휴대폰|폰|핸드폰|카메라|사진|이미지|촬영|크롤링|추가|모음|구글|네이버|다음|인스타|인스타그램|폴더|묶음)"
    r"([ _.\-]*(\d+|[a-z]))?"
)
_NUMBER = re.compile(r"[\d\s._\-()]+|\d+ ?(일차|차|회차|회|주차|주|월|일|년|번|호|번째)|\d{3}[a-z]{5}")


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is never anyone's photo: systems and programs made it."""
    return name.startswith((".", "._")) or name in SYSTEM_FOLDERS


def plain(name: str) -> str:
    """A name without its Unicode form, case and numbers: `01.원천데이터_231` is 원천데이터."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return _NUMBERED.sub("", folded).rstrip(" _-.0123456789") or folded


def part_of(name: str) -> str:
    """train, valid or test where a name says no more, as `2.Validation` and `학습데이터` do; else ""."""
    part, rest = divided(name)
    return "" if rest else part


def divided(name: str) -> tuple[str, str]:
    """The part that words of a name say, or "", and the rest of it: cat_train, `TS1.김치`, food (test).

    A set of train and valid together is train.
    """
    name = unicodedata.normalize("NFC", name)
    found = _parts(name)
    kinds = set(found.values())
    if not kinds or (len(kinds) > 1 and kinds != {"train", "valid"}):
        return "", name
    rest = name
    for word in reversed(found):
        before, after = name[: word.start()].rstrip(_APART), rest[word.end() :].lstrip("0123456789")
        rest = "_".join(filter(None, (before, after.lstrip(_APART))))
    return max(kinds, key="train".__eq__), rest if _words(rest) else ""


def unsure(names: Iterable[str]) -> set[str]:
    """Those with TS, where others say train: AI Hub trains on TS, elsewhere it is a test set."""
    train = {name for name in names if divided(name)[0] == "train"}
    found = {name for name in train if "ts" in map(str.casefold, _WORD.findall(name))}
    return found if train - found else set()


def says_parts(name: str) -> bool:
    """Whether the name of a file says that it tells train from test, as train_test_split does."""
    return {"train", "test"} <= set(_parts(name).values())


def _parts(name: str) -> dict[re.Match[str], str]:
    """The words of a name that say a part, and the part of each."""
    words = {
        word: _JOINED.fullmatch(unicodedata.normalize("NFKC", word[0]).casefold())
        for word in _WORD.finditer(name)
    }
    return {word: PARTS[part["word"]] for word, part in words.items() if part}


def is_wrapper(name: str) -> bool:
    """Whether a folder only wraps others, as `01.원천데이터` and `images` do."""
    return plain(name) in _WRAPPER


def is_collection(name: str) -> bool:
    """Whether a name tells when or with what photos were taken, not what they show: day1, phone, 2차."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return bool(_NUMBER.fullmatch(folded) or _COLLECTION.fullmatch(folded) or is_wrapper(name))


def has_no_class(name: str) -> bool:
    """Whether a folder says of its photos that they have no class."""
    words = _words(name)
    return len(words) == 1 and words[0] in WITHOUT_CLASS


def holds_no_photos(name: str) -> bool:
    """Whether the pictures in a folder are, as likely as not, made from the photos: masks, thumbnails."""
    return plain(name).strip("_ -") in NO_PHOTOS


def is_no_class(name: str) -> bool:
    """Whether a folder without photos holds something else of a set, such as its annotations."""
    return plain(name).strip("_ -") in NOT_CLASSES or name.startswith("[라벨]")


def _words(name: str) -> list[str]:
    return [word for word in _WORD.findall(plain(name)) if word not in _FILLER]
