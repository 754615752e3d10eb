"""What differs between any two answers and means nothing: tokens, session ids, request ids, nonces. Pure.

Dates of now are in moments.py. What one council's pages do besides is learned, or written under `ignore:`.
"""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

# Names of form fields, members, query parameters and cookies, without marks and in lower case, whose value is made
# anew for each visitor or answer.
_NAMES_OF_WHAT_IS_DRAWN = (
    "csrf csrftoken csrfmiddlewaretoken csrfparam xsrf xsrftoken anticsrf antiforgery authenticitytoken token "
    "requestverificationtoken viewstate viewstategenerator viewstateencrypted eventvalidation previouspage ncforminfo "
    "ufprt javaxfacesviewstate jakartafacesviewstate orgapachestrutstaglibhtmltoken strutstoken synchronizertoken "
    "formtoken formbuildid formkey wpnonce nonce cspnonce captchatoken traceparent"
)
_DRAWN_ANEW = frozenset(_NAMES_OF_WHAT_IS_DRAWN.split())
_TOKEN_PART = re.compile(r"csrf|xsrf|nonce$|verificationtoken|viewstate")

# The same, but only where the value looks drawn by lot: a council's service requests have a `request_id` too.
_IDS = re.compile(r"^x?(?:request|correlation|trace|span|activity|error)(?:id|guid|uuid)$|sess(?:ion)?id$|^sid$|^cfid$")
_DRAWN = re.compile(r"(?=[^\s]*[0-9])[A-Za-z0-9+/=_.:~-]{16,}")  # 16: a random number of 64 bits, in hexadecimal
_MARKS = re.compile(r"[\W_]+")

# `Request ID: 4f9c2a17…`, as error pages say it.
_SPOKEN_ID = re.compile(
    r"(\b(?:request|trace|correlation|error|session)[ _-]?id(?:entifier)?\b[\s:#=]*)(?=\S*[0-9])[\w-]{16,}",
    re.IGNORECASE,
)
_SHORTEST = 16  # characters of such an id alone
_NONCE = re.compile(r"'nonce-[^']*'")

_PATH_SESSION = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/?#;]*|/\(S\([a-z0-9]{20,}\)\)", re.IGNORECASE)
_BUSTERS = frozenset({"v", "ver", "version", "rev", "_", "cb", "t", "ts", "h", "hash", "cachebuster", "nocache"})
_ASSET = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|pdf|docx?|xlsx?)$", re.IGNORECASE
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_volatile(name: str, value: str) -> bool:
    """Whether this value of that name is made anew each time: `__VIEWSTATE`, `csrf_token`, a random `sessionId`."""
    bare = _MARKS.sub("", name).lower()
    if bare in _DRAWN_ANEW or _TOKEN_PART.search(bare):
        return bool(value)
    return _IDS.search(bare) is not None and _DRAWN.fullmatch(value) is not None


def settled_text(text: str) -> str:
    """`text` without the ids of this one request, and without nonces."""
    if "'nonce-" in text:
        text = _NONCE.sub("'nonce'", text)
    return _SPOKEN_ID.sub(r"\1…", text) if len(text) > _SHORTEST else text


def settled_link(link: str, hosts: Collection[str] = ()) -> str:
    """Where it leads, whoever asks: without session ids, and for assets without what only defeats caches.

    `/a;jsessionid=1F?b=2&a=%7E` -> `/a?a=~&b=2`; the order of parameters does not count, their repetition does.
    `hosts`: the public names, which a link may leave out.
    """
    link = link.strip()
    try:
        parts: SplitResult = urlsplit(_PATH_SESSION.sub("", link))
    except ValueError:
        return link
    if parts.scheme not in ("", "http", "https"):
        return link
    kept = []
    for pair in parts.query.split("&") if parts.query else ():
        name, _, value = pair.partition("=")
        if is_volatile(name, value) or (name.lower() in _BUSTERS and _ASSET.search(parts.path)):
            continue
        kept.append(_plain(pair.replace("+", "%20")))
    path, query, host = _plain(parts.path), "&".join(sorted(kept)), parts.netloc.lower()
    if host in hosts:
        return parts._replace(scheme="", netloc="", path=path or "/", query=query).geturl()
    return parts._replace(path=path, query=query, netloc=host).geturl()


def _plain(text: str) -> str:
    """With escapes written in one way: `%7e` and `~` are the same (RFC 3986, 6.2.2)."""
    return _ESCAPE.sub(_unescaped, text) if "%" in text else text


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else f"%{match[1].upper()}"
