"""Problems say where, what and what to do."""

import pickle

import pytest

from notation.problems import ConfigError, Problem, Where, nearest, one_of


def test_a_problem_reads_as_place_what_and_hint() -> None:
    problem = Problem(Where("routes.yaml", 7), "backend 'legcy' is not declared", "declared backends: legacy")
    assert str(problem) == "routes.yaml:7: backend 'legcy' is not declared\n    declared backends: legacy"


def test_a_problem_without_a_place_is_only_the_sentence() -> None:
    assert str(Problem(None, "found no routes.yaml")) == "found no routes.yaml"


def test_an_error_lists_every_problem_once_in_the_files_order() -> None:
    tenth, second = Problem(Where("a.yaml", 10), "later"), Problem(Where("a.yaml", 2), "sooner")
    error = ConfigError([tenth, Problem(None, "first of all"), second, tenth])
    assert str(error) == "first of all\na.yaml:2: sooner\na.yaml:10: later"
    assert error.problems == (Problem(None, "first of all"), second, tenth)


def test_an_error_survives_the_way_from_another_process() -> None:
    error = ConfigError([Problem(Where("a.yaml", 1), "what", "hint")])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@pytest.mark.parametrize(
    ("word", "options", "meant"),
    [
        ("legcy", ["repairs", "legacy"], "legacy"),
        ("LEGACY", ["repairs", "legacy"], "legacy"),
        ("get", ["GET", "POST"], "GET"),
        ("planning", ["repairs", "legacy"], None),
        ("anything", [], None),
    ],
)
def test_the_nearest_word_is_the_one_that_was_meant(word: str, options: list[str], meant: str | None) -> None:
    assert nearest(word, options) == meant


def test_a_hint_lists_what_there_is_and_what_was_meant() -> None:
    assert one_of("backends", "legcy", ["legacy", "repairs"]) == "backends: legacy, repairs. Did you mean 'legacy'?"
    assert one_of("backends", "x", ["legacy"]) == "backends: legacy"
    assert one_of("backends", "x", []) == "backends: none"


def test_a_long_list_is_cut() -> None:
    hint = one_of("words", "x", [f"w{n}" for n in range(15)])
    assert hint == "words: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11 and 3 more"
