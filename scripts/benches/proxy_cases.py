"""What is measured of a proxy: the requests, and what it is set up to do with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.benches.tables import target as middle_of

BODY = 1024
DOCUMENT = 100 * 1024
FORM = 10 * 1024
TARGET = "/planning/search?q=loft+conversion&ward=3"

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
# What a browser sends when it follows a link, Host and Connection among the 14.
HEAD = (
    "Host: www.anytown.gov.uk",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "Upgrade-Insecure-Requests: 1",
    f"User-Agent: {CHROME}",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Referer: http://www.anytown.gov.uk/planning",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: en-GB,en;q=0.9",
    "Cookie: JSESSIONID=4F1C2A9B77D04E5C8A61B0D2E3F49A10; cookies_policy=%7B%22essential%22%3Atrue%7D",
)


@dataclass(frozen=True, slots=True)
class Setup:
    """`routes`: how many prefixes go to the second backend; `copies`: of how many percent of the requests it is sent a
    copy; `splits`: it answers half of them; `tls`: towards citizens."""

    routes: int = 0
    tls: bool = False
    copies: int = 0
    splits: bool = False

    @property
    def name(self) -> str:
        """Fit for a folder."""
        said = (
            f"{self.routes}-routes" * bool(self.routes),
            "tls" * self.tls,
            f"copies-{self.copies}" * bool(self.copies),
        )
        return "-".join(filter(None, (*said, "splits" * self.splits))) or "plain"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a proxy stands: its folder and port, the ports of both backends, its certificate and key in one file."""

    folder: Path
    port: int
    origin: int
    second: int
    certificate: Path

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


@dataclass(frozen=True, slots=True)
class Case:
    """`body`: bytes that are sent (as a POST); `answer`: bytes of the answer's body, all of them `x`."""

    name: str
    title: str
    setup: Setup = Setup()
    target: str = TARGET
    body: int = 0
    answer: int = BODY

    @property
    def requests(self) -> tuple[bytes, ...]:
        """As they are sent in turn: where visitors are split, of several, who are known already."""
        if not self.setup.splits:
            return (self.request,)
        return tuple(
            self.request.replace(b"\r\nCookie: ", b"\r\nCookie: fig_visitor=%032x; " % n) for n in range(VISITORS)
        )

    @property
    def request(self) -> bytes:
        """As it is sent."""
        form = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {self.body}") if self.body else ()
        first = f"{'POST' if self.body else 'GET'} {self.target} HTTP/1.1"
        return "\r\n".join((first, *HEAD, *form, "", "")).encode() + b"x" * self.body


VISITORS = 32
MANY = 10_000
# What is compared with one another is measured in the same rounds: a sitting.
SITTINGS: tuple[tuple[Case, ...], ...] = (
    (
        Case("get-1k", "GET 1 KiB"),
        Case("get-100k", "GET 100 KiB", target=f"/documents/{DOCUMENT}", answer=DOCUMENT),
        Case("post-10k", "POST 10 KiB", target="/planning/comments", body=FORM),
        Case("shadow-25", "a quarter of the requests copied to a shadow", Setup(copies=25)),
        Case("shadow", "every request copied to a shadow", Setup(copies=100)),
        Case("canary", "canary: half of the requests to the second backend", Setup(splits=True)),
    ),
    (
        Case("routes-10", "10 routes", Setup(routes=10), middle_of(10)),
        Case("routes-10000", "10,000 routes", Setup(routes=MANY), middle_of(MANY)),
    ),
    (Case("tls", "TLS towards citizens", Setup(tls=True)),),
)
CASES = tuple(case for sitting in SITTINGS for case in sitting)
