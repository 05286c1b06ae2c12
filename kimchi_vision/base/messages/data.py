"""Texts about a folder of photos, for `data check` and its page: key → English, Korean."""

from __future__ import annotations

_LEARN = (" A model could learn that instead of the food.", " 모델이 음식 대신 이것을 배울 수 있습니다.")
_PAIRS = (
    "{property} sets {label} apart: in {own:.0%} of pairs its photo is the {more} one.",
    "{property}만으로 {label} 클래스를 알 수 있습니다. 사진 쌍의 {own:.0%}에서 이 클래스가 {more}.",
)
_MEASURED = {
    "brightness": (("Brightness", "brighter"), ("밝기", "더 밝습니다")),
    "sharpness": (("Sharpness", "sharper"), ("선명도", "더 선명합니다")),
    "size": (("Size", "larger"), ("크기", "더 큽니다")),
    "shape": (("Shape", "wider"), ("가로세로비", "가로로 더 깁니다")),
    "compression": (("Compression", "less compressed"), ("압축", "덜 압축되어 있습니다")),
}
_SHARES = (
    "{own:.0%} of the photos of {label} have the {property} {value}, {others:.0%} of the others.",
    "{label} 사진의 {own:.0%}가 {property} {value}이고, 다른 클래스는 {others:.0%}입니다.",
)
_STATED = {"camera": ("camera", "카메라"), "format": ("format", "형식"), "mode": ("colour mode", "색 방식")}


def _measured(name: str, place: int) -> str:
    named, more = _MEASURED[name][place]
    return _PAIRS[place].replace("{property}", named).replace("{more}", more) + _LEARN[place]


def _stated(name: str, place: int) -> str:
    return _SHARES[place].replace("{property}", _STATED[name][place]) + _LEARN[place]


