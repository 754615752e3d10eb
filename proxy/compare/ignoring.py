"""What a slice says does not matter: the entries of `compare: {ignore: […]}`, understood. Pure.

understood(("header:x-version", "json:$.items[*].cost")).headers == {"x-version"}
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import re2
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from notation.problems import Refused, nearest
from proxy.compare.json_paths import JsonPath, json_path

# Entries that are words; the others are a prefix and a name or path.
WORDS = ("status", "body")
# Attributes of a page that are compared, and may be ignored alone; see html_tree.
_NAMED = "href src alt action method enctype formaction content type name value checked selected placeholder"
ATTRIBUTES = frozenset((*_NAMED.split(), "disabled", "readonly"))
_LONGEST = 500  # characters of one entry: a selector or path is a line


@dataclass(frozen=True, slots=True)
class Ignoring:
    """`written`: the entries, to which the paths of differences are held; the rest is left out before comparing.

    `cookies`: names, or `NAME attribute`. `css`: selectors, each with the attribute (`[value]`) that alone is left out,
    or an empty one.
    """

    written: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()
    json: tuple[JsonPath, ...] = ()
    css: tuple[tuple[str, str], ...] = ()
    xml: tuple[str, ...] = ()
    csv: frozenset[str] = frozenset()
    text: tuple[re2._Regexp, ...] = ()


@lru_cache(maxsize=1024)  # a slice's entries are the same for each of its comparisons
def understood(entries: tuple[str, ...]) -> Ignoring:
    """Raises Refused for the first entry that is wrong; `fig check` has told of it."""
    by_prefix: dict[str, list[str]] = {prefix: [] for prefix in _READ}
    for entry in entries:
        prefix, rest = _parts(entry)
        if prefix:
            by_prefix[prefix].append(rest)
    return Ignoring(
        written=frozenset(entries),
        headers=frozenset(name.lower() for name in by_prefix["header"]),
        cookies=frozenset(by_prefix["cookie"]),
        json=tuple(json_path(path) for path in by_prefix["json"]),
        css=tuple(_selector(text) for text in by_prefix["css"]),
        xml=tuple(by_prefix["xml"]),
        csv=frozenset(by_prefix["csv"]),
        text=tuple(_regex(text) for text in by_prefix["text"]),
    )


def refusals(entries: Iterable[str]) -> list[tuple[int, Refused]]:
    """The place of each entry that is wrong, and what is wrong with it."""
    refused: list[tuple[int, Refused]] = []
    for index, entry in enumerate(entries):
        try:
            _parts(entry)
        except Refused as wrong:
            refused.append((index, wrong))
    return refused


def _parts(entry: str) -> tuple[str, str]:
    """`header:etag` -> `header`, `etag`, once it is sure that the rest can be read; a word has no prefix."""
    if entry in WORDS:
        return "", entry
    prefix, colon, rest = entry.partition(":")
    if not colon or prefix not in _READ:
        raise Refused(f"'{entry}' is not a known entry", _hint(prefix, colon, rest))
    if not rest or rest != rest.strip() or len(rest) > _LONGEST:
        raise Refused(f"'{entry}' names nothing", f"write {_EXAMPLES[prefix]}")
    try:
        _READ[prefix](rest)
    except Refused as wrong:
        raise Refused(f"'{entry}' {wrong.what}", wrong.hint) from None
    return prefix, rest


def _hint(prefix: str, colon: str, rest: str) -> str:
    if prefix.startswith("$"):
        return f"write json:{prefix}{colon}{rest}"
    meant = nearest(prefix.lower(), _READ) if colon else nearest(prefix.lower(), (*WORDS, *_READ))
    if meant is None or (not colon and meant in _READ):
        return f"entries begin with {', '.join(f'{each}:' for each in _READ)} or are {' or '.join(WORDS)}"
    return f"did you mean {meant}{colon}{rest}?"


def _name(rest: str) -> None:
    if not rest.isascii() or any(character in '()<>@,;:\\"/[]?={} \t' for character in rest):
        raise Refused("is no name of a header", f"write {_EXAMPLES['header']}")


def _selector(rest: str) -> tuple[str, str]:
    """`a.more[href]` -> `a.more`, `[href]`: what a selector ends in is what does not matter of the element."""
    selector, bracket, attribute = rest.rpartition("[")
    if not selector or selector[-1] in " >+~," or not attribute.endswith("]") or attribute[:-1] not in ATTRIBUTES:
        selector, bracket, attribute = rest, "", ""
    try:
        LexborHTMLParser("").css(selector)
    except SelectolaxError:
        raise Refused("is no CSS selector", f"write {_EXAMPLES['css']}") from None
    return selector, bracket + attribute


def _xml_path(rest: str) -> None:
    if not rest.startswith("/"):
        raise Refused("is no path in XML, which begins with /", f"write xml:/{rest}, or xml://{rest} for any depth")


def _regex(rest: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(rest, options)
    except re2.error as wrong:
        said = wrong.args[0].decode() if isinstance(wrong.args[0], bytes) else str(wrong)
        raise Refused(f"is no regular expression (RE2): {said}", f"write {_EXAMPLES['text']}") from None


def _anything(rest: str) -> None:
    pass


_READ: Mapping[str, Callable[[str], object]] = {
    "header": _name,
    "cookie": _anything,
    "json": json_path,
    "css": _selector,
    "xml": _xml_path,
    "csv": _anything,
    "text": _regex,
}
_EXAMPLES: Mapping[str, str] = {
    "header": "header:x-version",
    "cookie": "cookie:lang",
    "json": "json:$.items[*].cost",
    "css": "css:.advert",
    "xml": "xml:/feed/updated",
    "csv": "csv:printed",
    "text": "'text:build \\d+'",
}
