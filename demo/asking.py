"""Asking a site as a citizen's browser would, one request at a time; says who answered."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

TIMEOUT = 15.0  # seconds; a report waits for legacy


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `location` is '' unless it is a redirect."""

    status: int
    server: str
    location: str
    text: str

    @property
    def who(self) -> str:
        """Who answered, from the name its server gives."""
        if self.server.startswith("slice-"):
            return f"the {self.server.removeprefix('slice-')} slice"
        return "legacy" if self.server.startswith("Anytown-Housing-Suite") else f"'{self.server}'"


def ask(port: int, path: str, form: Mapping[str, str] | None = None) -> Answer:
    """GET of a path on 127.0.0.1, or POST of a form; redirects are not followed. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        if form is None:
            connection.request("GET", path)
        else:
            fields = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(form), fields)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, answer.headers.get("Server", ""), answer.headers.get("Location", ""), text)
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
