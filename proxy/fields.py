"""The types of single values in routes.yaml: from what a person wrote to what the proxy works with."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from notation.problems import Refused, one_of
from notation.shape import Words
from notation.units import percent
from proxy import addresses, patterns, stages

T = TypeVar("T")


def _from_text(parse: Callable[[str], T]) -> PlainValidator:
    def validate(value: object) -> T:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise Refused("must be text")
        return parse(str(value))

    return PlainValidator(validate)


def _schema(example: str, pattern: str = "") -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **({"pattern": pattern} if pattern else {}), "examples": [example]})


def _named(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", value, re.ASCII):
        raise Refused(
            f"'{value}' is not a name", "write small letters, digits, - _ or . and begin with one of the first"
        )
    return value


def _canary_share(text: str) -> str:
    share = percent(text.removeprefix("sampled ")) if text.startswith("sampled ") else None
    if text not in ("off", "all") and not share:
        raise Refused(f"'{text}' is not a word known here", one_of("known words", text, ["off", "all", "sampled 1%"]))
    return text


def _host_setting(text: str) -> str:
    return text if text in ("preserve", "backend") else patterns.host(text)


def _workers(value: object) -> int | None:
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 256:
        raise Refused(f"{value!r} is not a number of workers", "write auto (one for each core), or 1 to 256")
    return value


CAUSES = ("connect", "breaker", "timeout", "reset")


def _cause(value: object) -> str | int:
    if value in CAUSES or (isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599):
        return value
    known = one_of("known causes", str(value), [*CAUSES, "or a status from 400 to 599"])
    raise Refused(f"{value!r} is not a cause to fall back", known)


def _version(value: object) -> int:
    if value != 1 or isinstance(value, bool):
        raise Refused(f"version {value} is not known", "write version: 1")
    return 1


def _redirect_status(value: object) -> int:
    if isinstance(value, bool) or value not in (301, 302, 303, 307, 308):
        raise Refused(f"{value!r} is not a redirect's status", "write 301, 302, 303, 307 or 308")
    return int(value)


def _growth(text: str) -> float:
    if not text.startswith("+") or (share := percent(text[1:])) is None:
        raise Refused(f"'{text}' is not a growth", "write how much more is bearable: +2%")
    return share


def _factor(text: str) -> float:
    if not (match := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)x", text)) or float(match[1]) < 1:
        raise Refused(f"'{text}' is not a factor", "write how many times as much is bearable: 1.3x")
    return float(match[1])


def _ledger_url(text: str) -> str:
    """It may hold a password: what is said of it does not repeat it."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("postgresql", "postgres") and parts.hostname and (parts.port or 1)
    except ValueError:
        fits = False
    if not fits:
        raise Refused("this is not the URL of a PostgreSQL database", "write postgresql://user:${PASSWORD}@host/name")
    return text


def listed(value: object) -> object:
    """A single thing stands for a list of one."""
    return value if isinstance(value, (list, tuple)) else [value]


Name = Annotated[str, AfterValidator(_named), Field(examples=["repairs"])]
PathPattern = Annotated[str, AfterValidator(patterns.path_pattern), Field(examples=["/repairs/*"])]
RedirectTarget = Annotated[str, AfterValidator(patterns.target_pattern), Field(examples=["/repairs/*"])]
Method = Annotated[str, AfterValidator(patterns.method), Field(examples=["GET"])]
FieldName = Annotated[str, AfterValidator(patterns.field_name), Field(examples=["x-beta"])]
FieldValue = Annotated[str, AfterValidator(patterns.field_value), Field(examples=["1"])]
CookieName = Annotated[str, AfterValidator(patterns.cookie_name), Field(examples=["pilot"])]
CookieValue = Annotated[str, AfterValidator(patterns.cookie_value), Field(examples=["yes"])]
Host = Annotated[str, AfterValidator(patterns.host), Field(examples=["www.anytown.gov.uk"])]
HostSetting = Annotated[str, Words(), AfterValidator(_host_setting)]
AccessLog = Annotated[str, Words(), AfterValidator(_canary_share)]
LedgerUrl = Annotated[
    str,
    _from_text(_ledger_url),
    _schema("postgresql://fig:${LEDGER_PASSWORD}@db.internal/fig", "^postgres(ql)?://"),
]
ListenAddress = Annotated[
    addresses.Address,
    _from_text(addresses.address),
    PlainSerializer(str, return_type=str),
    _schema("127.0.0.1:8080"),
]
BackendUrl = Annotated[
    addresses.Origin,
    _from_text(addresses.origin),
    PlainSerializer(str, return_type=str),
    _schema("http://127.0.0.1:9001", "^https?://"),
]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    _from_text(addresses.network),
    PlainSerializer(str, return_type=str),
    _schema("10.0.0.0/8"),
]
StageText = Annotated[
    stages.Stage,
    _from_text(stages.parse),
    PlainSerializer(str, return_type=str),
    _schema("canary 10%", r"^(legacy|shadow|canary [0-9.]+%|live|retired)$"),
]
Workers = Annotated[
    int | None,
    PlainValidator(_workers),
    PlainSerializer(lambda n: n or "auto"),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 256}]}),
]
Cause = Annotated[
    str | int,
    PlainValidator(_cause),
    WithJsonSchema({"anyOf": [{"enum": list(CAUSES)}, {"type": "integer", "minimum": 400, "maximum": 599}]}),
]
Version = Annotated[int, PlainValidator(_version), WithJsonSchema({"const": 1})]
RedirectStatus = Annotated[int, PlainValidator(_redirect_status), WithJsonSchema({"enum": [301, 302, 303, 307, 308]})]
Growth = Annotated[float, _from_text(_growth), PlainSerializer(lambda v: f"+{v:g}%"), _schema("+2%", r"^\+[0-9.]+%$")]
Factor = Annotated[float, _from_text(_factor), PlainSerializer(lambda v: f"{v:g}x"), _schema("1.3x", "^[0-9.]+x$")]
