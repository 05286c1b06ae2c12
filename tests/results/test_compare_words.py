"""What a comparison says of pairs and experiments, word for word."""

import pandas as pd
import pytest

from kimchi_vision.base.messages import catalogue
from kimchi_vision.results.compare import Comparison
from kimchi_vision.results.compare.pairs import Pair
from kimchi_vision.results.compare.sentences import Words

ENGLISH = Words(catalogue("en"), 0.01)
KOREAN = Words(catalogue("ko"), 0.02)
GAP = "+4.1 points (95 % interval -0.3 to +7.9)"
EXPERIMENTS = pd.DataFrame(
    {
        "experiment": ["가|나", "b"],
        "seeds": [3, 1],
        "accuracy": [0.9512, 0.91],
        "sd": [0.0123, None],
        "low": [0.93, 0.881],
        "high": [0.97, 0.932],
        "photos": [1200, 1200],
    }
)
SCORES = pd.DataFrame(
    [
        ("가|나", "accuracy", 0.9512, 0.0123, None, None),
        ("가|나", "loss", 0.2, 0.01, None, None),
        ("b", "accuracy", 0.91, None, 0.881, 0.932),
        ("b", "loss", 0.25, None, 0.1, 0.4),
    ],
    columns=["experiment", "score", "value", "sd", "low", "high"],
)


def comparison(words, answer, pairs):
    return Comparison(tuple(answer), words, EXPERIMENTS, SCORES, tuple(pairs))


def pair(first="a", second="b", verdict="cannot tell", **numbers):
    fixed = {"difference": 0.041, "low": -0.003, "high": 0.079, "p": 0.012, "holm_p": 0.036}
    counts = {"only_first": 9, "only_second": 2}
    return Pair(first, second, photos=300, verdict=verdict, **{**fixed, **counts, **numbers})


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"verdict": "better"}, f"a is better than b: {GAP}, p = 0.036 after Holm."),
        ({"verdict": "better", "holm_p": 0.012}, f"a is better than b: {GAP}, p = 0.012."),
        ({"verdict": "practically equal"}, f"a and b are practically equal: {GAP}, within 1 point."),
        (
            {"photos_needed": 1234, "needed_for": "better"},
            f"Cannot tell a from b: {GAP}, p = 0.036 after Holm. About 1,200 more photos would tell, if the "
            "difference is as large as it looks.",
        ),
        (
            {"photos_needed": 56, "needed_for": "practically equal"},
            f"Cannot tell a from b: {GAP}, p = 0.036 after Holm. About 56 more photos would show that they "
            "are equal within 1 point, if they are as close as they look.",
        ),
        (
            {"only_first": None, "only_second": None, "holm_p": 0.012},
            f"Cannot tell a from b: {GAP}, p = 0.012. More seeds or more photos may tell.",
        ),
        (
            {"photos_needed": None},
            f"Cannot tell a from b: {GAP}, p = 0.036 after Holm. The difference is no smaller than 1 "
            f"point, and equal ones often show as much.",
        ),
        (
            {"about": "trainings", "verdict": "better"},
            f"On these two trainings a did better than b: {GAP}, p = 0.036 after Holm.",
        ),
        (
            {"about": "trainings", "verdict": "practically equal"},
            f"On these two trainings a and b are practically equal: {GAP}, within 1 point.",
        ),
        (
            {"photos_needed": None, "difference": 0.0},
            f"Cannot tell a from b: {GAP.replace('+4.1', '+0.0')}, p = 0.036 after Holm. They are right "
            f"equally often; the margin is too narrow to call them equal.",
        ),
    ],
)
def test_a_sentence_says_the_corrected_p_and_what_a_verdict_would_take(numbers, said):
    assert ENGLISH.sentence(pair(**numbers)) == said


