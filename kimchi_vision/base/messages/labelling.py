"""Texts about photos without a class, for `sort`, `label` and its page: key → English, Korean."""

from __future__ import annotations

LABELLING: dict[str, tuple[str, str]] = {
    # sort
    "sort_done": (
        "{count} {count:photo/photos} sorted now, {all} in all: {table}",
        "이번에 사진 {count}장을 분류했습니다. 모두 {all}장: {table}",
    ),
    "sort_never_unsure": (
        "The run has no threshold, so no photo is unsure. `--below 0.8` sets one.",
        "이 실험에는 기준값이 없어 모든 사진을 분류합니다. `--below 0.8`로 정할 수 있습니다.",
    ),
    "sort_there": (
        "{count} {count:photo lay/photos lay} there already with the same content.",
        "같은 내용의 사진 {count}장은 이미 있어 그대로 두었습니다.",
    ),
    "sort_numbered": (
        "{count} {count:photo got a number, as another photo has its name/photos got a number, as other "
        "photos have their names}.",
        "다른 사진과 이름이 같은 {count}장은 번호를 붙였습니다.",
    ),
    "sort_unreadable": ("{path}: {reason}", "{path}: {reason}"),
    "sort_undo": ("Take it back with: {command}", "되돌리기: {command}"),
    "sort_undone": (
        "{count} {count:file is/files are} taken away from {folder}.",
        "{folder}에서 파일 {count}개를 지웠습니다.",
    ),
    "sort_changed": (
        "{path} stays: it was changed since it was sorted.",
        "{path} 파일은 분류한 뒤 바뀌어 그대로 둡니다.",
    ),
    "sort_last_copy": (
        "{path} stays: the photo that it is a copy of is gone or was changed.",
        "{path} 파일은 원본이 없어졌거나 바뀌어 그대로 둡니다.",
    ),
    # label next
    "next_written": (
        "{count} {count:photo/photos} to label, the most useful first: {path}",
        "라벨을 붙일 사진 {count}장을 도움이 되는 순서로 썼습니다: {path}",
    ),
    "next_known": (
        "{count} {count:photo is/photos are} left out that the run knows or that have a label already.",
        "실험에 이미 쓴 사진이나 라벨이 있는 사진 {count}장은 제외했습니다.",
    ),
    "next_copies": (
        "{count} {count:photo is/photos are} left out with the content of another one.",
        "다른 사진과 내용이 같은 {count}장은 제외했습니다.",
    ),
    "next_label_studio": (
        "In Label Studio: interface.xml is the labelling interface; start it with "
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder}, and add that folder as local storage.",
        "Label Studio에서는 interface.xml을 라벨링 화면으로 씁니다. "
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true와 "
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder}로 시작하고, 그 폴더를 로컬 저장소로 추가하세요.",
    ),
    "next_take": ("When it is labelled: {command}", "라벨을 붙인 다음: {command}"),
    # label take
    "take_done": (
        "{count} {count:photo/photos} written into {folder}, {there} there already.",
        "사진 {count}장을 {folder}에 썼습니다. {there}장은 이미 있었습니다.",
    ),
    "take_conflict": (
        "{path} is not taken: {label} here, and {other} for the same photo. Decide, then take again.",
        "{path}: 라벨은 {label}, 같은 사진이 {other}에도 있어 쓰지 않았습니다. 정한 뒤 다시 실행하세요.",
    ),
    "take_unfound": (
        "{path} ({label}) is not among the photos of {folder}: moved or renamed since. Its label is still in "
        "the file; `--photos` names the folder that it lies in.",
        "{path}({label}) 사진이 {folder}에 없습니다. 옮기거나 이름을 바꾼 것 같습니다. 라벨은 파일에 그대로 "
        "있으니 사진이 있는 폴더를 `--photos`로 알려 주세요.",
    ),
    "take_copy": (
        "{path} shows the same picture as {other}, which is {label}.",
        "{path} 사진은 {label} 클래스의 {other} 사진과 같은 그림입니다.",
    ),
    # The page
    "label_title": ("What is on this photo?", "이 사진은 무엇인가요?"),
    "label_progress": ("Labelled photos", "라벨을 붙인 사진"),
    "label_other": ("Another class…", "다른 클래스…"),
    "label_back": ("Back", "이전"),
    "label_clear": ("No label", "라벨 지우기"),
    "label_skip": ("Skip", "건너뛰기"),
    "label_keys": (
        "Enter accepts the first, 2 to 9 another; / types a class; ← → walk; Backspace takes the label back.",
        "Enter는 첫 번째, 2~9는 그 번호의 클래스, /는 직접 입력, ← →는 이동, Backspace는 라벨 지우기입니다.",
    ),
    "label_written": (
        "Each answer is written at once to labels.csv in {folder}.",
        "답할 때마다 {folder} 폴더의 labels.csv에 바로 저장합니다.",
    ),
    "label_done": (
        "All are labelled. Next: label take {folder} --to CLASS_FOLDERS",
        "모두 라벨을 붙였습니다. 다음: label take {folder} --to 클래스_폴더",
    ),
    "label_gone": (
        "This photo is not there any more, or cannot be read. Skip it.",
        "이 사진이 없어졌거나 읽을 수 없습니다. 건너뛰세요.",
    ),
    "label_unreachable": (
        "The server does not answer, and this label is not written. Is it still running?",
        "서버가 응답하지 않아 이 라벨은 저장되지 않았습니다. 켜져 있는지 확인하세요.",
    ),
    "label_unknown": ("There is no class {label}.", "{label} 클래스는 없습니다."),
}
