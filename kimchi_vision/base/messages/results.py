"""Texts of what commands print: key → English, Korean."""

from __future__ import annotations

RESULTS: dict[str, tuple[str, str]] = {
    # Comparison: the answer
    "alone": (
        "{name} is the only experiment here, so there is nothing to compare it with.",
        "실험이 {name} 하나뿐이라 비교할 대상이 없습니다.",
    ),
    "best_of_all": ("{name} is better than {others}.", "{name} 쪽이 다음보다 낫습니다: {others}."),
    "did_best": (
        "On these trainings, one of each, {name} did better than {others}.",
        "각각 한 번씩 한 이번 학습에서는 {name} 쪽이 다음보다 나았습니다: {others}.",
    ),
    "it_did_better": (
        "On these trainings, one of each, it did better than {others}.",
        "각각 한 번씩 한 이번 학습에서는 다음보다 나았습니다: {others}.",
    ),
    "it_did_equally": (
        "On these trainings, one of each, it did practically as well as {others}.",
        "각각 한 번씩 한 이번 학습에서는 다음과 사실상 같았습니다: {others}.",
    ),
    "settled_by": (
        "What was trained once may come out otherwise with another seed. To settle it, train each with three "
        "seeds{cost}: `seeds: {seeds}` in its row of a table, or, run by run and seed by seed, "
        "`{command}`; then compare all of them.",
        "한 번만 학습한 결과는 시드가 바뀌면 달라질 수 있습니다. 결론을 내려면 각각 시드 세 개로 학습하세요"
        "{cost}. 표의 행에 `seeds: {seeds}`를 쓰거나 실행과 시드마다 `{command}`를 실행한 뒤 모두 "
        "비교하세요.",
    ),
    "settling_takes": (
        " (about {minutes} minutes more)",
        "(약 {minutes}분 더 걸립니다)",
    ),
    "highest": (
        "{name} has the highest accuracy, but that alone does not make it the best.",
        "정확도는 {name} 쪽이 가장 높지만, 그것만으로 가장 낫다고 할 수는 없습니다.",
    ),
    "it_is_better": ("It is better than {others}.", "다음보다는 낫습니다: {others}."),
    "it_is_equal": ("It is practically equal to {others}.", "다음과는 사실상 같습니다: {others}."),
    "it_cannot_tell": (
        "These photos cannot tell it from {others}.",
        "이 사진들로는 다음과의 차이를 알 수 없습니다: {others}.",
    ),
    "and": (" and ", ", "),
    # Comparison: a pair
    "gap": (
        "{difference} points (95 % interval {low} to {high})",
        "{difference}%p (95 % 신뢰구간 {low} ~ {high})",
    ),
    "after_holm": (" after Holm", ", Holm 보정"),
    "pair_better": (
        "{first} is better than {second}: {gap}, p = {p}.",
        "{first} 쪽이 {second}보다 낫습니다: {gap}, p = {p}.",
    ),
    "pair_better_once": (
        "On these two trainings {first} did better than {second}: {gap}, p = {p}.",
        "이번 두 학습에서는 {first} 쪽이 {second}보다 나았습니다: {gap}, p = {p}.",
    ),
    "pair_equal_once": (
        "On these two trainings {first} and {second} are practically equal: {gap}, within {margin}.",
        "이번 두 학습에서 {first}, {second}: 사실상 같습니다. {gap}, 허용 차이 {margin} 이내.",
    ),
    "pair_equal": (
        "{first} and {second} are practically equal: {gap}, within {margin}.",
        "{first}, {second}: 사실상 같습니다. {gap}, 허용 차이 {margin} 이내.",
    ),
    "pair_cannot_tell": (
        "Cannot tell {first} from {second}: {gap}, p = {p}. {next}",
        "{first}, {second}: 어느 쪽이 나은지 알 수 없습니다. {gap}, p = {p}. {next}",
    ),
    "point": ("1 point", "1%p"),
    "points": ("{number} points", "{number}%p"),
    "more_seeds": (
        "More seeds or more photos may tell.",
        "시드나 사진을 늘리면 알 수 있을지도 모릅니다.",
    ),
    "narrow_margin": (
        "They are right equally often; the margin is too narrow to call them equal.",
        "맞힌 사진 수가 같지만, 같다고 하기에는 허용 차이가 너무 좁습니다.",
    ),
    "too_close": (
        "The difference is no smaller than {margin}, and equal ones often show as much.",
        "차이가 {margin} 이상이지만, 같은 모델 사이에서도 흔히 나타나는 정도입니다.",
    ),
    "photos_for_better": (
        "About {photos} more photos would tell, if the difference is as large as it looks.",
        "차이가 보이는 만큼이라면 사진이 약 {photos}장 더 있어야 알 수 있습니다.",
    ),
    "photos_for_equal": (
        "About {photos} more photos would show that they are equal within {margin}, if they are as close as "
        "they look.",
        "보이는 만큼 비슷하다면 사진이 약 {photos}장 더 있어야 {margin} 이내로 같다고 할 수 있습니다.",
    ),
    "comparison": ("Comparison", "비교"),
    "experiment_column": ("experiment", "실험"),
    "interval_column": ("95 % interval", "95 % 신뢰구간"),
    "seeds_column": ("over seeds", "시드별 편차"),
    "one_seed": ("one seed", "시드 1개"),
    "spread": ("± {sd} (n = {seeds})", "± {sd} (n = {seeds})"),
    "span": ("{low} to {high} %", "{low} ~ {high} %"),
    "not_compared": ("These rows are not compared. {why}", "이 실험들은 비교하지 않았습니다. {why}"),
    # Runs side by side
    "accuracy_low": ("Accuracy, low (95 %)", "정확도 하한(95 %)"),
    "accuracy_high": ("Accuracy, high (95 %)", "정확도 상한(95 %)"),
    "seeds": ("Seeds", "시드 수"),
    "floor": ("Baseline (linear probe)", "기준 모델(선형 프로브)"),
    "model_mb": ("File, MB", "파일, MB"),
    "train_minutes": ("Training, minutes", "학습 시간(분)"),
    "not_finished": (
        "{path} has no scores yet: the run has not ended. The same call goes on.",
        "{path}: 아직 끝나지 않은 실행이라 점수가 없습니다. 같은 호출로 이어집니다.",
    ),
    "goes_on_with": (
        "{path} is there already and is used; delete it to begin anew.",
        "이미 있는 {path} 파일을 씁니다. 새로 시작하려면 이 파일을 지우세요.",
    ),
    "will_train": (
        "`recipe: best` trains {backbone} (weights: {weights}) on about {photos} of them, and scores it on "
        "the others. The experiment is written to {path}.",
        "`recipe: best`로 사진 약 {photos}장을 학습하고 나머지로 평가합니다. 모델은 {backbone}, 가중치는 "
        "{weights}이며, 실험 파일은 {path}입니다.",
    ),
    "few_for_test": (
        "Most classes have fewer than {enough} photos, too few for a test part of their own: the validation "
        "photos choose and score, and the first number says what it is without that.",
        "대부분의 클래스가 {enough}장보다 적어 시험 사진을 따로 둘 수 없습니다. 검증 사진으로 고르고 "
        "평가하며, 고른 효과를 뺀 값을 함께 보여 줍니다.",
    ),
    "report_at": ("Report: {path}", "보고서: {path}"),
    "side_by_side": ("Side by side: {path}", "비교 보고서: {path}"),
    # Goals
    "goal_line": ("{run}: {outcomes}.", "{run}: {outcomes}."),
    "goal_outcome": ("{goal} {outcome}", "{goal} 목표 {outcome}"),
    "goals_of_many": (
        "{rows} runs are beside each other: each is held to a wider interval, so that luck alone calls a "
        "goal met in at most one table of twenty.",
        "실행 {rows}개를 나란히 보므로 각각 더 넓은 신뢰구간으로 판정합니다. 우연만으로 목표 달성이라고 "
        "하는 표는 스물 중 하나를 넘지 않습니다.",
    ),
    "goal_fps": ("fps", "속도"),
    "decision": ("Decision table", "결정표"),
    "decision_low": ("Accuracy, low (95 %)", "정확도 하한(95 %)"),
    "decision_high": ("Accuracy, high (95 %)", "정확도 상한(95 %)"),
    "decision_p50_ms": ("Latency of one photo, median, ms", "사진 한 장 지연 중앙값, ms"),
    "decision_p95_ms": ("Latency of one photo, 95 of 100 below, ms", "사진 한 장 지연 95백분위, ms"),
    "decision_photos_per_second": ("Photos a second in bulk", "대량 처리, 초당 사진"),
    "decision_parameters": ("Parameters", "파라미터 수"),
    "decision_file_mb": ("File, MB", "파일, MB"),
    "decision_peak_memory_mb": ("Peak memory, MB", "최대 메모리, MB"),
    "decision_train_minutes": ("Training, minutes", "학습 시간(분)"),
    "decision_goal": ("Goal: {goal}", "{goal} 목표"),
    "decision_goal_fps": ("Goal: photos a second, one by one", "속도 목표(초당 사진)"),
    "decision_help": (
        "A photo from file to answer: read, decode, resize, network, with model.onnx on {machine}.",
        "파일에서 답까지(읽기, 디코딩, 크기 조정, 신경망) model.onnx로 잰 값입니다. 기계: {machine}.",
    ),
    "met": ("met", "달성"),
    "missed": ("missed", "미달"),
    "cannot_tell": ("cannot tell", "알 수 없음"),
    "not_measured": ("not measured", "측정 안 함"),
    # Scores of a run
    "scored": (
        "{right} of {photos} {part} photos are right: accuracy {accuracy}, 95 % interval {low} to {high}.",
        "{part} 사진 {photos}장 중 {right}장을 맞혔습니다: 정확도 {accuracy}, 95 % 신뢰구간 {low} ~ {high}.",
    ),
    "scored_few": (
        "{right} of {photos} {part} photos are right: accuracy {accuracy}. These are too few independent "
        "photos to say how far that holds.",
        "{part} 사진 {photos}장 중 {right}장을 맞혔습니다: 정확도 {accuracy}. 서로 독립인 사진이 너무 적어 "
        "이 값이 어디까지 맞는지는 알 수 없습니다.",
    ),
    "opened_before": (
        "Whoever chooses by these scores has no test part any more.",
        "이 점수를 보고 모델을 고르면 더 이상 시험 사진이 아닙니다.",
    ),
    "written": ("Written: {path}", "저장: {path}"),
    # Photos of no class
    "unknown_threshold": (
        "Answers begin at a probability of {threshold}, chosen for at most {error} wrong ones among them.",
        "확률 {threshold} 이상일 때만 답합니다(답한 것 중 오답이 {error} 이하가 되도록 고른 값).",
    ),
    "no_threshold": (
        "There is no threshold: these photos cannot promise that at most {error} of the answers to fresh "
        "photos are wrong. They are too few (without any wrong answer it takes about {photos}), or too "
        "many are wrong.",
        "기준값이 없습니다. 이 사진들로는 새 사진에 대한 오답이 {error} 이하라고 약속할 수 없습니다. "
        "사진이 너무 적거나(오답이 하나도 없어도 약 {photos}장 필요) 오답이 너무 많습니다.",
    ),
    "unknown_accepted": (
        "{accepted} of {photos} photos of no class are answered by mistake: {share}, 95 % interval {low} to "
        "{high}.",
        "어느 클래스도 아닌 사진 {photos}장 중 {accepted}장에 잘못 답했습니다: {share}, 95 % 신뢰구간 "
        "{low} ~ {high}.",
    ),
    "unknown_auroc": (
        "A validation photo has a higher probability than a photo of no class in {auroc} of pairs; chance is "
        "50 %.",
        "검증 사진의 확률이 어느 클래스도 아닌 사진보다 높은 쌍은 {auroc}입니다(우연이면 50 %).",
    ),
    "and_more": ("and {n} more", "외 {n}장"),
    # Learning curve
    "learning_curve": ("Accuracy against training photos", "학습 사진 수와 정확도"),
    "share_column": ("share", "비율"),
    "train_photos_column": ("training photos", "학습 사진"),
    "gain_column": ("recall with twice the photos, points", "사진을 두 배로 늘릴 때 재현율, %p"),
    "worth_it": (
        "More data is worth it: {photos} training photos, twice as many, would bring about {gain} points of "
        "accuracy (95 % interval {low} to {high}).",
        "데이터를 늘릴 가치가 있습니다. 학습 사진을 두 배({photos}장)로 늘리면 정확도가 약 {gain}%p 오릅니다"
        "(95 % 신뢰구간 {low} ~ {high}).",
    ),
    "not_worth_it": (
        "More data of this kind is not worth it: twice as many training photos, {photos}, would bring {gain} "
        "points of accuracy (95 % interval {low} to {high}), less than {margin}.",
        "같은 종류의 데이터를 늘릴 가치가 없습니다. 학습 사진을 두 배({photos}장)로 늘려도 정확도는 {gain}%p"
        "(95 % 신뢰구간 {low} ~ {high}), {margin} 미만으로 오릅니다.",
    ),
    "worth_unknown": (
        "Cannot tell whether more data is worth it: twice as many training photos, {photos}, would bring "
        "{gain} points of accuracy (95 % interval {low} to {high}), and {margin} lies within that.",
        "데이터를 늘릴 가치가 있는지 알 수 없습니다. 학습 사진을 두 배({photos}장)로 늘리면 정확도는 {gain}%p"
        "(95 % 신뢰구간 {low} ~ {high}) 오를 수 있고, 기준 {margin}는 그 안에 있습니다.",
    ),
    "curve_seeds": (
        "Drawn out along a power law, from {trainings} trainings on repeated draws of the photos; the "
        "interval holds what other photos, to train on and to validate with, and other seeds would change, "
        "not that the law may bend.",
        "사진을 거듭 새로 뽑아 학습한 {trainings}번의 결과를 멱법칙으로 연장한 값입니다. 신뢰구간은 학습 "
        "사진, 검증 사진, 시드가 바뀔 때의 차이를 담지만, 법칙 자체가 휘는 경우는 담지 않습니다.",
    ),
    "curve_one_seed": (
        "Drawn out along a power law, from one training a share: other training photos and another seed move "
        "it too, which the interval leaves out (--seeds 1,2,3).",
        "비율마다 한 번씩 학습한 결과를 멱법칙으로 연장한 값입니다. 학습 사진이나 시드가 바뀌면 달라지며, "
        "신뢰구간에는 들어 있지 않습니다(--seeds 1,2,3).",
    ),
    "photograph": (
        "Photograph next: {name}. Twice its photos would add {gain} points to its recall ({low} to {high}).",
        "다음에 찍을 클래스: {name}. 사진을 두 배로 늘리면 재현율이 약 {gain}%p 오릅니다({low} ~ {high}).",
    ),
    "photograph_alike": (
        "These photos cannot tell it from: {names}.",
        "이 사진들로는 다음과의 순서를 알 수 없습니다: {names}.",
    ),
    "no_class_first": (
        "No class is shown to gain more from photos than the others.",
        "사진을 늘려 다른 클래스보다 더 나아진다고 할 수 있는 클래스는 없습니다.",
    ),
    "weakest_class": (
        "The lowest recall has {name}: {recall} ({low} to {high}).",
        "재현율이 가장 낮은 클래스: {name}, {recall}({low} ~ {high}).",
    ),
    # Seeds and folds of a row
    "over_seeds": (
        "{run}: accuracy {accuracy} ± {sd} over n = {seeds} seeds (mean ± standard deviation).",
        "{run}: 정확도 {accuracy} ± {sd}, 시드 n = {seeds}개(평균 ± 표준편차).",
    ),
    "pooled": (
        "Each photo was predicted by the one of {folds} models that had not seen it (k-fold). The accuracy "
        "of each fold: {accuracies}.",
        "모든 사진은 {folds}개 모델 중 그 사진을 보지 않은 모델이 예측했습니다(k-겹 교차검증). "
        "겹별 정확도: {accuracies}.",
    ),
}
