"""What a person does with the helpdesk, page by page, as a browser would: forms, tokens, cookies, redirects, files."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import requests

USER, PASSWORD = "agent", "agent-pw"


class Citizen:
    """One browser at one address. Every step asserts what the page should say."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._session = requests.Session()
        # A browser names the page's origin in every POST; Django compares it with the Host it was given.
        self._session.headers["Origin"] = base

    def __enter__(self) -> Citizen:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, *, follow: bool = True) -> requests.Response:
        return self._session.get(urljoin(self.base, path), allow_redirects=follow, timeout=30)

    def post(
        self, path: str, fields: dict[str, str], *, files: dict[str, tuple[str, bytes]] | None = None
    ) -> requests.Response:
        """Fills in the form at `path` (its token and hidden fields are kept) and sends it; redirects are followed."""
        page = self.get(path)
        assert page.status_code == 200, page.text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        return self._session.post(urljoin(self.base, path), data={**hidden, **fields}, files=files, timeout=30)

    def sign_in(self) -> None:
        page = self.post("/login/", {"username": USER, "password": PASSWORD})
        assert [step.status_code for step in page.history] == [302, 302]  # to /, which sends staff to /tickets/
        assert "sessionid" in self._session.cookies
        assert 'action="/logout/"' in page.text

    def create_ticket(
        self, title: str, description: str, attachment: tuple[str, bytes]
    ) -> tuple[int, requests.Response]:
        """The new ticket's number and its page."""
        fields = {"queue": "1", "title": title, "body": description, "priority": "2"}
        fields["submitter_email"] = "citizen@example.test"
        page = self.post("/tickets/submit/", fields, files={"attachment": attachment})
        assert [step.status_code for step in page.history] == [302], page.text
        arrived = re.fullmatch(re.escape(self.base) + r"/tickets/(\d+)/", page.url)
        assert arrived is not None, page.url
        return int(arrived[1]), page

    def attachment_of(self, page: requests.Response) -> bytes:
        """The file the ticket's page links to."""
        link = re.search(r'href="(/media/[^"]+)"', page.text)
        assert link is not None, page.text
        file = self.get(link[1])
        assert file.status_code == 200
        return file.content

    def report(self, title: str) -> int:
        """A ticket by way of the JSON interface, in the same session; its status code."""
        fields = {"queue": "1", "title": title, "description": title, "priority": "3", "status": "1"}
        answer = self._session.post(
            urljoin(self.base, "/api/tickets/"),
            json={**fields, "submitter_email": "citizen@example.test"},
            headers={"X-CSRFToken": self._session.cookies["csrftoken"]},
            timeout=30,
        )
        return answer.status_code

    def api(self, method: str, path: str, fields: dict[str, object], expected: int) -> dict[str, object]:
        """One call of the JSON interface, in the same session; what it answers."""
        answer = self._session.request(
            method,
            urljoin(self.base, f"/api/{path}/"),
            json=fields,
            headers={"X-CSRFToken": self._session.cookies["csrftoken"]},
            timeout=30,
        )
        assert answer.status_code == expected, answer.text
        return dict(answer.json()) if answer.content else {}

    def follow_up(self, ticket: int, fields: dict[str, str], attachment: tuple[str, bytes] | None = None) -> None:
        """The form under a ticket: a comment, a new state of it, a file."""
        self.send(f"/tickets/{ticket}/update/", fields, files={"attachment": attachment} if attachment else None)

    def delete(self, ticket: int) -> None:
        page = self.post(f"/tickets/{ticket}/delete/", {"next": "home"})
        assert page.status_code == 200, page.text
        assert self.get(f"/tickets/{ticket}/").status_code == 404

    def send(self, path: str, fields: dict[str, str], *, files: dict[str, tuple[str, bytes]] | None = None) -> None:
        """A form of a page that shows more than one."""
        data = {"csrfmiddlewaretoken": self._session.cookies["csrftoken"], **fields}
        done = self._session.post(urljoin(self.base, path), data=data, files=files, timeout=30)
        wrong = re.findall(r"<[^>]*(?:errorlist|invalid-feedback|text-danger)[^>]*>.*", done.text)
        assert [step.status_code for step in done.history] == [302], (path, done.status_code, wrong)

    def sign_out(self) -> None:
        token = {"csrfmiddlewaretoken": self._session.cookies["csrftoken"]}
        page = self._session.post(urljoin(self.base, "/logout/"), data=token, timeout=30)
        assert page.status_code == 200
        assert self.get("/tickets/", follow=False).headers["Location"] == "/login/?next=/tickets/"
