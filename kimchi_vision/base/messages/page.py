"""Texts of the report pages: key → English, Korean."""

from __future__ import annotations

PAGE: dict[str, tuple[str, str]] = {
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
    # The page
    "contents": ("Contents", "차례"),
    "section_decision": ("Decision", "결론"),
    "section_confusion": ("Classes", "클래스"),
    "section_errors": ("Photos", "사진"),
    "section_training": ("Training", "학습 과정"),
    "section_background": ("Backgrounds", "배경"),
    "section_calibration": ("What the probabilities are worth", "확률을 믿어도 되는가"),
    "section_test": ("Test photos", "시험 사진"),
    "section_data": ("Data", "데이터"),
    "section_timings": ("Time and memory", "시간과 메모리"),
    "section_details": ("Details", "자세히"),
    "as_table": ("As a table", "표로 보기"),
    # The decision
    "verdict_ship": ("Ship it: every goal is met.", "배포해도 됩니다. 목표를 모두 달성했습니다."),
    "verdict_open": (
        "Nothing here speaks against shipping it, if {low} at least is enough.",
        "최소 {low}로 충분하다면 배포해도 좋습니다. 걸리는 점이 없습니다.",
    ),
    "verdict_not_yet": ("Not yet, because:", "아직 이릅니다. 이유는 다음과 같습니다."),
    "against_goal": ("The goal for {goal}: {outcome}.", "{goal} 목표: {outcome}."),
    "against_few": (
        "{photos} photos say too little: the true accuracy may lie anywhere from {low} to {high}.",
        "사진 {photos}장으로는 부족합니다. 실제 정확도는 {low} ~ {high} 사이 어디든 될 수 있습니다.",
    ),
    "against_chance": (
        "It is not shown to beat always answering the commonest class, which is right on {chance}.",
        "가장 흔한 클래스만 답하는 것({chance})보다 낫다고 할 수 없습니다.",
    ),
    "against_floor": (
        "Training made it worse than its baseline, which has {accuracy} right.",
        "학습 결과가 기준 모델({accuracy})보다 나쁩니다.",
    ),
    "against_classes": (
        "Missed more often than found: {names}.",
        "맞힌 것보다 놓친 것이 많은 클래스: {names}.",
    ),
    "missed_class": ("{name} ({found} of {support} found)", "{name}({support}장 중 {found}장)"),
    "n_tells": (
        "With {photos} photos chance alone moves this by up to {points} points; four times as many photos "
        "halve that.",
        "사진이 {photos}장이면 우연만으로 최대 {points}%p 달라집니다. 네 배로 늘리면 그 절반이 됩니다.",
    ),
    "this_run": ("This run", "이 실험"),
    "this_run_test": ("This run, test photos", "이 실험, 시험 사진"),
    "this_run_nested": ("This run, nothing chosen", "이 실험, 고르지 않은 값"),
    "confused_most": ("What it confuses most", "가장 많이 헷갈린 것"),
    "confused_of": ("{photos} of {of} photos of {actual}", "{actual} {of}장 중 {photos}장"),
    "taken_for": ("{actual}, taken for {predicted}", "{actual}인데 {predicted}(으)로 예측"),
    "a_right_one": ("{predicted}, rightly", "제대로 맞힌 {predicted}"),
    "interval": ("95 % interval {low} to {high}", "95 % 신뢰구간 {low} ~ {high}"),
    "headline": (
        "Accuracy on {photos} {part} photos (95 % interval): {accuracy}.",
        "{part} 사진 {photos}장의 정확도(95 % 신뢰구간): {accuracy}.",
    ),
    "chose_nothing": (
        "Nothing was chosen on these photos, so the number holds for photos like them.",
        "이 사진들로는 아무것도 고르지 않았으므로, 비슷한 사진에서도 이 값을 기대할 수 있습니다.",
    ),
    "nothing_chosen": (
        "This run chose nothing on these photos: it keeps its last epoch. Who picks it among other runs by "
        "this number does choose on them, and flatters it.",
        "이 실행은 마지막 에포크를 남기므로 이 사진들로 고른 것이 없습니다. 여러 실행 중에서 이 값으로 "
        "고르면 값이 실제보다 좋아 보입니다.",
    ),
    "epoch_chosen": (
        "The best of {epochs} epochs was chosen on these same photos, which flatters the number: without "
        "that, accuracy is about {corrected} by BBC-CV.",
        "같은 사진들로 {epochs}개 에포크 중 가장 좋은 것을 골랐기 때문에 값이 실제보다 좋습니다. 이를 "
        "바로잡은 정확도는 약 {corrected}입니다(BBC-CV).",
    ),
    "folds_would_tell": (
        "A test part (`data.test_pct: 0.2`), or `folds: 5` in a table where photos are few, gives a number "
        "that nothing was chosen by.",
        "시험 사진을 따로 두거나(`data.test_pct: 0.2`) 사진이 적을 때 표에 `folds: 5`를 적으면, 고르는 데 "
        "쓰이지 않은 값을 얻습니다.",
    ),
    "end_chosen": (
        "These same photos ended the training after {epochs} epochs (early_stop), which moves the number: "
        "without that, accuracy is about {corrected} by BBC-CV.",
        "같은 사진들이 학습을 {epochs}개 에포크에서 끝냈기 때문에(early_stop) 값이 치우칩니다. 이를 "
        "바로잡은 정확도는 약 {corrected}입니다(BBC-CV).",
    ),
    "epoch_chosen_by_others": (
        "Each photo was answered by a model that had not seen it, after the epoch that the other folds' "
        "photos chose. So no photo scores a choice that it had a part in.",
        "각 사진은 그 사진을 배우지 않은 모델이, 다른 폴드의 사진들이 고른 에포크에서 답한 것입니다. 따라서 "
        "스스로 고르고 스스로 채점한 사진은 없습니다.",
    ),
    "epoch_chosen_by_own": (
        "Where each fold keeps the best of {epochs} epochs by its own photos, validation accuracy is {own}: "
        "that number is flattered.",
        "폴드마다 자기 사진으로 {epochs}개 에포크 중 가장 좋은 것을 남기면 검증 정확도는 {own}이지만, 이 "
        "값은 실제보다 좋게 나온 것입니다.",
    ),
    "epoch_chosen_before": (
        "The best of {epochs} epochs was chosen on these same photos, which flatters the number; by how much "
        "is not known, since this run kept no answers of its epochs. Run it again to know.",
        "같은 사진들로 {epochs}개 에포크 중 가장 좋은 것을 골랐기 때문에 값이 실제보다 좋습니다. 에포크별 "
        "답이 남아 있지 않아 얼마나 좋은지는 알 수 없습니다. 다시 실행하면 알 수 있습니다.",
    ),
    "winner": (
        "{name} was chosen from {rows} rows ({epochs} epochs) on the same photos, which flatters it: without "
        "that, its accuracy is about {accuracy} by BBC-CV.",
        "{name}: 같은 사진들로 {rows}개 실험({epochs}개 에포크) 중에서 골랐기 때문에 값이 실제보다 좋습니다. "
        "이를 바로잡은 정확도는 약 {accuracy}입니다(BBC-CV).",
    ),
    "winner_test": (
        "On test photos, which chose nothing: {accuracy}.",
        "아무것도 고르지 않은 시험 사진에서는 {accuracy}입니다.",
    ),
    "right_of": (
        "{right} of {photos} {part} photos are right.",
        "{part} 사진 {photos}장 중 {right}장을 맞혔습니다.",
    ),
    "valid": ("validation", "검증"),
    "test": ("test", "시험"),
    "nested": ("out-of-fold", "폴드 밖"),
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
        "Training is worth it: the baseline, a linear probe on frozen features, has {accuracy} right, and "
        "training adds {gain} points ({low} to {high}).",
        "학습할 가치가 있습니다. 기준 모델(고정된 특징 위의 선형 프로브)은 {accuracy}이고, 학습이 {gain}%p를 "
        "더했습니다({low} ~ {high}).",
    ),
    "floor_cannot_tell": (
        "The baseline, a linear probe on frozen features, has {accuracy} right. Whether training adds to "
        "that cannot be told ({gain} points, {low} to {high}); more photos would tell.",
        "기준 모델(고정된 특징 위의 선형 프로브)이 {accuracy}입니다. 학습이 더 나은지 알 수 없습니다"
        "({gain}%p, {low} ~ {high}). 사진이 더 많으면 알 수 있습니다.",
    ),
    "floor_below": (
        "Training made it worse: the baseline, a linear probe on frozen features, has {accuracy} right, the "
        "run {gain} points ({low} to {high}). Try `recipe: best`, which starts from that probe.",
        "학습이 오히려 나빠졌습니다. 기준 모델(고정된 특징 위의 선형 프로브)은 {accuracy}이고 학습 후 "
        "{gain}%p입니다({low} ~ {high}). 그 프로브에서 시작하는 `recipe: best`를 써 보세요.",
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
    # Photos
    "errors_help": (
        "The surest mistakes first: look for wrong labels among them.",
        "가장 확신하고 틀린 사진부터 나옵니다. 그중에 잘못된 라벨이 있는지 확인하세요.",
    ),
    "show_which": ("Show", "보기"),
    "only_wrong": ("wrong answers", "틀린 사진"),
    "only_right": ("right answers", "맞힌 사진"),
    "all_photos": ("all photos", "모든 사진"),
    "any_class": ("any", "전체"),
    "at_least_sure": ("Confidence at least", "확신 최소"),
    "show_more": ("Show more", "더 보기"),
    "shown_of": ("{shown} of {photos} photos shown", "사진 {photos}장 중 {shown}장 표시"),
    "classes_help": ("with 95 % intervals, the worst first.", "95 % 신뢰구간 포함, 낮은 것부터."),
    # Charts
    "by_epoch": ("{score} by epoch", "에포크별 {score}"),
    "two_losses": (
        "This validation loss counts label smoothing ({smoothing}), which keeps it from reaching 0; the loss "
        "of single photos and in the scores does not, so the two differ.",
        "이 검증 손실에는 라벨 스무딩({smoothing})이 들어 있어 0이 되지 않습니다. 사진별 손실과 지표의 "
        "손실에는 없으므로 두 값이 다릅니다.",
    ),
    "confidence": ("Confidence", "확신"),
    "coverage": ("Photos answered", "답한 사진"),
    "bin": (
        "{photos} photos at a confidence of {sure}: {right} right",
        "확신 {sure}인 사진 {photos}장: {right} 맞힘",
    ),
    "answered": ("{coverage} answered: {risk} wrong", "{coverage} 답함: {risk} 오답"),
    "threshold": ("answers from {at}", "{at}부터 답함"),
    # Facts
    "fact_model.parameters": ("Parameters", "파라미터 수"),
    "fact_model.trainable.frozen": (
        "Parameters trained while the body is frozen",
        "본체를 고정할 때 학습하는 파라미터",
    ),
    "fact_model.trainable.unfrozen": ("Parameters trained otherwise", "그 밖에 학습하는 파라미터"),
    "fact_model.groups": ("Parameters by layer group", "층 그룹별 파라미터"),
    "fact_model.size_mb": ("Size of the weights, MB", "가중치 크기, MB"),
    "fact_train.epochs": ("Epochs", "에포크 수"),
    "fact_train.kept_epoch": ("Epoch that is kept", "채택한 에포크"),
    "fact_train.seconds": ("Training, seconds", "학습 시간(초)"),
    "fact_train.overfits_from": ("Overfits from epoch", "과적합이 시작된 에포크"),
    "fact_kimchi_vision": ("kimchi-vision", "kimchi-vision"),
    "fact_python": ("Python", "Python"),
    "fact_packages": ("Packages", "패키지"),
    "fact_system": ("System", "시스템"),
    "fact_processor": ("Processor", "프로세서"),
    "fact_cores": ("Processor cores", "프로세서 코어 수"),
    # Scores
    "scores": ("Scores", "지표"),
    "score": ("Score", "지표"),
    "photos": ("Photos", "사진 수"),
    # Training
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
    "photo_loss": ("loss of this photo", "사진별 손실"),
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
    "temperature_is": (
        "Outputs are divided by a temperature of {temperature}, fitted on the validation photos; above 1 the "
        "model was too sure of itself.",
        "출력을 검증 사진에서 맞춘 온도 {temperature}로 나눕니다. 1보다 크면 지나치게 확신한 것입니다.",
    ),
    "calibration_error_before": (
        "As trained, confidence and accuracy lie {error} apart (expected calibration error, 95 % interval "
        "{low} to {high}); chance alone may show {chance} on so many photos.",
        "학습된 그대로면 확신과 정확도의 차이(ECE)는 {error}입니다(95 % 신뢰구간 {low} ~ {high}). 이 사진 "
        "수에서는 우연만으로도 {chance}까지 나올 수 있습니다.",
    ),
    "calibration_error_after": (
        "With the temperature it is {error} ({low} to {high}; by chance {chance}).",
        "온도를 적용하면 {error}입니다({low} ~ {high}, 우연 {chance}).",
    ),
    "abstain_promised": (
        "Below a probability of {threshold} the model says that it does not know. It then answers {coverage} "
        "of these photos, and {error} of the answers are wrong. On fresh photos of this kind at most "
        "{wanted} are wrong; that promise breaks in at most {delta} of runs.",
        "확률이 {threshold}보다 낮으면 모른다고 답합니다. 이 사진의 {coverage}에 답하고 그중 {error}가 "
        "틀립니다. 같은 종류의 새 사진에서는 틀린 답이 {wanted} 이하이며, 이 약속이 깨지는 실행은 {delta} "
        "이하입니다.",
    ),
    "abstain_is": (
        "Below a probability of {threshold} the model says that it does not know. It then answers {coverage} "
        "of the photos and {error} of its answers are wrong (95 % interval {low} to {high}).",
        "확률이 {threshold}보다 낮으면 모른다고 답합니다. 사진의 {coverage}에 답하고 그중 {error}가 틀립니다"
        "(95 % 신뢰구간 {low} ~ {high}).",
    ),
    "figure_reliability": ("Confidence against accuracy", "확신과 정확도"),
    "figure_risk_coverage": (
        "Wrong answers when only the surest photos are answered",
        "확신이 큰 사진부터 답할 때의 오답률",
    ),
    "figure_batch": ("Training photos as the model sees them", "모델이 보는 학습 사진"),
    "total": ("Total", "합계"),
    "test_openings": (
        "The test photos were scored {n} times so far, by any run on this machine.",
        "시험 사진은 이 컴퓨터에서 지금까지 {n}번 평가에 쓰였습니다.",
    ),
    # Ground
    "classification_report": ("Classification report as text", "분류 보고서(텍스트)"),
    "summary": ("Layers", "층별 요약"),
    "facts": ("Facts and times", "모델 정보와 시간"),
    "environment": ("Environment", "실행 환경"),
    "experiment": ("Experiment", "실험 설정"),
    # The page over a table
    "accuracy_cost": ("Accuracy against time", "정확도와 시간"),
    "flips": (
        "Photos that only one has right: {best} {gained}, {other} {lost}.",
        "한쪽만 맞힌 사진: {best} {gained}장, {other} {lost}장.",
    ),
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
