"""However routes.yaml is changed, step by step: what is taken in is what a fresh start makes of the last text."""

from __future__ import annotations

import pickle
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy.asked import Asked
from proxy.channel import Begin, Claims, Dropped, Whole, whole
from proxy.claims import Claim
from proxy.compiler import Held, SeriesBook, make_generation
from proxy.config import Loaded, checked
from proxy.sections import NO_SECTIONS, Sections, claims_of
from proxy.stages import LEGACY
from proxy.table import Table

TOP = """\
version: 1
listen: 127.0.0.1:8080
backends: {legacy: {url: "http://127.0.0.1:8081"}, s: {url: "http://127.0.0.1:9001"}}
default: legacy
"""
SEGMENTS = ("/a", "/b", "/A", "/a/b", "/a/b/c", "/c/long-name/d")
paths = st.sampled_from([path + tail for path in SEGMENTS for tail in ("", "/*")])
routes = st.one_of(
    paths,
    paths,
    st.builds("{{path: {}, methods: [{}]}}".format, paths, st.sampled_from(["GET", "POST", "GET, POST"])),
    st.builds("{{path: {}, priority: {}}}".format, paths, st.sampled_from([1, 2, "x"])),
    st.builds("{{regex: '{}.*', priority: {}}}".format, st.sampled_from(SEGMENTS), st.sampled_from([1, 3])),
    st.builds("{{path: {}, headers: {{x-a: '1'}}, rewrite: {}}}".format, paths, paths),
    st.sampled_from(["no slash", "/healthz", "/a;b", "null", "{path: 1}", "{path: /a, unknown: 1}"]),
)
redirects = st.builds("{{from: {}, to: {}, status: {}}}".format, paths, paths, st.sampled_from([301, 302, 999]))
lists = {"slices": routes, "redirects": redirects, "gone": paths}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, bool]]:
    """Texts, each an edit or two away from the one before, and whether a hold keeps the slice at legacy."""
    lines: dict[str, list[str]] = {"slices": ["/z"], "redirects": [], "gone": []}
    top = TOP
    found = []
    for _ in range(draw(st.integers(2, 8))):
        for _ in range(draw(st.integers(1, 3))):
            name = draw(st.sampled_from(sorted(lists)))
            at = draw(st.integers(0, len(lines[name])))
            what = draw(st.sampled_from(["put in", "put in", "take out", "write anew", "comment", "case"]))
            if what == "put in":
                lines[name].insert(at, draw(lists[name]))
            elif what == "take out":
                del lines[name][at : at + 1]
            elif what == "write anew":
                lines[name][at : at + 1] = [draw(lists[name])]
            else:
                top = TOP + {"comment": "# one line more\n" * at, "case": "paths: {case: insensitive}\n"}[what]
        found.append((_text(top, lines), draw(st.integers(0, 4)) == 0))
    return found


def _text(top: str, lines: dict[str, list[str]]) -> str:
    text = f"{top}slices:\n  one:\n    backend: s\n    stage: live\n    routes:\n"
    text += "".join(f"      - {line}\n" for line in lines["slices"]) or "      - /z\n"
    for name in ("redirects", "gone"):
        text += f"{name}:\n" + "".join(f"  - {line}\n" for line in lines[name]) if lines[name] else ""
    return text


def outcome(text: str) -> Loaded | str:
    try:
        return checked(parse(text, "routes.yaml"), Path("routes.yaml"), {})
    except ConfigError as exc:
        return str(exc)


def fresh(text: str) -> Loaded | str:
    """The same where nothing is remembered."""
    with patch("notation.read_again.ROOM", 0):
        return outcome(text)


def taken_in(table: Table, told: Whole, before: Sections) -> Table:
    """What a worker makes of the messages, whose table holds `before`."""
    for message in map(_message, told.frames_after(told.generation.number - 1)):
        match message:
            case Begin(since=since):
                table = list(table.copied())[-1] if since is not None else Table()
            case Dropped(claims):
                for claim in claims:
                    table.drop(claim)
            case Claims(claims):
                for claim in claims:
                    table.add(claim)
    return table


def _message(frame: bytes) -> object:
    return pickle.loads(frame[4:])


def by_number(claims: Table | list[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: claim.series)


PROBES = [Asked(method, path.encode() + end, None, b"") for path in SEGMENTS for end in (b"", b"/x", b"/x/y")
          for method in (b"GET", b"POST")]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(histories())
def test_what_is_taken_in_step_by_step_is_what_a_fresh_start_takes_in(history: list[tuple[str, bool]]) -> None:
    book = SeriesBook()
    table, before, kept = Table(), None, NO_SECTIONS
    for number, (text, is_held) in enumerate(history, 1):
        loaded = outcome(text)
        assert loaded == fresh(text)
        if isinstance(loaded, str):
            continue
        held = Held(stages={"one": LEGACY} if is_held else {})
        generation, sections = make_generation(number, loaded.spec, held, book, before=kept)
        told = whole(generation, sections, before)
        served = table
        was = list(served)
        table = taken_in(table, told, kept)
        assert list(served) == was  # who still goes by the table before sees nothing of it
        _, anew = make_generation(number, loaded.spec, held, book)
        assert by_number(table) == by_number(claims_of(sections)) == by_number(claims_of(anew))
        whole_table = Table(claims_of(anew))
        assert [table.find(one.path, one) for one in PROBES] == [whole_table.find(one.path, one) for one in PROBES]
        before, kept = told, sections
