"""Request targets: their four forms, and their bytes (RFC 9112, section 3.2; RFC 3986)."""

from __future__ import annotations

from tests.wire.case import HOST, PASSED, REFUSED, SAFE, Case, Passed, answered, any_of, refused, request

BAD = refused(400)


def line(target: bytes, host: bytes = HOST) -> bytes:
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (target, host)


# As they are: a query is the application's own, and so are the escapes of a path (9110, 7.7: a proxy MUST NOT modify
# path and query; a gateway may map paths, so that only ours is held to it there).
QUERIES = [
    ("a semicolon in a query", b"/@ID@?a=1;b=2"),
    ("a question mark in a query", b"/@ID@?a=b?c/d"),
    ("an empty query", b"/@ID@?"),
    ("escapes in a query", b"/@ID@?a=%2f%2F%7e%20+"),
    ("a URL in a query", b"/@ID@?u=http://a.example/b?c"),
    ("dots in a query", b"/@ID@?a=/../b/./c"),
    ("slashes in a query", b"/@ID@?a=//b"),
    ("repeated keys in a query", b"/@ID@?a=1&a=2&&a"),
    ("brackets and colons in a query", b"/@ID@?a[]=1&b=c:d@e!$'()*,"),
]
PATHS = [
    ("an escaped slash in a path", b"/@ID@/a%2Fb"),
    ("an escaped slash in lower case", b"/@ID@/a%2fb"),
    ("an unreserved byte, escaped", b"/@ID@/%7Ea%41"),
    ("two slashes in a path", b"/@ID@//b"),
    ("a slash at the end", b"/@ID@/"),
    ("a semicolon in a path", b"/@ID@/a;b=c/d"),
    ("an escaped blank", b"/@ID@/a%20b"),
    ("an escaped percent", b"/@ID@/a%2525"),
    ("a line end, escaped", b"/@ID@/a%0d%0aX-A:%201"),
    ("UTF-8, escaped", b"/@ID@/caf%C3%A9"),
    ("sub-delimiters in a path", b"/@ID@/!$&'()*+,=:@"),
]
NO_TARGETS = [
    ("a target without its slash", b"@ID@"),
    ("a target that begins with dots", b"../@ID@"),
    ("an authority and a GET", b"www.example.org:80"),
    ("an asterisk and a GET", b"*"),
    ("a URL of another scheme", b"ftp://www.example.org/@ID@"),
    ("a URL of the file scheme", b"file:///@ID@"),
    ("a URL without a host", b"http:///@ID@"),
    ("a URL with one slash", b"http:/www.example.org/@ID@"),
    ("a URL with userinfo", b"http://user@www.example.org/@ID@"),
    ("a URL with a malformed port", b"http://www.example.org:x/@ID@"),
]
# No byte of a URI; some readers drop them, some pass them, some end the target there.
NO_BYTES = [
    ("a fragment", b"/@ID@#a"),
    ("a backslash", b"/@ID@\\b"),
    ("a broken escape", b"/@ID@/a%2"),
    ("an escape that is no number", b"/@ID@/a%zzb"),
    ("a percent alone", b"/@ID@/%"),
    ("a NUL, escaped", b"/@ID@/a%00b"),
]

CASES = [
    *[
        Case(name, "RFC 9110, 7.7", (line(target),), any_of(Passed(target=target), REFUSED), Passed(target=target))
        for name, target in QUERIES
    ],
    *[Case(name, "RFC 9110, 7.7", (line(target),), SAFE, Passed(target=target)) for name, target in PATHS],
    *[Case(name, "RFC 9112, 3.2", (line(target),), SAFE, answered(400)) for name, target in NO_TARGETS],
    *[Case(f"{name} in a target", "RFC 3986, 2", (line(target),), SAFE, BAD) for name, target in NO_BYTES],
    Case("bytes beyond ASCII in a target", "RFC 3986, 2", (line(b"/@ID@/caf\xc3\xa9"),), SAFE),
    Case("quotes and brackets in a target", "RFC 3986, 2", (line(b'/@ID@/"<>{}|^`'),), SAFE),
    Case(
        "dot segments",
        "RFC 3986, 5.2.4",
        (line(b"/@ID@/a/../b/./c"),),
        SAFE,
        any_of(Passed(target=b"/@ID@/a/../b/./c"), refused(400)),
    ),
    Case(
        "dot segments, escaped",
        "RFC 3986, 5.2.4",
        (line(b"/@ID@/a/%2e%2e/b"),),
        SAFE,
        any_of(Passed(target=b"/@ID@/a/%2e%2e/b"), refused(400)),
    ),
    Case("dot segments above the root", "RFC 3986, 5.2.4", (line(b"/../../@ID@"),), SAFE),
    # 9112, 3.2.2: a server MUST accept absolute form.
    Case(
        "absolute form",
        "RFC 9112, 3.2.2",
        (line(b"http://www.example.org/@ID@?a=b"),),
        any_of(Passed(target=b"/@ID@?a=b"), Passed(target=b"http://www.example.org/@ID@?a=b")),
        Passed(target=b"/@ID@?a=b", host=b"www.example.org"),
    ),
    Case(
        "absolute form with its scheme in capitals",
        "RFC 3986, 3.1",
        (line(b"HTTP://www.example.org/@ID@"),),
        any_of(PASSED, answered(400)),
        Passed(target=b"/@ID@"),
    ),
    Case(
        "absolute form with its host in capitals",
        "RFC 3986, 3.2.2",
        (line(b"http://WWW.EXAMPLE.ORG/@ID@"),),
        PASSED,
        Passed(target=b"/@ID@"),
    ),
    Case(
        "absolute form without a path",
        "RFC 9112, 3.2.1",
        (request(b"X-Case: @ID@", target=b"http://www.example.org"),),
        any_of(
            Passed(target=b"/"), Passed(target=b"http://www.example.org/"), Passed(target=b"http://www.example.org")
        ),
        Passed(target=b"/"),
    ),
    Case(
        "absolute form with a query and no path",
        "RFC 9112, 3.2.1",
        (line(b"http://www.example.org?@ID@"),),
        any_of(
            Passed(target=b"/?@ID@"),
            Passed(target=b"http://www.example.org/?@ID@"),
            Passed(target=b"http://www.example.org?@ID@"),
        ),
        Passed(target=b"/?@ID@"),
    ),
    Case(
        "absolute form in HTTP/1.0",
        "RFC 9112, 3.2.2",
        (b"GET http://www.example.org/@ID@ HTTP/1.0\r\n" + HOST + b"\r\n",),
        any_of(PASSED, REFUSED),
        Passed(target=b"/@ID@"),
    ),
    Case(
        "absolute form and two query marks",
        "RFC 9112, 3.2.2",
        (line(b"http://www.example.org/@ID@?a?http://b/"),),
        any_of(Passed(target=b"/@ID@?a?http://b/"), Passed(target=b"http://www.example.org/@ID@?a?http://b/")),
        Passed(target=b"/@ID@?a?http://b/"),
    ),
    Case(
        "a path that begins with two slashes",
        "RFC 9112, 3.2.1",
        (line(b"//evil.example/@ID@"),),
        SAFE,
        any_of(Passed(target=b"//evil.example/@ID@"), refused(400)),
    ),
]
