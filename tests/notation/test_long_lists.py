"""Long lists are read as the general parser reads them, in every place and form; or by the general parser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notation import long_lists
from notation.long_lists import shorten
from notation.marked_yaml import Document, _parse_whole, parse
from notation.problems import ConfigError


@pytest.fixture(autouse=True)
def short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items are a long list here."""
    import re

    pattern = long_lists._RUN.pattern.replace(f"{{{long_lists.LONG - 1},}}", "{2,}")
    monkeypatch.setattr(long_lists, "_RUN", re.compile(pattern))


def both(text: str) -> tuple[Document | str, Document | str]:
    def outcome(read: object) -> Document | str:
        try:
            return read(text, "x.yaml")  # type: ignore[no-any-return, operator]
        except ConfigError as exc:
            return str(exc)

    return outcome(parse), outcome(_parse_whole)


def same(text: str) -> Document | str:
    quick, whole = both(text)
    assert quick == whole
    if isinstance(quick, Document) and isinstance(whole, Document):
        assert list(quick.marks) == list(whole.marks)
        assert dict(quick.marks.surprising()) == dict(whole.marks.surprising())
    return quick


LISTS = [  # law, text, whether the quick way read it
    ("paths", "a:\n  - /a\n  - /b/*\n  - /c\n  - /d\nb: 1\n", True),
    ("a list without indentation", "a:\n- /a\n- /b\n- /c\n- /d\nb: [x]\n", True),
    ("comments and blanks", "a:\n  - /a # one\n  - /b   \n  - /c  # {x: y}\n  - /d\n", True),
    ("mappings", "a:\n" + "  - {path: /a, methods: [GET, 'P O'], host: \"x y\"}\n" * 4, True),
    ("mappings with a comment", "a:\n" + "  - { path: /a , q: 1 }  # {b: c}\n" * 4, True),
    ("numbers, truths and what others take for them", "a:\n  - 1\n  - no\n  - null\n  - true\n  - 010\n", True),
    ("surprising keys", "a:\n" + "  - {on: x, y: no}\n" * 4, True),
    ("other items before and between", "a:\n  - x y\n  - /a\n  - /b\n  - /c\n  - a: b\n  - /d\n  - /e\n  - /f\n", True),
    ("two lists", "a:\n  - /a\n  - /b\n  - /c\nb:\n  - /d\n  - /e\n  - /f\nc: '1'\n", True),
    ("the whole file", "- /a\n- /b\n- /c\n- /d\n", True),
    ("a key written twice", "a:\n  - /a\n  - /b\n  - {c: 1, c: 2}\n  - /d\n", False),
    ("a key that is no text", "a:\n  - /a\n  - /b\n  - {null: 1}\n  - /d\n", False),
    ("lines of a text", "a: |\n  - /a\n  - /b\n  - /c\n  - /d\nb: 1\n", False),
    ("lines of a quoted text", 'a: "x\n  - /a\n  - /b\n  - /c\n  - /d\n  y"\n', False),
    ("lines of a plain text", "a: x\n  - /a\n  - /b\n  - /c\n  - /d\n", False),
    ("an item that goes on in the next line", "a:\n  - /a\n  - /b\n  - /c\n  - /d\n    e\n", False),
    ("a list in a list", "a:\n  - - /a\n    - /b\n    - /c\n    - /d\n  - /e\n", True),
    ("an error after it", "a:\n  - /a\n  - /b\n  - /c\n  - /d\nb: [\n", False),
    ("a problem after it", "a:\n  - /a\n  - /b\n  - /c\n  - /d\nb: &x 1\n", False),
    ("a tab after it", "a:\n  - /a\n  - /b\n  - /c\n  - /d\n\tb: 1\n", False),
]


@pytest.mark.parametrize(("law", "text", "quick"), LISTS, ids=[case[0] for case in LISTS])
def test_both_ways_read_the_same(law: str, text: str, quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shorten(text).runs
    same(text)
    if quick:
        monkeypatch.setattr("notation.marked_yaml._parse_whole", lambda *_: pytest.fail("it was read the slow way"))
        parse(text, "x.yaml")


scalars = st.one_of(
    st.sampled_from(["/a", "/b/*", "GET", "1", "no", "1.5", "null", "2020-01-01", "'x y'", '"a: {b}"', "''", "a%20b"]),
    st.text("ab/*.{}[],:#'\" -", max_size=6),
)
values = st.one_of(scalars, st.lists(scalars, max_size=3).map(lambda each: f"[{', '.join(each)}]"))
keys = st.sampled_from(["path", "methods", "on", "null", "x_y", "A", "p-q"])
mappings = st.lists(st.tuples(keys, values), max_size=3).map(
    lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
)
ends = st.sampled_from(["", " ", "  # {a: b}", " #", "#x"])
lines = st.tuples(st.one_of(scalars, mappings), ends).map(lambda both: f"- {both[0]}{both[1]}")
good = st.sampled_from(["- /a", "- {path: /b, methods: [GET]}"])
blocks = st.tuples(
    st.sampled_from(["a:\n", "b: |\n", "c: 'x\n", "", "d: [\n", "e:\n  f:\n"]),
    st.lists(st.one_of(good, good, good, lines), min_size=3, max_size=8),
    st.sampled_from(["", "  ", "    "]),
    st.sampled_from(["", "g: 1\n", "    h: 1\n", "'\n", "]\n"]),
).map(lambda block: block[0] + "".join(f"{block[2]}{line}\n" for line in block[1]) + block[3])


@settings(max_examples=400, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=3).map("".join))
def test_whatever_is_written_both_ways_agree(text: str) -> None:
    same(text)


def test_what_is_not_written_has_no_mark() -> None:
    document = parse("a:\n" + "  - {path: /a, methods: [GET]}\n" * 5, "x.yaml")
    assert document.marks["a", 2, "methods", 0].line == 4
    for path in (("a", 5), ("a", -1), ("a", "x"), ("a", 2, "x"), ("b", 2)):
        assert path not in document.marks
