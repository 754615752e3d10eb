"""The cookies two answers set: their names and attributes, and whether they set or remove them. Pure.

Values are not compared, unless both are short words (`lang=cy`): most are session ids.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from proxy.compare.found import Found
from proxy.compare.shapes import of_text
from proxy.compare.values import Kind, Reply

# How far two lifetimes may be apart: an Expires is said to the second, and the answers were made one after the other.
NEAR = timedelta(seconds=60)
_WORD = re.compile(r"[A-Za-z_-]{1,12}")
_FLAGS = ("Secure", "HttpOnly", "Partitioned")
_NAMELESS = "(nameless)"  # a browser sends the value alone
_LONGEST = 64  # characters of a name that are told
_NO_LIFE = timedelta(0)
# Where no answer has a Date: cookies are removed by an Expires long past.
_ONCE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SetCookie:
    """`lasts`: None for as long as the browser is open; zero where the cookie is removed."""

    value: str
    flags: frozenset[str]
    texts: tuple[tuple[str, str], ...]  # Path, Domain, SameSite
    lasts: timedelta | None


def set_cookies(reply: Reply, now: datetime | None) -> dict[str, SetCookie]:
    """By name, the last of each, as a browser keeps it."""
    fields = [value.decode("utf-8", "replace") for name, value in reply.fields if name == b"set-cookie"]
    return dict(_read(value, now or _ONCE) for value in fields)


def _read(line: str, now: datetime) -> tuple[str, SetCookie]:
    """As browsers do (RFC 6265, 5.2): unknown attributes are passed over, the last of several counts."""
    first, *rest = line.split(";")
    name, equals, value = first.partition("=")
    if not equals:
        name, value = "", first
    said = {key.strip().lower(): text.strip() for key, _, text in (each.partition("=") for each in rest)}
    texts = [("Path", said.get("path", "")), ("Domain", said.get("domain", "").lstrip(".").lower())]
    texts.append(("SameSite", said.get("samesite", "").lower()))
    flags = frozenset(flag for flag in _FLAGS if flag.lower() in said)
    return name.strip()[:_LONGEST] or _NAMELESS, SetCookie(value.strip(), flags, tuple(texts), _lasts(said, now))


def _lasts(said: dict[str, str], now: datetime) -> timedelta | None:
    if re.fullmatch(r"-?\d{1,9}", said.get("max-age", "")):
        return max(_NO_LIFE, timedelta(seconds=int(said["max-age"])))
    if "expires" in said:
        try:
            until = parsedate_to_datetime(said["expires"].replace("-", " "))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return max(_NO_LIFE, until.replace(tzinfo=UTC) - now)
    return None


def compare_cookies(
    control: dict[str, SetCookie], candidate: dict[str, SetCookie], ignored: Collection[str], found: Found
) -> None:
    for name in dict.fromkeys((*control, *candidate)):
        if name in ignored:
            continue
        mine, theirs, path = control.get(name), candidate.get(name), f"cookie:{name}"
        if theirs is None:
            found.missing(path, "a cookie")
        elif mine is None:
            found.added(path, "a cookie")
        else:
            for attribute, one, other in _differing(mine, theirs):
                if f"{name} {attribute}".rstrip() not in ignored:
                    found.add(f"{path} {attribute}".rstrip(), Kind.VALUE, one, other)


def _differing(mine: SetCookie, theirs: SetCookie) -> Iterator[tuple[str, str, str]]:
    """Attribute and both shapes; no attribute for the value."""
    words = _WORD.fullmatch(mine.value) and _WORD.fullmatch(theirs.value)
    if mine.value != theirs.value and (words or not mine.value or not theirs.value):
        yield "", of_text(mine.value), of_text(theirs.value)
    for flag in _FLAGS:
        if (flag in mine.flags) != (flag in theirs.flags):
            yield flag, _said(flag, flag in mine.flags), _said(flag, flag in theirs.flags)
    for (name, one), (_, other) in zip(mine.texts, theirs.texts, strict=True):
        if one != other:
            yield name, of_text(one), of_text(other)
    if not _lasts_as_long(mine.lasts, theirs.lasts):
        yield "lifetime", _life(mine.lasts), _life(theirs.lasts)


def _said(flag: str, is_set: bool) -> str:
    return flag if is_set else f"without {flag}"


def _lasts_as_long(mine: timedelta | None, theirs: timedelta | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return (mine == _NO_LIFE) == (theirs == _NO_LIFE) and abs(mine - theirs) <= NEAR


def _life(lasts: timedelta | None) -> str:
    if lasts is None:
        return "for the session"
    return of_text(f"{lasts.total_seconds():.0f}") + " seconds" if lasts else "removed"
