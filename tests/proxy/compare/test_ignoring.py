"""`compare: {ignore: […]}`: what may be written, what `fig check` says of the rest, and the line that is suggested."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from notation.problems import ConfigError
from proxy.compare.ignoring import refusals
from proxy.compare.suggest import suggest
from proxy.compare.values import Difference, Kind
from proxy.config import load

GOOD = [
    "status", "body", "header:x-request-id", "header:X-Version", "cookie:lang", "cookie:S HttpOnly", "json:$.generated",
    "json:$..at", "json:$.items[*].cost", "json:$['a name'].b[3]", "json:$", "css:.csrf", "css:form#a input[name=b]",
    "css:a.more[href]", "css:[href]", "css:td:nth-child(3)", "css:div:has(> p)", "xml:/feed/updated", "xml://@id",
    "csv:printed at", "csv:3", r"text:build \d+",
]  # fmt: skip

BAD = [
    ("headers:etag", "ignore: 'headers:etag' is not a known entry", "did you mean header:etag?"),
    ("jsn:$.a", "ignore: 'jsn:$.a' is not a known entry", "did you mean json:$.a?"),
    ("$.a", "ignore: '$.a' is not a known entry", "write json:$.a"),
    ("stauts", "ignore: 'stauts' is not a known entry", "did you mean status?"),
    ("etag", "ignore: 'etag' is not a known entry",
     "entries begin with header:, cookie:, json:, css:, xml:, csv:, text: or are status or body"),
    ("css:", "ignore: 'css:' names nothing", "write css:.advert"),
    ("css:div[", "ignore: 'css:div[' is no CSS selector", "write css:.advert"),
    ("header:a b", "ignore: 'header:a b' is no name of a header", "write header:x-version"),
    ("json:items", "ignore: 'json:items' is no path in JSON, which begins with $",
     "write json:$.items or json:$..items"),
    ("json:$.a[", "ignore: 'json:$.a[' is no path in JSON: '[' cannot be read",
     "such as json:$.items[*].cost, json:$..generated or json:$['a name']"),
    ("json:$.", "ignore: 'json:$.' is no path in JSON: '.' cannot be read",
     "such as json:$.items[*].cost, json:$..generated or json:$['a name']"),
    ("xml:feed", "ignore: 'xml:feed' is no path in XML, which begins with /",
     "write xml:/feed, or xml://feed for any depth"),
    ("text:(", "ignore: 'text:(' is no regular expression (RE2): missing ): (", r"write 'text:build \d+'"),
]  # fmt: skip


@pytest.mark.parametrize("entry", GOOD)
def test_what_may_be_written(entry: str) -> None:
    assert refusals([entry]) == []


def written(tmp_path: Path, compare: str) -> Path:
    file = tmp_path / "routes.yaml"
    file.write_text(
        "version: 1\nlisten: 127.0.0.1:8080\nbackends:\n  legacy: {url: http://127.0.0.1:8081}\n"
        "  new: {url: http://127.0.0.1:8082}\ndefault: legacy\nslices:\n  repairs:\n    backend: new\n"
        f"    routes: [/repairs/*]\n    compare:\n{compare}"
    )
    return file


@pytest.mark.parametrize(("entry", "what", "hint"), BAD, ids=[case[0] for case in BAD])
def test_what_may_not_is_told_with_its_line(entry: str, what: str, hint: str, tmp_path: Path) -> None:
    quoted = entry.replace("'", "''")
    file = written(tmp_path, f"      ignore:\n        - status\n        - '{quoted}'\n")
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert str(refused.value) == f"routes.yaml:14: slice 'repairs', {what}\n    {hint}"


def test_a_key_of_an_array_is_a_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, "      keys: {items: id}\n"), {})
    assert str(refused.value) == (
        "routes.yaml:12: slice 'repairs', keys: 'items' is no path in JSON, which begins with $\n"
        "    write $.items or $..items"
    )


@pytest.mark.parametrize("path", [*GOOD, 'css:input[name="a.b"]', "json:$['a\\b']"])
def test_the_suggested_line_is_read_back_as_the_path(path: str) -> None:
    line = suggest(Difference(path, Kind.VALUE, "", ""))
    assert YAML(typ="safe").load(line) == {"ignore": [path]}
