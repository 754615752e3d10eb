"""What the proxy says to a citizen in its own name: short pages that name no backend and no address."""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus

# Seconds after which a program may ask again: long enough for a burst to pass.
RETRY_AFTER = 30

_TEXTS: dict[int, tuple[str, str]] = {
    400: ("This request could not be understood", "Check the address, or go back and try the link again."),
    404: ("Page not found", "If you typed the address, check it is correct."),
    405: ("This cannot be done here", "Go back and try another way."),
    408: ("The request took too long to arrive", "Check your connection and try again."),
    410: ("This page has been removed", "It is no longer part of this website."),
    413: ("What you sent is too large", "Try again with a smaller file."),
    414: ("The address is too long", "Check the address, or go back and try the link again."),
    421: ("This address is not served here", "Check the name of the website in the address."),
    429: ("There are too many connections from your address", "Try again in a few minutes."),
    431: ("The request is too large", "Clear this website's cookies in your browser and try again."),
    501: ("This request is not supported", "Go back and try another way."),
    502: ("Sorry, there is a problem with the service", "Try again in a few minutes."),
    503: ("Sorry, the service is unavailable", "You will be able to use the service later."),
    504: ("Sorry, the service took too long to answer", "Try again in a few minutes."),
    505: ("This request could not be understood", "Update your browser and try again."),
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.125rem/1.5 system-ui, sans-serif; color: #0b0c0c; background: #fff; margin: 0; }}
main {{ max-width: 38rem; margin: 0 auto; padding: 2rem 1rem; }}
h1 {{ font-size: 2rem; line-height: 1.2; }}
.reference {{ color: #484949; font-size: 1rem; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{advice}</p>
<p class="reference">If you contact us about this, quote {status}, reference <strong>{reference}</strong>.</p>
</main>
</body>
</html>
"""


def reason(status: int) -> bytes:
    """The reason phrase of a status."""
    return HTTPStatus(status).phrase.encode()


def error_page(status: int, reference: str) -> bytes:
    """The page for `status`, with the reference under which the log tells more."""
    title, advice = _TEXTS[status]
    return _PAGE.format(title=escape(title), advice=escape(advice), status=status, reference=escape(reference)).encode()


@dataclass(frozen=True, slots=True)
class Manner:
    """How the proxy's own answer is sent: to whom (HTTP/1.`minor`), to HEAD or not, whether the connection stays."""

    keep_alive: bool = False
    minor: int = 1
    with_body: bool = True
    date: bytes = b""
    hsts: bytes = b""


def own_answer(status: int, reference: str, manner: Manner, location: bytes | None = None) -> bytes:
    """A whole answer of the proxy's own, ready to send."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, reason(status)), manner.date, manner.hsts]
    body, kind = b"", b"text/plain; charset=utf-8"
    if location is not None:
        lines.append(b"Location: %b\r\n" % location)
    elif status == 200:
        body = b"ok\n"
    elif status >= 400:
        body, kind = error_page(status, reference), b"text/html; charset=utf-8"
    if status >= 400 or status == 200:
        lines.append(b"Cache-Control: no-store\r\n")  # a redirect may be kept, as its status says (RFC 9110, 15.4)
    # RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response…"
    if status in (204, 405):
        lines.append(b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
    if status in (429, 503):
        lines.append(b"Retry-After: %d\r\n" % RETRY_AFTER)
    # RFC 9110 section 8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of
    # 1xx (Informational) or 204 (No Content)."
    if status != 204:
        lines.append(b"Content-Type: %b\r\nContent-Length: %d\r\n" % (kind, len(body)))
    if not manner.keep_alive:
        lines.append(b"Connection: close\r\n")
    elif manner.minor == 0:
        lines.append(b"Connection: keep-alive\r\n")
    return b"".join((*lines, b"\r\n", body if manner.with_body else b""))
