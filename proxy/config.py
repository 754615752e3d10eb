"""routes.yaml, read and checked whole: what one value alone cannot show is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notation.marked_yaml import Document
from notation.marked_yaml import load as load_document
from notation.problems import ConfigError, Problem, in_order
from notation.shape import not_acted_on, read
from proxy.checks import CHECKS
from proxy.model import RoutesSpec


@dataclass(frozen=True, slots=True)
class Loaded:
    """A routes.yaml without a problem, and its text, which knows every key's line."""

    spec: RoutesSpec
    document: Document
    path: Path


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read and check it. Raises ConfigError with every problem."""
    return checked(load_document(path), path, environ)


def checked(document: Document, path: Path, environ: Mapping[str, str]) -> Loaded:
    """The same for a text that is not on the disk (yet); the files it names are looked for beside `path`."""
    spec = read(RoutesSpec, document, environ)
    problems = [problem for check in CHECKS for problem in check(spec, document, path.parent)]
    if problems:
        raise ConfigError(problems)
    return Loaded(spec, document, path)


def serving_problems(loaded: Loaded) -> tuple[Problem, ...]:
    """Every key that would change behaviour and is not acted on yet; while there is one, `fig serve` does not start."""
    return in_order(not_acted_on(loaded.spec, loaded.document))
