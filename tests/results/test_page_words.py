"""No page holds a word of its own: all that people read is in the catalogue, in both languages."""

import re
from pathlib import Path

import pytest

import kimchi_vision
from kimchi_vision.base.messages import TEXTS

TEMPLATES = sorted(
    file
    for folder in ("base/pages", "results/report", "data", "deploy/labelling", "deploy/server")
    for file in (Path(kimchi_vision.__file__).parent / folder).glob("templates/*.html")
)
ALLOWED = {"kimchi", "vision", "n"}
"""The package's name and the sign of a number of photos."""


TAGS = re.compile(r"\{% block sources %\}.*?\{% endblock %\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
"""Of the templates; the block says from where a page may load."""


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_no_word(file):
    text = TAGS.sub(" ", file.read_text(encoding="utf-8"))
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    shown = re.findall(r"[^\W\d_]+", re.sub(r"<[^>]*>", " ", text))
    said = re.findall(r'(?:alt|title|aria-label|placeholder)="([^"]*)"', text)
    assert set(shown) | set(re.findall(r"[^\W\d_]+", " ".join(said))) <= ALLOWED


DECISIVE = """
recall: Recall / 재현율; precision: Precision / 정밀도; accuracy: Accuracy / 정확도
error_rate: Error / 오류; actual: Actual / 실제; predicted: Predicted / 예측
train: train / 학습; valid: valid / 검증; test: test / 시험
train_loss: Training / 학습; valid_loss: Validation / 검증; met: met / 달성; missed: missed / 미달
cannot_tell: cannot tell / 알 수 없음; not_measured: not measured / 측정 안 함
verdict_ship: Ship it / 배포해도 됩니다; verdict_not_yet: Not yet / 아직; against_floor: worse / 나쁩니다
drift_alike: Alike / 비슷합니다; drift_different: Different / 다릅니다
drift_cannot_tell: Cannot / 알 수 없습니다
drift_known: held-out / 검증·시험; drift_incoming: these / 이 사진들; drift_few: held-out / 검증·시험
only_wrong: wrong / 틀린; only_right: right / 맞힌; all_photos: all / 모든; answered: wrong / 오답
bin: right / 맞힘; right_of: are / 맞혔; never_predicted: Never / 한 번도; no_photos_of: No / 없는
below_threshold: below / 미만; serve_unknown: don't know / 모르겠; abstain_is: does not know / 모른다
overfits: validation loss rises / 검증 손실은 늘어납; kept_last: the last / 마지막
flatters: flatters / 좋으며
flatters_not: not this one / 그렇지 않; chose_nothing: Nothing / 아무것도; sort_changed: stays / 그대로
take_conflict: not taken / 쓰지 않; suspect_line: labelled {label} / 라벨 {label}
taken_for: {actual}, taken / {actual}인데; flips_right: Only {name} / {name}만
"""


def test_what_decides_says_the_same_in_both_languages():
    for row in DECISIVE.replace("\n", ";").split(";"):
        if row.strip():
            key, words = row.strip().split(": ")
            for said, word in zip(TEXTS[key], words.split(" / "), strict=True):
                assert word in said, key
