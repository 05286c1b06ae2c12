"""Texts about where a network looks, and about backgrounds."""

from __future__ import annotations

from collections.abc import Callable

from kimchi_vision.base.numbers import percent, points
from kimchi_vision.base.plain import Json

Text = Callable[..., str]

LOOKING: dict[str, tuple[str, str]] = {
    "overlay_of": ("where the network looks", "모델이 본 곳"),
    "background": ("Backgrounds", "배경"),
    "background_relies": (
        "Backgrounds decide part of the answers: {same} of photos are right on a background of their own "
        "class, {other} on one of another class. That is {gap} points ({low} to {high}).",
        "배경이 답을 일부 결정합니다. 같은 클래스의 배경에서는 {same}, 다른 클래스의 배경에서는 {other}를 "
        "맞힙니다. 차이는 {gap}%p입니다({low} ~ {high}).",
    ),
    "background_relies_next": (
        "Photograph each class on several tables and dishes, or cut photos to the food (`data.crop: box`), "
        "and measure again.",
        "클래스마다 여러 식탁과 그릇에서 찍거나 음식만 잘라(`data.crop: box`) 학습한 뒤 다시 재 보세요.",
    ),
    "background_no_boxes": (
        "Whether backgrounds decide is not judged: no boxes say where the food is. With the food guessed "
        "(GrabCut, from the middle of the photo), {same} of photos are right on the rest of another photo of "
        "their class, {other} on that of another class. These {gap} points ({low} to {high}) are owed to "
        "backgrounds or to food that the guess missed: the measurement cannot tell which.",
        "음식 위치를 알려 주는 상자가 없어 배경의 영향은 판정하지 않습니다. 음식 위치를 추정하면(사진 "
        "가운데에서 시작하는 GrabCut) 같은 클래스 사진의 나머지 위에서는 {same}, 다른 클래스에서는 "
        "{other}를 맞힙니다. 차이 {gap}%p({low} ~ {high})가 배경 때문인지, 추정이 놓친 음식 때문인지는 이 "
        "측정으로 알 수 없습니다.",
    ),
    "background_no_boxes_next": (
        "Boxes around the food would settle it: give boxes.csv (columns path, left, top, right, bottom) in "
        "the photos' folder. Look at the Grad-CAM pictures until then.",
        "음식 상자가 있으면 분명해집니다. 사진 폴더에 boxes.csv(path, left, top, right, bottom 열)를 두세요. "
        "그 전에는 Grad-CAM 그림을 확인하세요.",
    ),
    "background_little": (
        "Backgrounds matter little: {same} of photos are right on a background of their own class, {other} "
        "on one of another class ({gap} points, {low} to {high}). Nothing needs to be done.",
        "배경의 영향이 작습니다. 같은 클래스의 배경에서는 {same}, 다른 클래스의 배경에서는 {other}를 맞힙니다"
        "({gap}%p, {low} ~ {high}). 조치할 것이 없습니다.",
    ),
    "background_cannot_tell": (
        "Whether backgrounds decide cannot be told from these photos: {same} are right on a background of "
        "their own class, {other} on one of another class ({gap} points, {low} to {high}). More validation "
        "photos (`explain.background`) would tell.",
        "이 사진들만으로는 배경의 영향을 알 수 없습니다. 같은 클래스의 배경에서는 {same}, 다른 클래스의 "
        "배경에서는 {other}를 맞힙니다({gap}%p, {low} ~ {high}). 검증 사진을 "
        "늘려(`explain.background`) 보세요.",
    ),
    "background_no_pairs": (
        "Backgrounds could not be swapped: that takes two photos of a class.",
        "배경을 바꿀 수 없었습니다. 한 클래스에 사진이 두 장은 있어야 합니다.",
    ),
    "background_followed": (
        "On a background of another class, {followed} of photos ({low} to {high}) get that class.",
        "다른 클래스의 배경에 놓으면 사진의 {followed}({low} ~ {high})를 그 배경의 클래스로 답합니다.",
    ),
    "background_outside": (
        "{outside} of what the network looks at ({low} to {high}) lies outside the food, which is {area} of "
        "the picture.",
        "모델이 본 곳의 {outside}({low} ~ {high})가 음식 밖입니다. 음식 밖의 넓이는 {area}입니다.",
    ),
    "background_asked": (
        "Asked about {photos} validation photos. Where the food is: {masks}.",
        "검증 사진 {photos}장으로 쟀습니다. 음식의 위치: {masks}.",
    ),
    "mask_box": ("the data's boxes ({n})", "데이터의 상자({n}장)"),
    "mask_segmentation": ("GrabCut segmentation ({n})", "GrabCut 분할({n}장)"),
    "mask_middle": ("an ellipse in the middle ({n})", "가운데 타원({n}장)"),
    "background_guessing": (
        "Always guessing the commonest class would be right on {chance}.",
        "가장 흔한 클래스만 답하면 {chance}를 맞힙니다.",
    ),
    "condition_plain": ("as it is", "그대로"),
    "condition_food_only": ("food only, background blank", "음식만(배경 지움)"),
    "condition_blurred": ("background blurred", "배경 흐림"),
    "condition_background_only": ("background only, food blank", "배경만(음식 지움)"),
    "condition_same": ("on another background of its class", "같은 클래스의 다른 배경"),
    "condition_other": ("on a background of another class", "다른 클래스의 배경"),
    "no_background": (
        "No validation photo has food and background to tell apart.",
        "음식과 배경을 나눌 수 있는 검증 사진이 없습니다.",
    ),
    "written_to": ("Written: {path}", "저장: {path}"),
}


def about_background(found: Json, text: Text) -> list[str]:
    """What background.json says, in sentences: the verdict, what to do next, and what it stands on."""
    gap, conditions = found["gap"], found["conditions"]
    if gap is None:
        return [text("background_no_pairs"), _asked(found, text)]
    low, high = (points(edge) for edge in found["gap_interval"])
    shares = {name: percent(conditions[name]["accuracy"]) for name in ("same", "other")}
    # Folders of before call what no boxes bear out a suspicion, or little.
    boxed = set(found["masks"]) == {"box"}
    verdict = f"background_{found['verdict'].replace(' ', '_')}" if boxed else "background_no_boxes"
    sentences = [text(verdict, gap=points(gap), low=low, high=high, **shares)]
    if f"{verdict}_next" in LOOKING:
        sentences.append(text(f"{verdict}_next"))
    for name, more in (("followed", {}), ("outside", {"area": found["area"]})):
        if boxed and found[name] is not None:
            edges = dict(zip(("low", "high"), found[f"{name}_interval"], strict=True))
            values = {name: found[name], **edges, **more}
            sentences.append(text(f"background_{name}", **{k: percent(v) for k, v in values.items()}))
    guessing = text("background_guessing", chance=percent(found["chance"]))
    return [*sentences, guessing, _asked(found, text)]


def _asked(found: Json, text: Text) -> str:
    masks = ", ".join(text(f"mask_{kind}", n=count) for kind, count in found["masks"].items())
    return text("background_asked", photos=found["photos"], masks=masks)
