"""What `tests:` of routes.yaml expects, held against what the file does. Pure; run by `fig check`.

They go by the file alone, without holds. They are a check for people: a file whose expectations fail is served all the
same, so that a rollback is never refused because an expectation names a stage.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from notation.marked_yaml import Document
from notation.problems import ConfigError, Problem
from proxy.claims import Claim
from proxy.compiler import Held, rules_of
from proxy.explain import Explanation, asked_for, explain_by
from proxy.model import ExpectationSpec, RoutesSpec


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problems`: expectations that fail; `run`: how many there are; `uncovered`: claims that none of them reaches."""

    problems: tuple[Problem, ...]
    run: int
    claims: int
    uncovered: tuple[Claim, ...]

    @property
    def covered(self) -> int:
        """How many lines of the table some expectation reaches."""
        return self.claims - len(self.uncovered)

    def __str__(self) -> str:
        share = f" ({self.covered / self.claims:.0%})" if self.claims else ""
        return (
            f"{self.run - len(self.problems)} of {self.run} tests hold;"
            f" they cover {self.covered} of {self.claims} routes, redirects and gone paths{share}"
        )


def hold(spec: RoutesSpec, document: Document) -> Verdict:
    """Run every expectation of a file that has no other problem."""
    rules = rules_of(spec, document.where, Held())
    problems = []
    reached = set()
    for index, expected in enumerate(spec.tests):
        try:
            asked = asked_for(*_request(expected), spec.hosts, _headers(expected))
        except ConfigError as exc:
            where = document.where(("tests", index, "request"))
            problems += [Problem(where, problem.what, problem.hint) for problem in exc.problems]
            continue
        came = explain_by(rules, asked)
        reached.add(came.at)
        wrong = "; ".join(_wrong(expected, came))
        if wrong:
            because = str(came).replace("\n", ", ")
            problems.append(Problem(document.where(("tests", index)), f"{expected.request}: {wrong}", because))
    claims = tuple(rules.table)
    return Verdict(tuple(problems), len(spec.tests), len(claims), tuple(c for c in claims if c.at not in reached))


def _request(expected: ExpectationSpec) -> tuple[str, str]:
    method, _, url = expected.request.partition(" ")
    if not url:
        what = f"'{expected.request}' is not a request"
        raise ConfigError([Problem(None, what, "write method and path: GET /repairs/42")])
    return method, url.strip()


def _headers(expected: ExpectationSpec) -> list[str]:
    headers = [f"{name}: {value}" for name, value in expected.headers.items()]
    cookies = "; ".join(f"{name}={value}" for name, value in expected.cookies.items())
    return [*headers, f"cookie: {cookies}"] if cookies else headers


def _wrong(expected: ExpectationSpec, came: Explanation) -> Iterator[str]:
    """Each difference, as a sentence."""
    what_came = came.outcome.replace("_", " ")
    if expected.outcome is not None and expected.outcome != came.outcome:
        yield f"expected the outcome {expected.outcome.replace('_', ' ')}, but it is {what_came}"
    if expected.slice is not None and expected.slice != came.slice:
        it = f"it belongs to slice '{came.slice}'" if came.slice else "no slice claims it"
        yield f"expected slice '{expected.slice}', but {it}"
    if expected.backend is not None and expected.backend != came.backend:
        it = f"backend '{came.backend}' answers" if came.backend else f"the proxy answers itself ({what_came})"
        yield f"expected an answer of backend '{expected.backend}', but {it}"
    if expected.target is not None and expected.target != came.target:
        yield f"expected the target {expected.target}, but it is {came.target or 'none'}"
