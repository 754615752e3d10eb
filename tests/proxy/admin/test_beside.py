"""Two answers side by side: what differs is marked, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.beside import CHARACTERS, ROWS, Cell, Row, beside
from proxy.compare.values import Reply

FIELDS = ((b"content-type", b"text/plain"),)


def reply(text: str, status: int = 200) -> Reply:
    return Reply(status, FIELDS, text.encode())


def test_equal_answers_have_nothing_to_show() -> None:
    assert beside(reply("a\nb"), reply("a\nb")) == ([], True)


def test_the_part_of_a_line_that_differs_is_marked() -> None:
    rows, whole = beside(reply("cost: 12.50 GBP"), reply("cost: 12.5 GBP"))
    assert whole
    assert rows[-1] == Row(Cell(4, "cost: 12.5", "0", " GBP"), Cell(4, "cost: 12.5", "", " GBP"), "changed")
    assert [row.what for row in rows] == ["same", "same", "same", "changed"]


def test_a_line_that_only_one_has_stands_alone() -> None:
    rows, _ = beside(reply("a\nb\nc"), reply("a\nc\nd"))
    alone = [(row.what, row.control and row.control.before, row.candidate and row.candidate.before) for row in rows]
    assert ("missing", "b", None) in alone
    assert ("added", None, "d") in alone


def test_a_status_is_a_line_too() -> None:
    rows, _ = beside(reply("a"), reply("a", 500))
    assert rows[0] == Row(Cell(1, "status: ", "2", "00"), Cell(1, "status: ", "5", "00"), "changed")


def test_a_page_on_one_line_is_cut_between_its_tags() -> None:
    one, other = reply("<p>Ward</p><p>Hill</p><p>End</p>"), reply("<p>Ward</p><p>Hall</p><p>End</p>")
    changed = [row for row in beside(one, other)[0] if row.what == "changed"]
    assert [row.control and row.control.differs for row in changed] == ["i"]


def test_what_is_alike_for_long_is_left_out() -> None:
    many = "\n".join(map(str, range(100)))
    rows, _ = beside(reply(f"a\n{many}\nb"), reply(f"x\n{many}\ny"))
    assert [row.what for row in rows].count("left out") == 1
    assert len(rows) < 20


def test_a_huge_answer_is_cut_and_that_is_said() -> None:
    rows, whole = beside(reply("a\n" * 3000), reply("b\n" * 3000))
    assert (len(rows), whole) == (ROWS, False)
    assert not beside(reply("x" * (CHARACTERS + 1)), reply("y"))[1]


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_the_texts_the_marked_parts_put_together_are_the_lines(one: str, other: str) -> None:
    rows, _ = beside(reply(one), reply(other))
    for side, text in (("control", one), ("candidate", other)):
        lines = ["status: 200", "content-type: text/plain", "", *text.encode().decode().splitlines()]
        for row in rows:
            cell = getattr(row, side)
            if cell is not None and not text.lstrip().startswith("<"):
                assert cell.before + cell.differs + cell.after == lines[cell.number - 1]
