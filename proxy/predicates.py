"""What a claim asks of a request beside its path and method: host, header fields, query parameters, cookies. Pure."""

from dataclasses import dataclass

from proxy.asked import Asked

Pairs = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """All of it must be met. Names of headers are in lower case; a value must be the whole value."""

    host: bytes | None = None
    headers: Pairs = ()
    query: Pairs = ()
    cookies: Pairs = ()

    def met_by(self, asked: Asked) -> bool:
        """Whether the request has everything."""
        return (
            (self.host is None or self.host == asked.host)
            and all(asked.headers.get(name) == value for name, value in self.headers)
            and all(asked.parameters.get(name) == value for name, value in self.query)
            and all(asked.cookies.get(name) == value for name, value in self.cookies)
        )

    def unmet_by(self, asked: Asked) -> "Needs":
        """What of it the request lacks."""
        return Needs(
            None if self.host == asked.host else self.host,
            tuple(pair for pair in self.headers if asked.headers.get(pair[0]) != pair[1]),
            tuple(pair for pair in self.query if asked.parameters.get(pair[0]) != pair[1]),
            tuple(pair for pair in self.cookies if asked.cookies.get(pair[0]) != pair[1]),
        )

    @property
    def rank(self) -> tuple[int, int, int]:
        """Less is better: more headers, then more query parameters, then more cookies."""
        return -len(self.headers), -len(self.query), -len(self.cookies)

    def __str__(self) -> str:
        parts = [f"host {_said(self.host)}"] if self.host else []
        parts += [f"header {_said(name)}: {_said(value)}" for name, value in self.headers]
        parts += [f"query {_said(name)}={_said(value)}" for name, value in self.query]
        parts += [f"cookie {_said(name)}={_said(value)}" for name, value in self.cookies]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _said(text: bytes) -> str:
    return text.decode("utf-8", "replace")


NO_NEEDS = Needs()
