"""What a juror says of a case, and that the keeper takes nothing else for the word of a juror."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.compare.values import USUAL, Kind, Reply
from proxy.heard import Compared, understood
from proxy.hearing import compared
from proxy.juror import Case

ROOT = Path(__file__).parents[3]
HTML = ((b"content-type", b"text/html; charset=utf-8"),)


EVERY_KIND = [
    Case(Reply(200, ((b"content-type", kind),), one), Reply(200, ((b"content-type", kind),), other), USUAL, shown=True)
    for kind, one, other in (
        (b"text/html", b"<form><input name=a></form>", b"<form><input name=b></form>"),
        (b"application/json", b'{"at": "2021-06-30T23:30:00Z"}', b'{"at": 1}'),
        (b"text/csv", b"a,b\n1,2\n", b"a,b\n1,3\n"),
        (b"application/xml", b"<a>1</a>", b"<a>2</a>"),
        (b"text/plain; charset=windows-1252", b"a\xa3", b"b"),
        (b"image/png", b"1", b"2"),
    )
]


def said(case: Case) -> Compared:
    return understood(json.loads(json.dumps(compared(case))))


def test_differences_come_back_as_they_were_found() -> None:
    control, candidate = Reply(200, HTML, b"<p id=a>New \xc2\xa31</p>"), Reply(200, HTML, b"<p id=a>Old \xc2\xa31</p>")
    heard = said(Case(control, candidate, USUAL, "GET /repairs/1", shown=True))
    (difference,) = heard.differences
    assert difference.kind is Kind.VALUE
    assert (heard.ignored, heard.example) == (False, "GET /repairs/1")
    assert heard.shown is not None
    assert [reply.status for reply in heard.shown] == [200, 200]
    assert "New £1" in heard.shown[0].body.decode()
    assert said(Case(control, control, USUAL)) == Compared((), False, "", None)


def test_values_are_told_only_where_they_are_kept() -> None:
    one, other = Reply(200, HTML, b"<p id=a>New</p>"), Reply(200, HTML, b"<p id=a>Old</p>")
    assert said(Case(one, other, USUAL)).differences[0].values is None
    assert said(Case(one, other, replace(USUAL, keep_values=True))).differences[0].values == ("New", "Old")


def test_what_is_ignored_is_told_from_what_is_equal() -> None:
    one, other = (Reply(200, ((b"content-type", b"application/json"),), body) for body in (b'{"a": 1}', b'{"a": 2}'))
    ignoring = replace(USUAL, ignore=("json:$.a",))
    assert not said(Case(one, one, ignoring)).ignored
    assert said(Case(one, other, ignoring)) == Compared((), True, "", None)
    assert said(Case(one, other, USUAL)).differences != ()


def test_a_candidate_without_an_answer_is_a_difference() -> None:
    (difference,) = said(Case(Reply(200, ()), "none in time", USUAL)).differences
    assert (difference.path, difference.kind, difference.control, difference.candidate) == (
        "status",
        Kind.NO_ANSWER,
        "200",
        "none in time",
    )


def test_an_example_tells_nobodys_name_or_number() -> None:
    assert "QQ123456C" not in said(Case(Reply(200, ()), "none", USUAL, "GET /people/QQ123456C")).example
    assert "ada@example.org" not in said(Case(Reply(200, ()), "none", USUAL, "GET /by/ada@example.org")).example


WORDS = [None, [], {}, "yes", {"differences": [[1]], "ignored": 0, "example": "", "shown": None}]


@pytest.mark.parametrize("word", WORDS)
def test_nothing_else_is_a_jurors_word(word: object) -> None:
    with pytest.raises(ValueError, match=r"juror|unpack"):
        understood(word)


def test_all_that_reads_pages_is_there_before_the_first_comparison_whose_memory_it_would_take() -> None:
    code = (
        "import sys, proxy.juror, proxy.hearing\n"
        "from tests.proxy.judging.test_hearing import EVERY_KIND\n"
        "before = set(sys.modules)\n"
        "for case in EVERY_KIND: assert proxy.hearing.compared(case)['differences']\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    # A charset's table is some KiB.
    assert [name for name in run.stdout.split() if not name.startswith("encodings.")] == []
