"""Asking a site as a citizen's browser would, one request at a time; says who answered."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

TIMEOUT = 15.0  # seconds; a report waits for legacy


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `location` is '' unless it is a redirect, `cookie` unless one was set: `NAME=VALUE`."""

    status: int
    server: str
    location: str
    text: str
    cookie: str = ""

    @property
    def who(self) -> str:
        """Who answered, from the name its server gives."""
        if self.server.startswith("slice-"):
            return f"the {self.server.removeprefix('slice-')} slice"
        return "legacy" if self.server.startswith("Anytown-Housing-Suite") else f"'{self.server}'"


def ask(port: int, path: str, form: Mapping[str, str] | None = None, cookie: str = "") -> Answer:
    """GET of a path on 127.0.0.1, or POST of a form; redirects are not followed. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    fields = {"Cookie": cookie} if cookie else {}
    try:
        if form is None:
            connection.request("GET", path, headers=fields)
        else:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode(form), fields)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        server, location = answer.headers.get("Server", ""), answer.headers.get("Location", "")
        return Answer(answer.status, server, location, text, answer.headers.get("Set-Cookie", "").partition(";")[0])
    except http.client.HTTPException as exc:
        raise ConnectionError(f"port {port} does not speak HTTP: {exc!r}") from exc
    finally:
        connection.close()


def answers(port: int, path: str, status: int = 200) -> bool:
    """Whether a path is answered with this status by now."""
    try:
        return ask(port, path).status == status
    except OSError:
        return False
