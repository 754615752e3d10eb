"""What a path, a host and a method in routes.yaml may be. Pure: text in, the same text or Refused out."""

import ipaddress
import re
from urllib.parse import quote, urlsplit

from notation.problems import Refused

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
PRINTED = "".join(map(chr, range(0x21, 0x7F)))  # what requests carry as it is; all else comes percent-encoded
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z", re.ASCII)  # RFC 9110, 5.6.2
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.ASCII)  # RFC 1123, 2.1; _ occurs inside councils' networks
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
# What most paths are, at a glance: segments of unreserved characters that begin with no dot.
PLAIN = re.compile(r"(?:/[a-z0-9_~-][a-z0-9._~-]*)+(?:/\*)?\Z", re.ASCII | re.IGNORECASE)


def is_prefix(path: str) -> bool:
    return path.endswith("/*")


def stem(path: str) -> str:
    """`/repairs/*` -> `/repairs`; an exact path is itself; `/*` is the empty text."""
    return path[:-2] if is_prefix(path) else path


def path_pattern(text: str) -> str:
    """A path to match: exact, or a prefix ending in `/*`, in the one form requests are matched in. Raises Refused."""
    if PLAIN.match(text):
        return text
    _refuse_what_no_path_holds(text)
    prefix = is_prefix(text)
    body = text[:-2] if prefix else text
    if "*" in body:
        raise Refused(f"'{text}' has a * elsewhere than in a final /*", "write a prefix as /name/*, a star as %2A")
    written = canonical(body) if body else ""
    if prefix:
        written = written.rstrip("/") + "/*"
    if written != text:
        raise Refused(f"'{text}' is not in the form requests are matched in", f"write {written}")
    return text


def target_pattern(text: str) -> str:
    """Where a redirect leads: a path or an http(s) URL, which may end in `/*`. Raises Refused."""
    hint = "write a path such as /repairs/*, or a URL such as https://www.anytown.gov.uk/repairs"
    if re.search(r"[\x00-\x20\x7f\\\"<>^`{|}]|[^\x00-\x7f]", text):
        raise Refused(f"{text!r} holds a character that no address may hold", "percent-encode it, as %20 for a blank")
    if text.startswith("/") and not text.startswith("//"):
        if "*" in (text[:-2] if is_prefix(text) else text):
            raise Refused(f"'{text}' has a * elsewhere than in a final /*", "write a prefix as /name/*, a star as %2A")
        return text
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Refused(f"'{text}' is neither a path nor an http(s) URL", hint)
    if "*" in (text[:-2] if is_prefix(text) else text):
        raise Refused(f"'{text}' has a * elsewhere than in a final /*", "write a prefix as /name/*, a star as %2A")
    return text


def canonical(path: str) -> str:
    """Unreserved characters decoded, others encoded in upper case, `//` merged, dot segments resolved."""
    encoded = quote(path, safe=PRINTED)
    decoded = ESCAPE.sub(lambda m: chr(int(m[1], 16)) if chr(int(m[1], 16)) in UNRESERVED else m[0].upper(), encoded)
    segments: list[str] = []
    parts = re.sub(r"/{2,}", "/", decoded).split("/")[1:]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "..":
            del segments[-1:]
        elif part != ".":
            segments.append(part)
        if last and part in (".", ".."):
            segments.append("")
    return "/" + "/".join(segments)


def _refuse_what_no_path_holds(text: str) -> None:
    if not text.startswith("/"):
        raise Refused(f"'{text}' does not begin with /", f"write /{text}")
    if re.search(r"[\x00-\x1f\x7f]|%(?:[01][0-9A-Fa-f]|7[Ff])", text):
        raise Refused(f"{text!r} holds a control character", "remove it; requests that hold one are refused")
    if bad := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", text):
        raise Refused(f"'{text}' has a broken percent-encoding: {bad[0]}", "write %25 for a percent sign")
    if "?" in text:
        raise Refused(f"'{text}' has a query string", "match a query with query: {name: value}; write %3F for a ?")
    if "#" in text:
        raise Refused(
            f"'{text}' has a fragment, which no request carries", "remove it from the # on; write %23 for a #"
        )
    if "\\" in text:
        raise Refused(f"'{text}' has a backslash", "write / between segments; a backslash itself is %5C")


def method(text: str) -> str:
    """A method, as requests spell it. Raises Refused."""
    if not TOKEN.match(text):
        raise Refused(f"'{text}' is not a method", "write letters only, such as GET or POST")
    if text != text.upper():
        raise Refused(f"'{text}' is not in upper case; methods are matched as written", f"write {text.upper()}")
    return text


def field_name(text: str) -> str:
    """A header field's name, in any case. Raises Refused."""
    if not TOKEN.match(text):
        raise Refused(f"'{text}' is not the name of a header field", "write letters, digits and -, such as x-beta")
    return text


def field_value(text: str) -> str:
    """A header field's whole value. Raises Refused."""
    if re.search(r"[\x00-\x1f\x7f]", text) or text != text.strip(" "):
        raise Refused(f"{text!r} can be no header field's value", "remove control characters, and blanks at the ends")
    return text


def cookie_name(text: str) -> str:
    """A cookie's name. Raises Refused."""
    if not TOKEN.match(text):
        raise Refused(f"'{text}' is not the name of a cookie", "write it as the browser sends it, such as pilot")
    return text


def cookie_value(text: str) -> str:
    """A cookie's whole value. Raises Refused."""
    if re.search(r"[\x00-\x1f\x7f;]", text) or text != text.strip(" "):
        hint = "remove semicolons, control characters, and blanks at the ends"
        raise Refused(f"{text!r} can be no cookie's value", hint)
    return text


def host(text: str) -> str:
    """A public name, in lower case, without a port; or an address. Raises Refused."""
    hint = "write a name such as www.anytown.gov.uk, without scheme, port or path"
    if text.startswith("[") or text.replace(".", "").isdigit():
        try:
            ipaddress.ip_address(text.strip("[]"))
        except ValueError:
            raise Refused(f"'{text}' is not a host name", hint) from None
        return text
    name = text.lower()
    if len(name) > 253 or not all(LABEL.match(label) for label in name.split(".")):
        raise Refused(f"'{text}' is not a host name", hint)
    return name
