"""Exchanges that come in several frames: put together in whatever order those of several come, and bounded."""

from __future__ import annotations

import pytest

from proxy import gathered
from proxy.copies import Cause, Frame, Kind
from proxy.gathered import Gathered


def a_frame(kind: Kind, number: int, data: bytes = b"", micros: int = 0, cause: Cause | None = None) -> Frame:
    return Frame(kind, False, 3, number, 4, 0, micros, data, cause)


def test_pieces_of_several_become_each_its_own() -> None:
    held = Gathered()
    whole = a_frame(Kind.WHOLE, 0, b"at once")
    assert held.take(whole) is whole
    for number in (1, 2):
        assert held.take(a_frame(Kind.BEGIN, number, b"%d" % number)) is None
    for number in (2, 1):
        assert held.take(a_frame(Kind.PIECE, number, b"-%d" % number)) is None
    assert held.take(a_frame(Kind.END, 1, micros=7)) == a_frame(Kind.WHOLE, 1, b"1-1", 7)
    assert held.take(a_frame(Kind.END, 1, micros=7)) is None
    assert held.take(a_frame(Kind.ABANDONED, 2, cause=Cause.CUT)) is None
    assert held.take(a_frame(Kind.END, 2)) is None
    assert held.take(a_frame(Kind.PIECE, 9, b"of an unknown one")) is None


def test_who_begins_anew_has_been_replaced() -> None:
    held = Gathered()
    held.take(a_frame(Kind.BEGIN, 1, b"old"))
    held.take(a_frame(Kind.BEGIN, 1, b"new"))
    assert held.take(a_frame(Kind.END, 1)) == a_frame(Kind.WHOLE, 1, b"new")


def test_only_so_much_is_held_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "LIMIT", 1000)
    held = Gathered()
    for number in range(3):
        held.take(a_frame(Kind.BEGIN, number, b"x" * 400))
    assert [each.number for each in held.lost] == [0]
    held.take(a_frame(Kind.PIECE, 2, b"x" * 400))
    assert [each.number for each in held.lost] == [0, 1]
    assert held.take(a_frame(Kind.END, 1)) is None
    assert held.take(a_frame(Kind.END, 2)) == a_frame(Kind.WHOLE, 2, b"x" * 800)
