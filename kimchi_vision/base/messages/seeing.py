"""Texts about photos beside each other: key → English, Korean."""

from __future__ import annotations

SEEING: dict[str, tuple[str, str]] = {
    # The map
    "section_map": ("Map", "사진 지도"),
    "map_help": (
        "Each dot is a photo; what the network finds alike lies together, distances between heaps mean "
        "nothing. Ringed dots are mistakes. Point at one to see it, press it for the most similar photos.",
        "점 하나가 사진 한 장입니다. 모델이 비슷하게 보는 사진끼리 모이며, 떨어진 무리 사이의 거리에는 뜻이 "
        "없습니다. 테두리가 있는 점은 틀린 사진입니다. 점을 가리키면 사진이, 누르면 가장 비슷한 사진들이 "
        "나옵니다.",
    ),
    "map_of_folder": (
        "Seen by a network that knows ImageNet and has learnt nothing of these classes. A mistake is a photo "
        "that a linear head, fitted on the others, takes for another class: look at its label first.",
        "ImageNet만 배우고 이 클래스들은 배우지 않은 모델로 본 것입니다. 틀린 사진이란 나머지 사진으로 맞춘 "
        "선형 분류기가 다른 클래스로 보는 사진입니다. 라벨부터 확인해 보세요.",
    ),
    "labelled": ("Labelled", "라벨"),
    "most_similar": ("Most similar", "가장 비슷한 사진"),
    # similar
    "similar_title": ("{run}: similar photos", "{run}: 비슷한 사진"),
    "similar_help": (
        "The first photo of each row was asked about, and what it is taken for stands below it; the others "
        "are photos of the run that its network finds most like it. 1 is the most that two can be alike.",
        "줄마다 첫 사진이 물어본 사진이고 그 아래가 모델의 답입니다. 나머지는 모델이 가장 비슷하게 보는 이 "
        "실험의 사진입니다. 1이 가장 비슷한 값입니다.",
    ),
    "likeness": ("alike: {share}", "비슷한 정도: {share}"),
    # Two runs
    "flips_title": ("Photos that changed sides", "맞고 틀림이 바뀐 사진"),
    "flips_help": (
        "In red the answer of the run that is wrong, the surest first; below it the class and the file.",
        "빨간 글자는 틀린 쪽의 답이고, 확신한 실수부터 보입니다. 그 아래는 실제 클래스와 파일입니다.",
    ),
    "flips_right": ("Only {name} has right", "{name}만 맞힌 사진"),
    # Other runtimes
    "openvino_faster": (
        "OpenVINO answered {ratio} times as fast as onnxruntime where its file was written.",
        "OpenVINO는 이 파일을 만든 컴퓨터에서 onnxruntime의 {ratio}배 속도로 답했습니다.",
    ),
    "decision_openvino_ms": ("Network in OpenVINO, median, ms", "OpenVINO 신경망 중앙값, ms"),
    "decision_openvino_mb": ("OpenVINO file, MB", "OpenVINO 파일, MB"),
    "decision_litert_ms": ("Network in LiteRT, median, ms", "LiteRT 신경망 중앙값, ms"),
    "decision_litert_mb": ("LiteRT file, MB", "LiteRT 파일, MB"),
    "decision_coreml_mb": ("Core ML file, MB", "Core ML 파일, MB"),
    # drift
    "drift_title": ("{folder} beside {run}", "{folder}: {run}에 비추어 보기"),
    "drift_alike": (
        "Alike: these photos are like those that the model was trained on, so its scores should hold.",
        "비슷합니다. 이 사진들은 모델이 배운 사진과 비슷하므로 점수를 그대로 믿어도 됩니다.",
    ),
    "drift_different": (
        "Different: these photos are not like those that the model was trained on, so its scores may not "
        "hold. Look at the most unlike ones; label some of these photos to score it on them, or to train on.",
        "다릅니다. 이 사진들은 모델이 배운 사진과 달라 점수가 맞지 않을 수 있습니다. 가장 다른 사진들을 "
        "보고, 일부에 라벨을 붙여 다시 채점하거나 학습에 더하세요.",
    ),
    "drift_cannot_tell": (
        "Cannot tell: {photos} {photos:photo is/photos are} too few to say whether they are like those that "
        "the model was trained on. Ask again with more.",
        "알 수 없습니다. 사진 {photos}장으로는 모델이 배운 사진과 비슷한지 말할 수 없습니다. 더 모아서 다시 "
        "확인하세요.",
    ),
    "drift_few": (
        "Cannot tell: it takes {least} new photos and {least} held-out ones of the run; {photos} came in.",
        "알 수 없습니다. 새 사진과 검증 사진이 각각 {least}장은 있어야 하는데 새 사진은 {photos}장입니다.",
    ),
    "drift_auc": (
        "A classifier that is to tell them from {known} held-out photos of the run is right on {share} of "
        "pairs ({low} to {high}); 50% is chance.",
        "이 사진들을 실험의 검증·시험 사진 {known}장과 가려내게 하면 짝의 {share}({low} ~ {high})를 "
        "맞힙니다. 50%는 우연입니다.",
    ),
    "drift_unlike": (
        "{share} of them ({low} to {high}) lie further from the training photos than nearly all held-out "
        "ones do; of photos like those it would be {usual}.",
        "학습 사진에서 유난히 먼 사진이 {share}({low} ~ {high})입니다. 비슷한 사진이라면 {usual}입니다.",
    ),
    "drift_confidence": (
        "Mean probability of the answer: {known} on held-out photos, {incoming} on these.",
        "답의 평균 확률: 검증·시험 사진 {known}, 이 사진들 {incoming}.",
    ),
    "drift_unanswered": (
        '"I don\'t know": {known} of held-out photos, {incoming} of these.',
        "'모름'이라는 답: 검증·시험 사진의 {known}, 이 사진들의 {incoming}.",
    ),
    "drift_class": (
        "The answer whose share moved most: {name}, {known} of held-out photos, {incoming} of these.",
        "비중이 가장 많이 바뀐 답: {name}. 검증·시험 사진의 {known}, 이 사진들의 {incoming}.",
    ),
    "drift_copies": (
        "{count} {count:photo/photos} that the run has already {count:was/were} left out.",
        "실험에 이미 있는 사진 {count}장은 뺐습니다.",
    ),
    "drift_unreadable": (
        "{count} {count:photo/photos} cannot be read and {count:was/were} left out.",
        "읽을 수 없는 사진 {count}장은 뺐습니다.",
    ),
    "drift_classes": (
        "Answers: held-out photos (black) and these (red)",
        "답의 비중: 검증·시험 사진(검정)과 이 사진들(빨강)",
    ),
    "drift_most_unlike": ("Most unlike", "가장 다른 사진"),
}
