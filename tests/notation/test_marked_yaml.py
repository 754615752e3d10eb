"""YAML that two readers could understand differently is refused; every value knows its place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from notation.marked_yaml import DEPTH, Document, load, parse
from notation.problems import ConfigError, Where

TEXT = """\
# the top
version: 1
slices:
  repairs:          # housing's
    stage: canary 10%
    routes: [/a, {path: /b}]
    more:
      - one
      -   two: 2
          three: |
            text

"quoted": 'it''s'
"""


def test_values_are_plain_python_values() -> None:
    document = parse(TEXT, "r.yaml")
    assert document.value == {
        "version": 1,
        "slices": {
            "repairs": {
                "stage": "canary 10%",
                "routes": ["/a", {"path": "/b"}],
                "more": ["one", {"two": 2, "three": "text\n"}],
            }
        },
        "quoted": "it's",
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("version",), 2),
        (("slices", "repairs"), 4),
        (("slices", "repairs", "routes", 1, "path"), 6),
        (("slices", "repairs", "more", 1, "three"), 10),
        (("quoted",), 13),
        (("slices", "repairs", "owner"), 4),  # not written: where it would belong
        (("version", 0), 2),  # one thing written where a list may stand
        (("nothing", "of", "this"), 2),
    ],
)
def test_every_value_knows_its_line_or_its_nearest_ancestors(path: tuple[str | int, ...], line: int) -> None:
    assert parse(TEXT, "r.yaml").where(path) == Where("r.yaml", line)


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("slices", "repairs", "stage"), "canary 10%"),
        (("slices", "repairs", "routes"), "[/a, {path: /b}]"),
        (("slices", "repairs", "more"), "- one\n      -   two: 2\n          three: |\n            text"),
        (("quoted",), "'it''s'"),
    ],
)
@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_every_value_knows_its_characters(before: str, path: tuple[str | int, ...], written: str) -> None:
    document = parse(before + TEXT, "r.yaml")
    start, end = document.span(path)
    assert document.text[start:end] == written


def test_lines_are_counted_in_a_file_from_windows() -> None:
    document = parse(TEXT.replace("\n", "\r\n"), "r.yaml")
    assert document.where(("quoted",)) == Where("r.yaml", 13)
    start, end = document.span(("slices", "repairs", "stage"))
    assert document.text[start:end] == "canary 10%"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1), ("-1", -1), ("1.5", 1.5), ("1e3", 1000.0), ("true", True), ("False", False), ("~", None),
        ("null", None), ("", None), ("no", "no"), ("on", "on"), ("y", "y"), ("010", "010"),
        ("0x1F", "0x1F"), ("1_000", "1_000"), ("1:30", "1:30"), ("2024-01-02", "2024-01-02"), ("10s", "10s"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("12345678901234567890", "12345678901234567890"), (".inf", ".inf"), ("'1'", "1"), ('"true"', "true"),
    ],
)  # fmt: skip
def test_plain_values_are_read_as_yaml_1_2_or_stay_text(written: str, value: object) -> None:
    read = parse(f"key: {written}", "r.yaml").value
    assert read == {"key": value}
    assert [type(v) for v in read.values()] == [type(value)]


@pytest.mark.parametrize("written", ["no", "Yes", "off", "y", "010", "1:30", "2024-01-02", "1_000", "0x1F", ".inf"])
def test_what_another_reader_would_not_take_for_text_is_marked(written: str) -> None:
    assert parse(f"key: {written}", "r.yaml").marks["key",].surprising
    assert not parse(f"key: '{written}'", "r.yaml").marks["key",].surprising
    assert parse(f"{written}: 1", "r.yaml").marks[written,].surprising_key


REFUSED = [
    ("a: 1\nb: 2\na: 3", "r.yaml:3: the key 'a' is written twice\n    it is already on line 1; keep one"),
    ("a: {b: 1, 'b': 2}", "r.yaml:1: the key 'b' is written twice\n    it is already on line 1; keep one"),
    (
        "a: &x 1\nb: *x",
        (
            "r.yaml:1: anchors and aliases (& and *) are not allowed\n    write the value out in each place\n"
            "r.yaml:2: anchors and aliases (& and *) are not allowed\n    write the value out in each place"
        ),
    ),
    ("a:\n  <<: {b: 1}", "r.yaml:2: merging (<<) is not allowed\n    write the keys out in each place"),
    ("a: !!str 1", "r.yaml:1: the tag tag:yaml.org,2002:str is not allowed\n    write the value without it"),
    ("a: !run {b: 1}", "r.yaml:1: the tag !run is not allowed\n    write the value without it"),
    ("&k a: 1", "r.yaml:1: anchors and tags are not allowed on a key\n    write the key alone"),
    ("a: 1\n---\nb: 2", "r.yaml:2: a second document begins here\n    keep one document in the file"),
    (
        "%YAML 1.1\n---\na: no",
        "r.yaml:2: a % directive is not allowed\n    remove it; the file is read as YAML 1.2",
    ),
    ("404: gone", 'r.yaml:1: the key 404 is not text\n    write it in quotes: "404"'),
    ("true: gone", 'r.yaml:1: the key true is not text\n    write it in quotes: "true"'),
    (
        "? [a, b]\n: 1",
        "r.yaml:1: a key must be text, not a list, a mapping or an alias\n    write a word before the ':'",
    ),
    (
        "a:\n\t- b",
        (
            "r.yaml:2: this is not YAML: found character '\\t' that cannot start any token while scanning"
            " for the next token\n    indent with spaces"
        ),
    ),
    (
        "a: 1\nb: x: y",
        (
            "r.yaml:2: this is not YAML: mapping values are not allowed here\n"
            "    put text that holds : # [ ] { } or quotes between quotes"
        ),
    ),
    (
        "a: [1",
        (
            "r.yaml:1: this is not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence\n"
            "    put text that holds : # [ ] { } or quotes between quotes"
        ),
    ),
    ("a: 1\nb: \x01", "r.yaml:2: the character U+0001 is not allowed in YAML\n    remove it"),
    (
        'a: "\\ud83d\\ude00"\n"\\udc00": 1',
        (
            "r.yaml:1: this holds half a character (\\uD800 to \\uDFFF)\n    write the character itself\n"
            "r.yaml:2: this holds half a character (\\uD800 to \\uDFFF)\n    write the character itself"
        ),
    ),
    ("", "r.yaml:1: the file is empty"),
    ("# only this\n", "r.yaml:1: the file is empty"),
    ("a: " + "[" * (DEPTH + 1), f"r.yaml:1: this is nested more than {DEPTH} levels deep"),
]


@pytest.mark.parametrize(("text", "error"), REFUSED)
def test_what_could_be_misread_is_refused(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "r.yaml")
    assert str(caught.value) == error


def test_a_file_that_is_not_there_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "routes.yaml")
    hint = "give the file's name with -c, or start in its folder"
    assert str(caught.value) == f"cannot read {tmp_path}/routes.yaml: No such file or directory\n    {hint}"


def test_a_file_in_another_encoding_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_bytes(b"version: 1\nowner: caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "routes.yaml")
    assert str(caught.value) == "routes.yaml:2: this is not UTF-8\n    save the file as UTF-8"


KEYS = st.text("abcxyz-", min_size=1, max_size=4).map(lambda key: f"k{key}")
# The library writes a text that begins with a colon unquoted in flow style, and does not read that again.
TEXTS = st.text("ab :#'\"-{}[]\n", max_size=6).filter(lambda text: not text.startswith(":"))
SCALARS = st.one_of(st.integers(-(10**9), 10**9), st.booleans(), st.none(), TEXTS)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def dumped(value: object, *, flow: bool) -> str:
    from io import StringIO

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    out = StringIO()
    yaml.dump(value, out)
    return out.getvalue()


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.booleans())
def test_what_was_written_is_read_and_each_span_is_that_value(value: dict[str, object], flow: bool) -> None:
    document: Document = parse(dumped(value, flow=flow), "r.yaml")
    assert document.value == value
    for path in document.marks:
        start, end = document.span(path)
        written = document.text[start:end]
        if isinstance(document.at(path), (int, bool)):
            assert parse(f"a: {written}", "r.yaml").value == {"a": document.at(path)}
