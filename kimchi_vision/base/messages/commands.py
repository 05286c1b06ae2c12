"""Texts of the command line: key → English, Korean."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    # No command
    "first_steps": (
        "Photos in class folders become a classifier, and a page that says how far to trust it.",
        "클래스별 폴더의 사진으로 분류기를 만들고, 얼마나 믿을 수 있는지 한 페이지로 알려 줍니다.",
    ),
    "first_run": ("train on a folder of photos", "사진 폴더로 학습"),
    "first_predict": ("ask the model about photos", "사진을 모델에 물어보기"),
    "first_compare": ("which of two runs is better", "두 실험 중 나은 쪽"),
    "first_serve": ("a page for phones, and an API", "휴대폰용 페이지와 API"),
    "first_quickstart": (
        "No photos at hand? Drawn ones, in a few minutes: {command}",
        "사진이 없다면 그려 만든 사진으로 몇 분이면 됩니다: {command}",
    ),
    "first_help": ("Everything else: {command}", "나머지 명령: {command}"),
    # A run
    "next_steps": ("Next:", "다음 단계:"),
    "files_in": ("Files in {path}:", "{path} 폴더의 파일:"),
    "stage_photos": ("Reading photos", "사진 읽기"),
    "stage_features": ("Baseline", "기준 모델"),
    "stage_train": ("Training", "학습"),
    "stage_explain": ("Looking at the answers", "예측 살펴보기"),
    "stage_export": ("Writing files", "파일 쓰기"),
    "foreign_warnings": (
        "Warnings of libraries: {n}. They are in log.txt; -v shows them.",
        "라이브러리 경고 {n}건은 log.txt에 있습니다. -v를 붙이면 화면에도 나옵니다.",
    ),
    # Other commands
    "new_written": ("{path} is written. Next: {command}", "{path} 파일을 썼습니다. 다음: {command}"),
    "split_written": (
        "{path}: split {digest}. Use it with `data.split: {path}`.",
        "{path}: 나눔 {digest}. `data.split: {path}`로 씁니다.",
    ),
    "suspect_line": (
        "{path}: labelled {label}, looks like {suggested}",
        "{path}: 라벨 {label}, 모습 {suggested}",
    ),
    "suspects_written": (
        "{path}: {count} {count:suspect/suspects}. Strike out the rows that are right, then use it with "
        "`data.exclude` (leaves the photos out) or `data.relabel` (gives them the suggested class).",
        "{path}: 의심 라벨 {count}건. 맞는 줄은 지우고 `data.exclude`(사진 제외)나 `data.relabel`(제안한 "
        "클래스로 변경)로 쓰세요.",
    ),
    "trials_early": (
        "{trials} {trials:trial/trials} ended early, worse than half of those before: that spared {epochs} "
        "of {of_epochs} epochs, about {minutes} minutes.",
        "앞선 시도 절반보다 못한 시도 {trials}개를 일찍 끝내어, 전체 {of_epochs} 에포크 가운데 {epochs} "
        "에포크, 약 {minutes}분을 아꼈습니다.",
    ),
    "trials_in": ("{count} {count:trial/trials}: {path}", "시도 {count}번: {path}"),
    "chosen_settings": ("Chosen settings: {path}", "선택한 설정: {path}"),
    "cache_delete": ("Delete all of it with: {command}", "모두 지우기: {command}"),
    "cache_freed": ("{megabytes} MB freed in {path}", "{path}에서 {megabytes} MB를 비웠습니다"),
    "web_shown": ("Show it with: {command}", "보기: {command}"),
    "serving_at": ("{address}   (Ctrl-C ends it)", "{address}   (Ctrl-C로 끝냅니다)"),
    "below_threshold": ("unknown (below the threshold)", "모름(기준값 미만)"),
}
