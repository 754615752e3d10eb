"""datasets.yaml read and compiled: every check that needs more than one key, all problems at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from extractors import declared
from extractors.address import address, has_password
from extractors.coarser import TAKES
from extractors.compiled import HISTORY, Column, Cursor, Dataset, Rule, Source
from extractors.dialects import DIALECTS
from extractors.model import ColumnSpec, DatasetSpec, DatasetsSpec, SourceSpec
from extractors.pace import parse_window
from extractors.personal import looks_personal
from notation import marked_yaml, shape
from notation.marked_yaml import Document
from notation.problems import ConfigError, Problem, Refused, one_of

SCHEMES: Mapping[str, bool] = {  # how a url begins, and whether it is acted on yet
    "sqlite": True, "postgresql": True, "mysql": True, "mssql": True, "oracle": True, "odbc": True,
    "https": False, "http": False,
}  # fmt: skip
_SPOKEN = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mssql": "tsql", "oracle": "oracle"}
OF_A_SERVER, OF_A_FILE = 2, 3  # connections: one asks, the others read; a file's are nobody else's to need
_DATASET = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SECRET = re.compile(r"pass(word|wd|phrase)?|secret|token|api_?key|private_?key|credentials?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A datasets.yaml without problems."""

    spec: DatasetsSpec
    document: Document
    folder: Path
    environ: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.spec.datasets)

    @property
    def keys_file(self) -> Path:
        return self.folder / self.spec.keys

    def not_acted_on(self, names: Sequence[str]) -> tuple[Problem, ...]:
        """The keys that `names` and their sources set and that nothing acts on yet."""
        sources = {self.spec.datasets[name].source for name in names}
        wanted = {("datasets", name) for name in names} | {("sources", source) for source in sources}
        inside = {
            *(str(self.document.where(path)) for path in self.document.marks if path[:2] in wanted),
        }
        found = [p for p in shape.not_acted_on(self.spec, self.document) if str(p.where) in inside]
        for source in sorted(sources):
            scheme = urlsplit(self.spec.sources[source].url).scheme
            if not SCHEMES.get(scheme, False):
                where = self.document.where(("sources", source, "url"))
                what = f"sources.{source}.url: {scheme} is not acted on yet"
                now = ", ".join(name for name, acted_on in SCHEMES.items() if acted_on)
                found.append(Problem(where, what, f"sources that can be read now: {now}"))
        return tuple(found)

    def dataset(self, name: str) -> Dataset:
        """Compiled. Only for a dataset with nothing in `not_acted_on`."""
        spec, path = self.spec.datasets[name], ("datasets", name)
        publisher = self.spec.publisher.model_dump() if self.spec.publisher else {}
        at = self.document.where((*path, "cursor"))
        cursor = Cursor(spec.cursor.column, spec.cursor.lag, at) if spec.cursor is not None else None
        return Dataset(
            name=name, title=spec.title, description=spec.description, owner=spec.owner, licence=spec.licence or "",
            source=self.source(spec.source), table=spec.table or "", query=spec.query or "", key=spec.key,
            publisher=publisher, where=self.document.where(path), cursor=cursor,
            detects_deletes=spec.deletes == "detect", keeps_history=spec.history == "scd2", versions=spec.versions,
            columns=tuple(_column(self.document, (*path, "columns", at), at, c) for at, c in spec.columns.items()),
        )  # fmt: skip

    def source(self, name: str) -> Source:
        """Compiled."""
        spec = self.spec.sources[name]
        most = spec.max_connections or (OF_A_FILE if spec.url.startswith("sqlite:") else OF_A_SERVER)
        return Source(
            name, spec.url, self.folder, self.document.where(("sources", name)), spec.dialect or "",
            most, spec.rows_per_second, parse_window(spec.window) if spec.window else None,
        )  # fmt: skip


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read, check and compile. Raises ConfigError with every problem."""
    document = marked_yaml.load(path)
    early = list(_secrets(document))
    try:
        spec = shape.read(DatasetsSpec, document, environ)
    except ConfigError as exc:
        raise ConfigError([*early, *exc.problems]) from None
    problems = [*early, *_checked(spec, document)]
    if problems:
        raise ConfigError(problems)
    return Loaded(spec, document, path.resolve().parent, environ)


def column_name(source: str) -> str:
    """A column's name in the dataset where none is written: `JOB_NO` -> job_no, `LastMod` -> last_mod."""
    plain = unicodedata.normalize("NFKD", source.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _column(document: Document, path: marked_yaml.Path, source: str, spec: ColumnSpec) -> Column:
    rule, _, argument = spec.privacy.partition("(")
    return Column(
        source=source, name=spec.name or column_name(source), type=_type(spec),
        privacy=cast("Rule", rule), argument=argument.rstrip(")"),
        description=spec.description, unit=spec.unit, trim=spec.trim,
        null_values=frozenset(map(_code, spec.null_values)),
        values={_code(code): meant for code, meant in spec.values.items()} or None, divide=spec.divide or 1,
        where=document.where(path),
    )  # fmt: skip


_MADE_FROM = {"year": "date", "month": "date", "band": "int64"}  # where no type is written


def _type(spec: ColumnSpec) -> declared.Type:
    rule = spec.privacy.partition("(")[0]
    return declared.parse(spec.type if "type" in spec.model_fields_set else _MADE_FROM.get(rule, spec.type))


def _code(text: str) -> str:
    return text.strip(" \t\r\n\0")


# --- the checks -------------------------------------------------------------------------------------------------------


def _secrets(document: Document) -> Iterator[Problem]:
    """What a person wrote, before `${NAME}` was filled in: no secret may stand there."""
    for path in document.marks:
        value = document.at(path)
        if len(path) < 3 or path[0] != "sources" or not isinstance(value, str):
            continue
        where, key = document.where(path), str(path[-1])
        if key == "url" and has_password(value):
            hint = "put it in the environment and write ${NAME} in its place"
            yield Problem(where, f"{shape.dotted(path)} holds a password", hint)
        elif _SECRET.fullmatch(key) and "${" not in value:
            yield Problem(
                where,
                f"{shape.dotted(path)} is a secret written in the file",
                "put it in the environment and write ${NAME}",
            )


def _checked(spec: DatasetsSpec, document: Document) -> Iterator[Problem]:
    for name, source in spec.sources.items():
        yield from _source(name, source, document)
    for name, dataset in spec.datasets.items():
        check = _Check(document, name, dataset)
        yield from check.itself(spec)
        yield from check.columns()
        yield from check.references()


def _source(name: str, source: SourceSpec, document: Document) -> Iterator[Problem]:
    where, scheme = document.where(("sources", name, "url")), source.url.partition(":")[0]
    if "://" not in source.url or scheme not in SCHEMES:
        shown = f"begins with '{scheme}'" if "://" in source.url else "has no '://' in it"
        yield Problem(where, f"sources.{name}.url {shown}", one_of("urls begin with", scheme, SCHEMES))
    elif scheme == "sqlite" and not sqlite_path(source.url):
        hint = "write sqlite:///path for a path relative to this file, sqlite:////path for an absolute one"
        yield Problem(where, f"sources.{name}.url names no file", hint)
    elif scheme != "sqlite" and (hint := how_to_write(source.url)):
        yield Problem(where, f"sources.{name}.url is no address", hint)
    if source.dialect and source.dialect != (spoken := _SPOKEN.get(scheme, source.dialect)):
        what = f"sources.{name}.dialect is {source.dialect}, and its url says {spoken}"
        yield Problem(document.where(("sources", name, "dialect")), what, "remove it: dialect: is for odbc:// alone")


def how_to_write(url: str) -> str:
    """A hint where a url cannot be taken apart, else "". Nothing of the url is repeated: a part of a secret may be."""
    try:
        at = address(url)
        if at.user or "@" not in at.database:
            return ""
    except ValueError:
        pass
    return (
        "write scheme://user:${PASSWORD}@host:port/database, its port a number; where one variable holds it all, "
        "percent-encode the password: / is %2F, # is %23, ? is %3F, % is %25"
    )


def sqlite_path(url: str) -> str:
    """`sqlite:///legacy.db` -> "legacy.db"; `sqlite:////srv/legacy.db` -> "/srv/legacy.db"; else ""."""
    prefix = "sqlite:///"
    return unquote(url.removeprefix(prefix)) if url.startswith(prefix) else ""


@dataclass(frozen=True, slots=True)
class _Check:
    document: Document
    name: str
    spec: DatasetSpec

    def problem(self, at: marked_yaml.Path, what: str, hint: str = "") -> Problem:
        return Problem(self.document.where(("datasets", self.name, *at)), f"dataset '{self.name}' {what}", hint)

    def name_of(self, source: str) -> str:
        return self.spec.columns[source].name or column_name(source)

    @property
    def kept(self) -> list[str]:
        return [self.name_of(at) for at, column in self.spec.columns.items() if column.privacy != "drop"]

    def itself(self, whole: DatasetsSpec) -> Iterator[Problem]:
        if _DATASET.fullmatch(self.name) is None or len(self.name) > 63:
            hint = "write lower-case words of a-z and 0-9 with hyphens between them, for example housing-repairs"
            yield self.problem((), "does not have a good name", hint)
        if self.spec.source not in whole.sources:
            hint = one_of("declared sources", self.spec.source, whole.sources)
            yield self.problem(("source",), f"reads from source '{self.spec.source}', which is not declared", hint)
        if self.spec.table is None and self.spec.query is None:
            yield self.problem((), "says neither table nor query", "write table: and the table's or view's name")
        if self.spec.table is not None and self.spec.query is not None:
            yield self.problem(("query",), "says both table and query", "keep one of them")
        elif self.spec.query is not None and self.spec.source in whole.sources:
            yield from self.query(self.spec.query, whole.sources[self.spec.source])

    def query(self, text: str, source: SourceSpec) -> Iterator[Problem]:
        """Read here where the url says which SQL it is; over ODBC the run reads it."""
        from extractors import queries  # sqlglot takes a quarter of a second: only who writes a query pays

        spoken = _SPOKEN.get(source.url.partition(":")[0], "")
        if spoken in DIALECTS:
            try:
                queries.relation_of(text, DIALECTS[spoken])
            except Refused as exc:
                yield self.problem(("query",), f"query: {exc.what}", exc.hint)

    def columns(self) -> Iterator[Problem]:
        first: dict[str, str] = {}
        for at, column in self.spec.columns.items():
            path, name = ("columns", at), self.name_of(at)
            if not at.strip() or "\0" in at:
                yield self.problem(
                    path, "lists a column without a name", "write the column's name as the source has it"
                )
            elif re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) is None and column.privacy != "drop":
                yield self.problem(
                    path, f"has a column '{at}' no name can be made from", "write name: in lower snake case"
                )
            elif name in first and column.privacy != "drop":
                what = f"has two columns named '{name}': {first[name]} and {at}"
                yield self.problem(path, what, "write another name: for one of them")
            if column.privacy != "drop":
                first.setdefault(name, at)
            yield from self.options(path, at, column)
        if self.spec.columns and not self.kept:
            yield self.problem(("columns",), "drops every column", "keep at least the key")

    def options(self, path: marked_yaml.Path, at: str, column: ColumnSpec) -> Iterator[Problem]:
        kind = _type(column)
        if column.trim != "none" and kind.name != "string":
            hint = "remove it: blanks round a value of any other type are never part of it"
            yield self.problem((*path, "trim"), f"trims column '{at}', which is {kind}, not string", hint)
        if column.divide is not None and kind.name != "decimal":
            hint = "write type: decimal(p,s), for example decimal(12,2)"
            yield self.problem((*path, "divide"), f"divides column '{at}', which is {kind}, not decimal", hint)
        rule = column.privacy.partition("(")[0]
        if kind.name not in TAKES.get(rule, (kind.name,)):
            hint = f"write a type it is made from ({', '.join(TAKES[rule])}), or another privacy rule"
            yield self.problem((*path, "privacy"), f"keeps the {rule} of column '{at}', which is {kind}", hint)
        if column.privacy == "drop" and column.name:
            hint = "remove the name, or write another privacy rule"
            yield self.problem((*path, "name"), f"names column '{at}', which is dropped", hint)
        if (
            self.spec.licence
            and "privacy" not in column.model_fields_set
            and looks_personal(f"{at} {column.name or ''}")
        ):
            what = f"is licensed {self.spec.licence}, and column '{at}' looks personal and says nothing about privacy"
            hint = (
                "no open licence covers personal data: write privacy: drop, pseudonym(person), or keep if you are sure"
            )
            yield self.problem(path, what, hint)

    def references(self) -> Iterator[Problem]:
        for at in self.spec.key:
            where = ("key", self.spec.key.index(at))
            if at not in self.spec.columns:
                hint = one_of("columns", at, self.spec.columns)
                yield self.problem(where, f"has a key column '{at}' that is not listed in columns", hint)
            elif self.spec.columns[at].privacy == "drop":
                yield self.problem(
                    where, f"drops its key column '{at}'", "write pseudonym(domain), or keep, or choose another key"
                )
            elif self.spec.columns[at].privacy.partition("(")[0] not in ("keep", "pseudonym"):
                what = f"keeps of its key column '{at}' only the {self.spec.columns[at].privacy}"
                yield self.problem(where, what, "write pseudonym(domain), or keep, or choose another key")
        if len(set(self.spec.key)) < len(self.spec.key):
            yield self.problem(("key",), "names a key column twice", "keep one of them")
        yield from self.runs()
        if self.spec.cursor and self.spec.cursor.column not in self.spec.columns:
            at, hint = self.spec.cursor.column, "list it in columns (privacy: drop if it is not to be kept). "
            what = f"has a cursor column '{at}' that is not listed in columns"
            yield self.problem(("cursor", "column"), what, hint + one_of("Columns", at, self.spec.columns))
        for path, said, names in self.mentions():
            for name in names:
                if name not in self.kept:
                    hint = one_of("the dataset's columns", name, self.kept)
                    yield self.problem(path, f"{said} '{name}', which is not a column it keeps", hint)

    def runs(self) -> Iterator[Problem]:
        if self.spec.deletes == "detect" and not self.spec.cursor:
            hint = "remove it: a full snapshot never keeps a row that is gone"
            yield self.problem(("deletes",), "detects deletes without a cursor", hint)
        cursor = self.spec.cursor and self.spec.columns.get(self.spec.cursor.column)
        if cursor and cursor.privacy not in ("keep", "drop"):
            what = f"follows a cursor column whose privacy is {cursor.privacy}: how far a run got stands in each commit"
            hint = "follow another column; or write privacy: drop if the newest value may be noted, or keep"
            yield self.problem(("cursor", "column"), what, hint)
        if self.spec.history == "scd2":
            for at, column in self.spec.columns.items():
                if column.privacy != "drop" and self.name_of(at) in HISTORY:
                    what = f"keeps a history, and column '{at}' is named '{self.name_of(at)}' as its own are"
                    yield self.problem(("columns", at), what, "write another name: for it")

    def mentions(self) -> Iterator[tuple[marked_yaml.Path, str, Sequence[str]]]:
        for index, text in enumerate(self.spec.partition_by):
            by = re.fullmatch(r"(?:(?:year|month|day)\((\w+)\)|(\w+))", text)
            yield ("partition_by", index), "is partitioned by", [by[1] or by[2]] if by else [text]
        for index, text in enumerate(self.spec.expect):
            yield ("expect", index), "expects something of", _names_in(text)
        if self.spec.publish and self.spec.publish.suppress:
            yield ("publish", "suppress", "by"), "suppresses by", self.spec.publish.suppress.by


def _names_in(expectation: str) -> Sequence[str]:
    """The columns an expectation speaks of: `cost >= 0` -> [cost]; text that is no expression is named whole."""
    unique = re.fullmatch(r"([\w, ]+) is unique", expectation.strip())
    if unique:
        return [name.strip() for name in unique[1].split(",")]
    import sqlglot  # a quarter of a second, paid only where expectations are written
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(expectation, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return [expectation]
    return sorted({column.name for column in tree.find_all(exp.Column)})
