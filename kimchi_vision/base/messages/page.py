"""Texts of the report pages: key → English, Korean."""

from __future__ import annotations

PAGE: dict[str, tuple[str, str]] = {
    # The answer
    "answer": ("The answer", "결과 요약"),
    "too_few": (
        "These are too few independent photos to say how far that holds.",
        "서로 독립인 사진이 너무 적어 이 값이 어디까지 맞는지는 알 수 없습니다.",
    ),
    "without_interval": (
        "A score without an interval rests on too few independent photos to say how far it holds: fewer "
        "than 8 in all, or fewer than 4 of a class.",
        "신뢰구간이 없는 지표는 서로 독립인 사진이 너무 적어(모두 8장 미만이거나 한 클래스에 4장 미만) "
        "어디까지 맞는지 알 수 없습니다.",
    ),
    "interval": ("95% interval {low} to {high}", "95% 신뢰구간 {low} ~ {high}"),
    "right_of": (
        "{right} of {photos} {part} photos are right.",
        "{part} 사진 {photos}장 중 {right}장을 맞혔습니다.",
    ),
    "valid": ("validation", "검증"),
    "test": ("test", "시험"),
    "train": ("training", "학습"),
    "kept_best": (
        "Epoch {epoch} of {epochs} is kept: its {monitor}, {value}, is the best of all.",
        "전체 {epochs}개 에포크 중 {epoch}번째를 남겼습니다. {monitor} 값({value})이 가장 좋습니다.",
    ),
    "kept_last": (
        "Epoch {epoch}, the last, is kept. The lowest validation loss was that of epoch {lowest}.",
        "마지막 {epoch}번째 에포크를 남겼습니다. 검증 손실이 가장 낮은 것은 {lowest}번째였습니다.",
    ),
    "kept_start": (
        "What training started from is kept: no epoch was better.",
        "더 나은 에포크가 없어 학습을 시작한 상태를 남겼습니다.",
    ),
    "floor_above": (
        "Training is worth it: a linear head on frozen features has {accuracy} right, and training adds "
        "{gain} points ({low} to {high}).",
        "학습할 가치가 있습니다. 고정된 특징 위의 선형 분류기는 {accuracy}이고, 학습이 {gain}%p를 더했습니다"
        "({low} ~ {high}).",
    ),
    "floor_cannot_tell": (
        "A linear head on frozen features has {accuracy} right. Whether training adds to that cannot be told "
        "({gain} points, {low} to {high}); more photos would tell.",
        "몇 초면 되는, 고정된 특징 위의 선형 분류기가 {accuracy}입니다. 학습이 더 나은지 알 수 없습니다"
        "({gain}%p, {low} ~ {high}). 사진이 더 많으면 알 수 있습니다.",
    ),
    "floor_below": (
        "Training made it worse: a linear head on frozen features has {accuracy} right, the run {gain} "
        "points ({low} to {high}). Try `recipe: best`, which starts from that head.",
        "학습이 오히려 나빠졌습니다. 고정된 특징 위의 선형 분류기는 {accuracy}이고 학습 후 {gain}%p입니다"
        "({low} ~ {high}). 그 분류기에서 시작하는 `recipe: best`를 써 보세요.",
    ),
    "tta_above": (
        "Averaged over {n} varied views of each photo and the plain one: {accuracy} ({least} to {most}), "
        "{gain} points ({low} to {high}) against one view: better. Files and `predict` show one view.",
        "사진마다 변형한 {n}장과 원래 한 장을 평균하면 {accuracy}({least} ~ {most})입니다. 한 장만 볼 때와의 "
        "차이는 {gain}%p({low} ~ {high})로, 더 낫습니다. 내보낸 파일과 `predict`는 한 장만 봅니다.",
    ),
    "tta_cannot_tell": (
        "Averaged over {n} varied views of each photo and the plain one: {accuracy} ({least} to {most}), "
        "{gain} points ({low} to {high}) against one view: cannot tell.",
        "사진마다 변형한 {n}장과 원래 한 장을 평균하면 {accuracy}({least} ~ {most})입니다. 한 장만 볼 때와의 "
        "차이는 {gain}%p({low} ~ {high})로, 더 나은지 알 수 없습니다.",
    ),
    "tta_below": (
        "Averaged over {n} varied views of each photo and the plain one: {accuracy} ({least} to {most}), "
        "{gain} points ({low} to {high}) against one view: worse. `augment` may vary photos too much.",
        "사진마다 변형한 {n}장과 원래 한 장을 평균하면 {accuracy}({least} ~ {most})입니다. 한 장만 볼 때와의 "
        "차이는 {gain}%p({low} ~ {high})로, 더 나쁩니다. `augment`의 변형이 지나친 것일 수 있습니다.",
    ),
    "overfits": (
        "From epoch {epoch} on, training loss falls while validation loss rises: the model learns by heart.",
        "{epoch}번째 에포크부터 학습 손실은 줄고 검증 손실은 늘어납니다(과적합).",
    ),
    "confuses": ("It confuses most: {pairs}.", "가장 많이 헷갈린 것: {pairs}."),
    "confused_pair": ("{actual} taken for {predicted} ({photos})", "{actual} → {predicted} ({photos}장)"),
    "confuses_nothing": ("It confuses nothing on these photos.", "이 사진들에서는 틀린 것이 없습니다."),
    "never_predicted": ("Never predicted: {names}.", "한 번도 예측하지 않은 클래스: {names}."),
    "no_photos_of": ("No {part} photo of: {names}.", "{part} 사진이 없는 클래스: {names}."),
    "weakest": (
        "Weakest class: {name}, with {found} of its {support} photos found.",
        "가장 약한 클래스: {name}, 사진 {support}장 중 {found}장 찾음.",
    ),
    # Scores
    "scores": ("Scores", "지표"),
    "score": ("Score", "지표"),
    "value": ("Value", "값"),
    "photos": ("Photos", "사진 수"),
    # Training
    "training": ("Training", "학습 과정"),
    "no_epochs": ("Nothing was trained.", "학습한 에포크가 없습니다."),
    "stage": ("Stage", "단계"),
    "epoch": ("Epoch", "에포크"),
    "lr": ("Learning rate", "학습률"),
    "lr_lowest": ("Lowest rate", "최저 학습률"),
    "train_loss": ("Training loss", "학습 손실"),
    "valid_loss": ("Validation loss", "검증 손실"),
    "seconds": ("Seconds", "초"),
    "kept": ("kept", "채택"),
    "figure_losses": ("Losses by epoch", "에포크별 손실"),
    "figure_lr_find": ("Learning rate finder", "학습률 탐색"),
    # Confusions
    "confusion": ("Confusion matrix", "혼동 행렬"),
    "confusion_help": (
        "Rows are the actual class, columns the predicted one. Press a number to see the photos behind it; "
        "arrow keys move between numbers.",
        "행은 실제, 열은 예측입니다. 숫자를 누르면 해당 사진이 열리고, 화살표 키로 이동합니다.",
    ),
    "show_shares": ("Show shares of each row", "행별 비율로 보기"),
    "actual": ("Actual", "실제"),
    "predicted": ("Predicted", "예측"),
    "cell": (
        "actual {actual}, predicted {predicted}: {photos} photos",
        "실제 {actual}, 예측 {predicted}: {photos}장",
    ),
    "close": ("Close", "닫기"),
    "not_inlined": (
        "{n} photos are named without a picture, to keep the page small.",
        "페이지 크기를 줄이기 위해 사진 {n}장은 이름만 실었습니다.",
    ),
    "photos_missing": (
        "{missing} of {photos} photos are no longer in {root}: they are named without a picture.",
        "사진 {photos}장 중 {missing}장이 {root} 폴더에 없어 이름만 실었습니다.",
    ),
    "probability": ("probability", "확률"),
    "photo_loss": ("loss", "손실"),
    "no_script": (
        "The photos behind the numbers need JavaScript, which is off.",
        "JavaScript가 꺼져 있어 숫자 뒤의 사진을 볼 수 없습니다.",
    ),
    # Classes, photos, data
    "classes": ("Classes", "클래스별"),
    "class": ("Class", "클래스"),
    "precision": ("Precision", "정밀도"),
    "recall": ("Recall", "재현율"),
    "f1": ("F1", "F1"),
    "support": ("Photos", "사진 수"),
    "top_losses": ("Largest losses", "손실이 가장 큰 사진"),
    "top_losses_help": (
        "Where the model was most wrong, or least sure. Look for wrong labels first.",
        "모델이 가장 크게 틀렸거나 확신이 없던 사진입니다. 라벨 오류부터 확인하세요.",
    ),
    "calibration": ("What the probabilities are worth", "확률을 믿어도 되는가"),
    "temperature_is": (
        "Outputs are divided by a temperature of {temperature}, fitted on the validation photos; above 1 the "
        "model was too sure of itself.",
        "출력을 검증 사진에서 맞춘 온도 {temperature}로 나눕니다. 1보다 크면 지나치게 확신한 것입니다.",
    ),
    "calibration_error_before": (
        "As trained, confidence and accuracy lie {error} apart (expected calibration error, 95% interval "
        "{low} to {high}); chance alone may show {chance} on so many photos.",
        "학습된 그대로면 확신과 정확도의 차이(ECE)는 {error}입니다(95% 신뢰구간 {low} ~ {high}). 이 사진 "
        "수에서는 우연만으로도 {chance}까지 나올 수 있습니다.",
    ),
    "calibration_error_after": (
        "With the temperature it is {error} ({low} to {high}; by chance {chance}).",
        "온도를 적용하면 {error}입니다({low} ~ {high}, 우연 {chance}).",
    ),
    "abstain_is": (
        "Below a probability of {threshold} the model says that it does not know. It then answers {coverage} "
        "of the photos and {error} of its answers are wrong (95% interval {low} to {high}).",
        "확률이 {threshold}보다 낮으면 모른다고 답합니다. 사진의 {coverage}에 답하고 그중 {error}가 틀립니다"
        "(95% 신뢰구간 {low} ~ {high}).",
    ),
    "figure_reliability": ("Confidence against accuracy", "확신과 정확도"),
    "figure_risk_coverage": (
        "Wrong answers when only the surest photos are answered",
        "확신이 큰 사진부터 답할 때의 오답률",
    ),
    "timings": ("Time and memory", "시간과 메모리"),
    "figures": ("Figures", "그림"),
    "figure_batch": ("Training photos as the model sees them", "모델이 보는 학습 사진"),
    "figure_results": ("Some results", "예측 예시"),
    "data": ("Data", "데이터"),
    "total": ("Total", "합계"),
    "test_openings": (
        "The test part was scored {n} times so far.",
        "시험 사진은 지금까지 {n}번 평가에 쓰였습니다.",
    ),
    "test_scores": ("Scores over the test photos", "시험 사진 지표"),
    # Ground
    "classification_report": ("Classification report as text", "분류 보고서(텍스트)"),
    "ground": ("What it stands on", "실험의 바탕"),
    "summary": ("Layers", "층별 요약"),
    "facts": ("Facts and times", "모델 정보와 시간"),
    "environment": ("Environment", "실행 환경"),
    "experiment": ("Experiment", "실험 설정"),
    # The page over a table
    "table": ("Runs side by side", "실험 비교"),
    "run": ("Run", "실험"),
    "kept_epoch": ("Kept epoch", "채택 에포크"),
    "train_seconds": ("Training, seconds", "학습 시간(초)"),
    "parameters": ("Parameters", "파라미터 수"),
    "pkl_size": ("File, MB", "파일, MB"),
    "differences": ("Where the experiments differ", "실험 설정의 차이"),
    "no_differences": ("The experiments are the same.", "실험 설정이 같습니다."),
    "key": ("Key", "항목"),
    "verdicts": ("Verdicts", "판정"),
    "other_photos": (
        "These runs were not scored on the same photos, so their scores cannot be compared: {names}.",
        "서로 다른 사진으로 평가되어 점수를 비교할 수 없습니다: {names}.",
    ),
}