DATA: dict[str, tuple[str, str]] = {
    # Findings
    "found_unreadable": (
        "{count} {count:photo/photos} cannot be read ({classes}): {reasons}.",
        "읽을 수 없는 사진이 {count}장 있습니다({classes}): {reasons}.",
    ),
    "found_tiny": (
        "{count} {count:photo has/photos have} a side below 16 pixels.",
        "한 변이 16픽셀보다 작은 사진이 {count}장 있습니다.",
    ),
    "found_elongated": (
        "{count} {count:photo is/photos are} over 8 times as long as wide.",
        "긴 변이 짧은 변의 8배를 넘는 사진이 {count}장 있습니다.",
    ),
    "found_conflict": (
        "{count} {count:picture lies/pictures lie} in two or more classes: one of the labels is wrong.",
        "같은 사진 {count}장이 둘 이상의 클래스에 있습니다. 라벨 중 하나는 틀렸습니다.",
    ),
    "found_duplicate": (
        "{count} {count:picture is/pictures are} there more than once, {photos} {photos:photo/photos} in "
        "all.",
        "같은 사진이 두 번 이상 있는 경우가 {count}건, 모두 {photos}장입니다.",
    ),
    "found_undecodable": (
        "{count} {count:file or folder is/files or folders are} left out whose names are not UTF-8; `data "
        "import` decodes them.",
        "이름이 UTF-8이 아닌 파일·폴더 {count}개를 제외했습니다. `data import`가 해독합니다.",
    ),
    "found_hidden": (
        "{count} hidden {count:file or folder is/files or folders are} left out.",
        "숨은 파일·폴더 {count}개를 제외했습니다.",
    ),
    "found_others": (
        "{count} {ending} {count:file is/files are} left out.",
        "{ending} 파일 {count}개를 제외했습니다.",
    ),
    "found_raw": (
        "{count} raw {count:file/files} beside a JPEG of the same name {count:is/are} left out.",
        "같은 이름의 JPEG가 있는 RAW 파일 {count}개를 제외했습니다.",
    ),
    "found_loops": (
        "{count} {count:link leads/links lead} to a folder that {count:it lies/they lie} in, and "
        "{count:is/are} not followed: {links}.",
        "링크 {count}개는 자신이 들어 있는 폴더를 가리켜 따라가지 않습니다: {links}.",
    ),
    "found_outside": (
        "{count} {count:link leads/links lead} out of the folder and {count:is/are} followed: {links}.",
        "링크 {count}개는 폴더 밖을 가리키며, 따라갑니다: {links}.",
    ),
    "found_again": (
        "{count} {count:link leads/links lead} to a folder that is read anyway, and {count:is/are} not "
        "followed: {links}.",
        "링크 {count}개는 이미 읽는 폴더를 가리켜 따라가지 않습니다: {links}.",
    ),
    "found_broken": (
        "{count} {count:link leads/links lead} nowhere: {links}.",
        "링크 {count}개는 가리키는 곳이 없습니다: {links}.",
    ),
    # Layouts
    "took": (
        "{classes} {classes:class/classes} with {photos} {photos:photo/photos} from {source}{parts}{aside}.",
        "클래스 {classes}개, 사진 {photos}장: {source}{parts}{aside}.",
    ),
    "took_parts": (", parts from {names}", ", 구분은 {names}"),
    "took_aside": ("; {of}", "; {of}"),
    "from_flat": ("class folders", "클래스 폴더"),
    "from_first": ("the folders' first level", "첫 단계 폴더"),
    "from_folder": ("the folders that photos lie in", "사진이 들어 있는 폴더"),
    "from_path": ("the folders' whole paths", "폴더의 전체 경로"),
    "from_table": ("{file}", "{file}"),
    "aside_unlabelled": (
        "{folder}/ holds {count} {count:photo/photos} without a class: set aside",
        "{folder}/의 사진 {count}장은 클래스가 없어 쓰지 않음",
    ),
    "aside_repeats": (
        "{folder}/ holds parts of its own with {count} {count:photo/photos}: set aside",
        "{folder}/에 따로 나눈 사진 {count}장이 있어 쓰지 않음",
    ),
    "aside_no_part": (
        "{folder}/ holds {count} {count:photo/photos} of no part: set aside",
        "{folder}/의 사진 {count}장은 구분이 없어 쓰지 않음",
    ),
    "aside_beside": (
        "{count} {count:photo lies/photos lie} beside the class folders, in {folder}: set aside",
        "{folder}에 클래스 폴더 밖의 사진 {count}장이 있어 쓰지 않음",
    ),
    "aside_unfound": (
        "{count} {count:line/lines} of {file} {count:names/name} no photo here",
        "{file}의 {count}줄은 여기 없는 사진",
    ),
    "found_missing": ("No photo of {label}: {why}.", "{label}의 사진이 없습니다: {why}."),
    "why_empty": ("the folder {folder} is empty", "폴더 {folder}이(가) 비어 있습니다"),
    "why_others": ("the folder {folder} holds {kinds} files", "폴더 {folder}에 {kinds} 파일만 있습니다"),
    "why_closed": (
        "the folder {folder} cannot be opened: {reason}",
        "폴더 {folder}을(를) 열 수 없습니다: {reason}",
    ),
    "why_undecodable": (
        "the name of {folder} is not UTF-8; `data import` decodes it",
        "{folder}의 이름이 UTF-8이 아닙니다. `data import`가 해독합니다",
    ),
    "why_broken": (
        "{folder} is a link to {target}, which is not there",
        "{folder}은(는) {target}을(를) 가리키는데 그것이 없습니다",
    ),
    "why_again": (
        "{folder} is a link to {target}, which is read by itself",
        "{folder}은(는) 따로 읽는 {target}을(를) 가리킵니다",
    ),
    "why_unfound": (
        "{file} names photos of {folder}, and none is here",
        "{file}에 {folder} 사진이 있지만 여기에는 하나도 없습니다",
    ),
    "why_left_out": (
        "all {count} {count:photo was/photos were} left out: {reasons}",
        "사진 {count}장이 모두 제외되었습니다: {reasons}",
    ),
    "found_two_forms": (
        "Folders named {label} in two Unicode forms count as one class.",
        "유니코드 형식만 다른 {label} 폴더들을 한 클래스로 봅니다.",
    ),
    "found_alike": (
        "The classes {labels} differ only in case, spaces or width.",
        "클래스 {labels}은(는) 대소문자, 공백, 전각·반각만 다릅니다.",
    ),
    "found_imbalance": (
        "{most} has {max} photos, {fewest} has {min}: read macro scores, and consider `data.per_class`.",
        "{most}은(는) {max}장, {fewest}은(는) {min}장입니다. 매크로 점수를 보고 "
        "`data.per_class`를 고려하세요.",
    ),
    "found_few": (
        "With 20 % for validation, fewer than {few} photos would score these classes. In brackets: how many, "
        "and what a recall of about 90 % of them would mean (95 % interval): {classes}.",
        "20 %를 검증에 쓰면 다음 클래스는 {few}장보다 적은 사진으로 채점됩니다. 괄호는 그 장수와, 재현율이 "
        "약 90 %일 때의 95 % 신뢰구간입니다: {classes}.",
    ),
    **{f"found_link_{name}": (_measured(name, 0), _measured(name, 1)) for name in _MEASURED},
    **{f"found_link_{name}": (_stated(name, 0), _stated(name, 1)) for name in _STATED},
    "found_ending": (
        "{count} {count:photo has/photos have} another format than {count:its/their} ending says; "
        "{count:it is/they are} read by content.",
        "확장자와 실제 형식이 다른 사진이 {count}장 있습니다. 내용에 따라 읽습니다.",
    ),
    "found_rotated": (
        "{count} {count:photo is/photos are} turned upright by {count:its/their} EXIF orientation.",
        "EXIF 방향에 따라 바로 세워 읽는 사진이 {count}장 있습니다.",
    ),
    "found_mode": (
        "{count} {count:photo is/photos are} palette, CMYK, 16-bit or transparent; {count:it is/they are} "
        "converted, not clipped.",
        "팔레트, CMYK, 16비트 또는 투명 사진이 {count}장 있습니다. 값을 자르지 않고 변환합니다.",
    ),
    "found_animated": (
        "{count} {count:photo has/photos have} several frames; the first one is used.",
        "여러 프레임이 있는 사진이 {count}장 있습니다. 첫 프레임을 씁니다.",
    ),
    "found_suspect": (
        "Labelled {label}, looks like {suggested}.",
        "라벨은 {label}, 모습은 {suggested}.",
    ),
    # Notes of a run
    "noted_whole": (
        "{count} {count:photo has/photos have} no box and {count:is/are} used whole.",
        "상자가 없어 전체를 쓰는 사진이 {count}장 있습니다.",
    ),
    "noted_new": (
        "{file} does not know {count} {count:photo/photos}; {count:it was/they were} shared out beside it.",
        "{file}에 없는 사진 {count}장은 따로 나누었습니다.",
    ),
    "noted_missing": (
        "{file} names {count} {count:photo/photos} that {count:is/are} not in use here.",
        "{file}에 있는 사진 {count}장은 여기서 쓰지 않습니다.",
    ),
    "noted_test_kept": (
        "The {count} test photos are not trained on; photos to validate with are taken from train.",
        "test 사진 {count}장은 학습에 쓰지 않고, 검증 사진은 train에서 나눕니다.",
    ),
    "noted_pooled": (
        "The {count} {count:photo/photos} of train and valid are shared out anew, as `data.parts: pool` "
        "says.",
        "`data.parts: pool`에 따라 train과 valid의 사진 {count}장을 새로 나눕니다.",
    ),
    "noted_test_validates": (
        "There is no valid folder: the photos of the test folder are the validation photos.",
        "valid 폴더가 없어 test 폴더의 사진으로 검증합니다.",
    ),
    "noted_unscored": (
        "No photo to validate with of: {classes}; their scores will say nothing.",
        "검증할 사진이 없는 클래스: {classes}. 이 클래스들의 점수는 뜻이 없습니다.",
    ),
    "noted_grouped": (
        "{photos} photos are {count} groups that stay together (copies of one picture, or `data.group_by`). "
        "With them {share:.0%} of the photos validate; {asked:.0%} was asked for. Of {label}: {own:.0%}.",
        "사진 {photos}장은 함께 두는 묶음 {count}개입니다(같은 사진의 사본, 또는 `data.group_by`). "
        "그래서 검증 사진은 전체의 {share:.0%}입니다(요청 {asked:.0%}). {label}에서는 {own:.0%}입니다.",
    ),
    "noted_left_out": (
        "{count} {count:photo was/photos were} left out ({classes}): {reasons}.",
        "사진 {count}장을 제외했습니다({classes}): {reasons}.",
    ),
    # An import
    "import_encoding": (
        "The archive does not say the encoding of its names; they were read as {encoding}: {names}. "
        "--encoding forces another.",
        "압축 파일에 이름의 인코딩이 없어 {encoding}(으)로 읽었습니다: {names}. "
        "--encoding으로 바꿀 수 있습니다.",
    ),
    "import_parts": (
        "The archive's parts are kept as folders: {parts}. An experiment keeps them too.",
        "압축 파일의 나눔을 폴더로 두었습니다: {parts}. 실험도 이 나눔을 그대로 씁니다.",
    ),
    "import_nested": (
        "The folders above the classes are kept, as their names alone would merge photos: {folders}, ...",
        "클래스 이름만으로는 사진이 섞이므로 위 폴더를 남겼습니다: {folders}, ...",
    ),
    "import_left_out": ("Left out: {count} {kind}", "제외: {kind} {count}"),
    "import_there": (
        "{count} {count:photo was/photos were} there already, with the same content.",
        "내용이 같은 사진 {count}장은 이미 있습니다.",
    ),
    "import_numbered": (
        "{count} {count:photo/photos} got a number in their name, as another photo has it.",
        "이름이 같은 다른 사진이 있어 {count}장은 이름에 번호를 붙였습니다.",
    ),
    "import_written": (
        "{count} {count:photo/photos} written to {folder}",
        "사진 {count}장을 {folder}에 썼습니다",
    ),
    # The page
    "audit_title": ("{root}: photos looked through", "{root}: 사진 점검"),
    "audit_counts": (
        "{photos} {photos:photo/photos}, {megabytes:.1f} MB, {classes} {classes:class/classes}, {findings} "
        "{findings:finding/findings}.",
        "사진 {photos}장, {megabytes:.1f} MB, 클래스 {classes}개, 발견 {findings}건.",
    ),
    "audit_findings": ("Findings", "발견한 것"),
    "audit_more": ("and {count} more", "그 밖에 {count}건"),
    "audit_nothing": ("Nothing to remark.", "지적할 것이 없습니다."),
    "audit_classes": ("Classes", "클래스"),
    "audit_class": ("Class", "클래스"),
    "audit_photos": ("Photos", "사진"),
    "audit_size": ("Median size", "크기(중앙값)"),
    "audit_samples": ("Samples", "예시"),
    "audit_page": ("Page: {file}", "페이지: {file}"),
    "audit_clean": (
        "Clean copy: {folder}, {count} {count:photo/photos} left out (left-out.csv).",
        "정리한 사본: {folder}, 제외한 사진 {count}장(left-out.csv).",
    ),
}