def test_a_margin_of_its_own_is_said():
    assert KOREAN.sentence(pair(verdict="practically equal")).endswith("허용 차이 2%p 이내.")
    said = Words(catalogue("en"), 0.025).sentence(
        pair(photos_needed=7, needed_for="practically equal", holm_p=0.2)
    )
    assert "7 more photos would show that they are equal within 2.5 points" in said


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["better", "better", "better"], ["a is better than b, c and d."]),
        (
            ["better", "cannot tell", "practically equal"],
            [
                "a has the highest accuracy, but that alone does not make it the best.",
                "It is better than b.",
                "It is practically equal to d.",
                "These photos cannot tell it from c.",
            ],
        ),
        (
            ["cannot tell", "cannot tell", "better"],
            [
                "a has the highest accuracy, but that alone does not make it the best.",
                "It is better than d.",
                "These photos cannot tell it from b and c.",
            ],
        ),
    ],
)
def test_the_answer_calls_it_better_than_those_alone_that_it_beats(verdicts, said):
    pairs = [pair("a", name, verdict) for name, verdict in zip("bcd", verdicts, strict=True)]
    others = [pair("b", "c", "better"), pair("b", "d", "practically equal"), pair("c", "d")]
    assert ENGLISH.answer(list("abcd"), [*others, *pairs]) == said


def test_equal_accuracies_are_called_equal():
    equal = [pair("a", "b", "practically equal", difference=0.0)]
    assert ENGLISH.answer(["a", "b"], equal) == ["The accuracy of a and b is the same."]
    three = [*equal, pair("a", "c"), pair("b", "c")]
    assert KOREAN.answer(["a", "b", "c"], three) == ["정확도가 가장 높고 서로 같습니다: a, b."]


def test_one_experiment_is_not_compared():
    assert ENGLISH.answer(["a"], []) == [
        "a is the only experiment here, so there is nothing to compare it with."
    ]


def test_the_screen_shows_the_answer_the_table_and_a_sentence_a_pair():
    pairs = [pair(verdict="better"), pair("b", "c")]
    lines = comparison(ENGLISH, ["Said."], pairs).text().splitlines()
    assert [lines[0], lines[1], lines[5], lines[9]] == ["Said.", "", "", ""]
    assert lines[2].split() == ["experiment", "Accuracy", "95", "%", "interval", "over", "seeds", "Photos"]
    assert " ".join(lines[3].split()) == "가|나 95.12 % 93.0 to 97.0 % ± 1.23 (n = 3) 1,200"
    assert " ".join(lines[4].split()) == "b 91.00 % 88.1 to 93.2 % one seed 1,200"
    assert len(lines[2]) == len(lines[4]) == len(lines[3]) + 2
    assert [" ".join(line.split()) for line in lines[6:9]] == [
        "Score 가|나 b",
        "Accuracy 95.1 % ± 1.2 % 91.0 % (88.1 % – 93.2 %)",
        "Loss, mean over photos 0.200 ± 0.010 0.250 (0.100 – 0.400)",
    ]
    assert len(lines[7]) == len(lines[8]) == len(lines[6]) + 2
    assert lines[10:] == [ENGLISH.sentence(each) for each in pairs]


def test_the_page_is_markdown():
    pairs = [pair(verdict="better"), pair("b", "c")]
    assert comparison(ENGLISH, ["Said.", "Too."], pairs).markdown() == (
        "# Comparison\n\nSaid.\nToo.\n\n"
        "| experiment | Accuracy | 95 % interval | over seeds | Photos |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| 가\\|나 | 95.12 % | 93.0 to 97.0 % | ± 1.23 (n = 3) | 1,200 |\n"
        "| b | 91.00 % | 88.1 to 93.2 % | one seed | 1,200 |\n\n"
        f"- {ENGLISH.sentence(pairs[0])}\n- {ENGLISH.sentence(pairs[1])}\n\n"
        "| Score | 가\\|나 | b |\n"
        "| --- | --- | --- |\n"
        "| Accuracy | 95.1 % ± 1.2 % | 91.0 % (88.1 % – 93.2 %) |\n"
        "| Loss, mean over photos | 0.200 ± 0.010 | 0.250 (0.100 – 0.400) |\n"
    )
    assert comparison(KOREAN, [], []).markdown().startswith("# 비교\n")
