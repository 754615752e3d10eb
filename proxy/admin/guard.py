"""Who may ask for what: the Host must be the admin's own, reading from elsewhere needs a sign-in, changing a token.

What is refused here reaches no handler.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from aiohttp import web

from proxy.admin.keys import room
from proxy.admin.people import WHO, Wrong
from proxy.admin.saying import failed
from proxy.admin.security import SECURITY
from proxy.headers import PSEUDONYM

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
API = "/api/"
# Open to everybody who reaches the address: counts for Prometheus, a balancer's question, and what it takes to sign in.
OPEN = frozenset(("/healthz", "/metrics", "/sign-in", "/style.css", "/live.js", "/icon.svg"))
# What a proxy between says of whom it speaks for: who asks through one is not on this machine.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_SAFE = ("GET", "HEAD")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything comes by here."""
    try:
        response = await _let_in(request, handler)
    except web.HTTPException as error:
        response = await failed(request, error.status, error.reason, dict(error.headers))
    if not response.prepared:  # a stream has said its head itself
        response.headers.update(SECURITY)
    return response


async def _let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    if refusal := _not_ours(request):
        return web.Response(status=421, text=refusal)
    here = room(request)
    who = await here.people.by_bearer(request)
    if isinstance(who, Wrong):
        return await _wrong(request, who)
    changes = request.method not in _SAFE
    # A browser sends its cookie along with whatever a page elsewhere has it send; a token it never does.
    if who is None and not (changes and request.path.startswith(API)):
        who = await here.people.by_cookie(request)
    if who is not None:
        request[WHO] = who
    elif (changes and request.path.startswith(API)) or not (request.path in OPEN or is_local(request)):
        return await _nobody(request)
    if changes and not request.path.startswith(API) and not _is_from_our_page(request):
        return await failed(request, 403, "The form was sent by another page than ours")
    return await handler(request)


def _not_ours(request: web.Request) -> str | None:
    """Why a request is not for us at all."""
    # A page elsewhere may make a browser send requests here under a name of its own (DNS rebinding).
    if not _is_our_name(request):
        return "This address is not the admin's own; ask for it by its IP address and port.\n"
    # Whatever name or route of its leads a backend of the proxy here: its citizens must not arrive.
    if f"1.1 {PSEUDONYM.decode()}" in request.headers.get("Via", ""):
        return "The admin pages are not reached through the proxy itself.\n"
    return None


def _is_our_name(request: web.Request) -> bool:
    """Whether the Host is one of the admin's names, or the very address that the connection was made to."""
    host = request.headers.get("Host", "").lower()
    reached = _reached(request)
    if reached and host == (f"[{reached[0]}]:{reached[1]}" if ":" in reached[0] else f"{reached[0]}:{reached[1]}"):
        return True
    return host in room(request).names


def is_local(request: web.Request) -> bool:
    """Whether it was asked for from this machine, by nobody who speaks for others: then reading needs no sign-in."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    reached = _reached(request)
    return reached is not None and _is_loopback(reached[0]) and _is_loopback(request.remote or "")


def _reached(request: web.Request) -> tuple[str, int] | None:
    """The address of ours that the connection was made to."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return name[:2] if name else None


def _is_loopback(host: str) -> bool:
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _is_from_our_page(request: web.Request) -> bool:
    """What the browser says of where a form came from; only then is its own token looked at."""
    # Fetch Metadata, which browsers send to loopback and over TLS, and no script can change.
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2].lower() == request.headers.get("Host", "").lower()


async def _nobody(request: web.Request) -> web.StreamResponse:
    if request.path.startswith(API) or request.path == "/status.json":
        said = "This needs a token: Authorization: Bearer and what fig admin add NAME printed"
        return await failed(request, 401, said, {"WWW-Authenticate": 'Bearer realm="stranglerfig admin"'})
    return web.Response(status=303, headers={"Location": "/sign-in?" + urlencode({"next": request.path_qs})})


async def _wrong(request: web.Request, wrong: Wrong) -> web.StreamResponse:
    if wrong.wait:
        seconds = str(int(wrong.wait) + 1)
        return await failed(request, 429, f"Too many wrong tokens; try again in {seconds} s", {"Retry-After": seconds})
    headers = {"WWW-Authenticate": 'Bearer realm="stranglerfig admin", error="invalid_token"'}
    return await failed(request, 401, "Nobody has this token", headers)


def names_of(address: str, port: int) -> frozenset[str]:
    """What the Host may be for an application that is bound to this address."""
    host = f"[{address}]" if ":" in address else address
    return frozenset(f"{name}:{port}" for name in (*LOCAL_NAMES, host))
