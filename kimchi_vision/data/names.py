"""What names of folders say: a part of a set, a collection of photos, a wrapper, or only themselves."""

import re
import unicodedata

PARTS = {
    "train": "train", "training": "train", "trn": "train", "tr": "train",
    "학습": "train", "훈련": "train", "트레이닝": "train",
    "valid": "valid", "val": "valid", "validation": "valid", "validate": "valid", "vld": "valid",
    "va": "valid", "dev": "valid", "검증": "valid",
    "test": "test", "testing": "test", "tst": "test", "te": "test", "eval": "test", "evaluation": "test",
    "holdout": "test", "시험": "test", "평가": "test", "테스트": "test",
}  # fmt: skip
"""Words that say which part of a set a folder or a file of labels is."""
WITHOUT_CLASS = frozenset(
    ("unlabeled", "unlabelled", "unlabel", "unsup", "unsupervised", "unsure", "pred", "미라벨")
)
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

_NUMBERED = re.compile(r"^[\d\s._\-()\[\]]+(?=\D)")
_WORD = re.compile(r"[^\W\d_]+")
_FILLER = frozenset(
    ("set", "data", "dataset", "image", "images", "img", "imgs", "photo", "photos", "split", "seg", "part",
     "folder", "데이터", "데이터셋", "이미지", "사진", "용", "셋", "세트", "자료")
)  # fmt: skip
_JOINED = re.compile(
    rf"(?P<word>{'|'.join(sorted(PARTS, key=len, reverse=True))})"
    r"(용)?(set|data|dataset|images|imgs|데이터|데이터셋|이미지|사진|셋|세트|자료)?"
)
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
    """A name without its Unicode form, case and number in front: `1.Training` is training."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return _NUMBERED.sub("", folded).strip()


def part_of(name: str) -> str:
    """train, valid or test where a name says no more, as `2.Validation` and `학습데이터` do; else ""."""
    words = _words(name)
    joined = _JOINED.fullmatch(words[0]) if len(words) == 1 else None
    return PARTS[joined["word"]] if joined else ""


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


def is_no_class(name: str) -> bool:
    """Whether a folder without photos holds something else of a set, such as its annotations."""
    return plain(name).strip("_ -") in NOT_CLASSES


def _words(name: str) -> list[str]:
    return [word for word in _WORD.findall(plain(name)) if word not in _FILLER]
