"""A source looked over: its catalogue, and a page of each table, read and never shown; a draft of datasets.yaml."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa

from extractors import spec
from extractors.address import has_password
from extractors.ahead import ahead
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import Dialect, Relation, Select
from extractors.draft_yaml import Head
from extractors.drafting import Draft, Sample, Table, dataset_names, draft, first_types
from extractors.model import DatasetsSpec
from extractors.pace import Pace, check_open
from extractors.raw import Raw, unpack
from extractors.refused import NativeFailed, SourceRefused
from extractors.sources import SOURCES, Reading, open_reading
from extractors.sources.catalogue import Found
from notation import marked_yaml, shape
from notation.problems import ConfigError, Problem, Where, one_of

SAMPLED = 1000  # rows of a table that are looked at, in one page; none is shown
MOST = 16 * 2**20  # bytes of them, or so: then it is enough
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which source, and how a draft names it; `taken` are the tables that datasets.yaml has already."""

    source: Source
    head: Head
    taken: frozenset[str] = frozenset()


def asked(text: str, config: Callable[[], Path], folder: Path, environ: Mapping[str, str]) -> Asked:
    """A source's name in datasets.yaml, or its url. Raises ConfigError."""
    if "://" in text:
        return _of_url(text, folder, environ)
    loaded = spec.load(config(), environ)
    if text not in loaded.spec.sources:
        what = f"there is no source '{text}' in {loaded.document.file}"
        raise ConfigError([Problem(None, what, f"{one_of('sources', text, loaded.spec.sources)}; or write its url")])
    _check_scheme(loaded.spec.sources[text].url, loaded.document.where(("sources", text, "url")))
    document = loaded.document
    taken = frozenset(one.table or "" for one in loaded.spec.datasets.values() if one.source == text)
    head = Head(_written(document, ("publisher",)), text, _written(document, ("sources", text)))
    return Asked(loaded.source(text), head, taken)


def _written(document: marked_yaml.Document, path: marked_yaml.Path) -> Mapping[str, object]:
    """A mapping as a person wrote it, `${NAME}` and all."""
    value = document.at(path) if path in document.marks else {}
    return value if isinstance(value, dict) else {}


def _of_url(text: str, folder: Path, environ: Mapping[str, str]) -> Asked:
    """Checked as if it stood in datasets.yaml, so that a url there means the same."""
    if has_password(text):
        hint = (
            "put the password into the environment and write ${NAME} in its place: in datasets.yaml under sources:, "
            "or here between single quotes"
        )
        raise ConfigError([Problem(None, "a password in a command can be seen by everybody on this machine", hint)])
    settings = {"url": text}
    document = marked_yaml.parse(f"version: 1\nsources:\n  source: {{url: {_quoted(text)}}}\n", "the url")
    checked = shape.read(DatasetsSpec, document, environ).sources["source"]
    _check_scheme(checked.url, None)
    if not checked.url.startswith("sqlite:") and (hint := spec.how_to_write(checked.url)):
        raise ConfigError([Problem(None, "the url is no address", hint)])
    name = _name_of(text)
    source = Source(name, checked.url, folder, Where("the url", 1))
    return Asked(source, Head({}, name, settings))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _check_scheme(url: str, where: Where | None) -> None:
    scheme = url.partition(":")[0]
    if scheme not in SOURCES:
        raise ConfigError(
            [Problem(where, f"a source's url begins with '{scheme}'", one_of("urls begin with", scheme, SOURCES))]
        )


def _name_of(url: str) -> str:
    """`postgresql://db/housing` -> housing; `sqlite:///silo/legacy.db` -> legacy; `odbc://?dsn=HOUSING` -> housing."""
    parts = urlsplit(url)
    options = {name.lower(): value for name, value in parse_qsl(parts.query)}
    database = Path(unquote(parts.path) or options.get("database") or options.get("dsn", "")).stem
    return re.sub(r"[^a-z0-9]+", "-", database.lower()).strip("-") or "source"


# --- the source -------------------------------------------------------------------------------------------------------


def discover(wanted: Asked, tables: Sequence[str], tell: Tell, *, sampled: int = SAMPLED) -> list[Draft]:
    """A draft for each table of the source, or each that is named. Raises ConfigError, SourceRefused, DriverMissing."""
    source = wanted.source

    def is_open() -> None:
        check_open(source.name, source.window, datetime.now().astimezone())

    is_open()
    pace = Pace(source.rows_per_second, time.monotonic, time.sleep, is_open)
    with open_reading(source) as reading:
        found = _chosen(source.name, _found(source.name, reading, tables), tables, wanted.taken, tell)
        names = dataset_names([one.table for one in found])
        drafts = []
        for number, one in enumerate(found, 1):
            is_open()
            tell(f"{source.name}: {one.table} ({number} of {len(found)})")
            table = Table(one.table, one.columns, reading.dialect, one.key, one.rows, one.comments or {})
            rows = min(sampled, source.rows_per_second or sampled)
            seen = replace(table, sample=_sample(reading, table, rows, pace, tell))
            if 0 < seen.sampled < rows:
                seen = replace(seen, rows=seen.sampled)  # that is all of it
            drafts.append(draft(seen, names[one.table]))
    return drafts


def _found(source: str, reading: Reading, tables: Sequence[str]) -> Sequence[Found]:
    """Its catalogue. A product whose catalogue is not known says the columns of a table that is named."""
    if found := reading.tables():
        return found
    if tables:
        return [Found(table, reading.columns(reading.dialect.table(table))) for table in tables]
    hint = f"name them: fig extract --discover {source} TABLE…; or its login may read none yet"
    raise ConfigError([Problem(None, f"source '{source}' does not say which tables it has", hint)])


def _chosen(
    source: str, there: Sequence[Found], tables: Sequence[str], taken: frozenset[str], tell: Tell
) -> list[Found]:
    known = {one.table: one for one in there if not one.table.startswith("sqlite_")}
    if tables:
        return [known[_which(source, table, list(known))] for table in dict.fromkeys(tables)]
    if already := [table for table in known if table in taken]:
        tell(f"{source}: already datasets, so not drafted: {', '.join(already)}")
    return [one for table, one in known.items() if table not in taken]


def _which(source: str, table: str, known: Sequence[str]) -> str:
    """`repair_jobs` -> dbo.REPAIR_JOBS, if no other can be meant."""
    if table in known:
        return table
    folded = table.casefold()
    near = [one for one in known if folded in (one.casefold(), one.casefold().rpartition(".")[2])]
    if len(near) != 1:
        what = f"source '{source}' has no table '{table}' that this login may read"
        if near:
            what = f"source '{source}' has {len(near)} tables '{table}'"
        raise ConfigError([Problem(None, what, one_of("tables", table, near or known))])
    return near[0]


def _sample(reading: Reading, table: Table, rows: int, pace: Pace, tell: Tell) -> Sample:
    """One page of the table, as a run would read it; nothing if the source does not want to."""
    types = first_types(table)
    if rows < 1 or not types:
        return {}
    order = [reading.dialect.quoted(name) for name in table.key if name in types]
    relation = _page(reading.dialect, table, list(types), order, rows)
    as_text = False
    while True:
        try:
            batches = _read(reading, _select(reading.dialect, table, types, relation, as_text=as_text))
        except NativeFailed:
            if as_text:
                return {}
            as_text = True
            continue
        except SourceRefused as exc:
            tell(f"{table.table}: its rows could not be looked at, so only names and types count: {exc}")
            return {}
        break
    pace.took(sum(batch.num_rows for batch in batches))
    return {name: _values(batches, at) for at, name in enumerate(types)}


def _read(reading: Reading, select: Select) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = []
    ahead_of_us = cast("Generator[pa.RecordBatch]", ahead(reading.read(select), reading.cancel))
    with closing(ahead_of_us) as rows:
        for batch in rows:
            batches.append(batch)
            if sum(each.nbytes for each in batches) > MOST:
                break
    return batches


def _page(dialect: Dialect, table: Table, columns: Sequence[str], order: Sequence[str], rows: int) -> Relation:
    """The first rows in the order of the key, which has an index, or in none."""
    no_order = () if dialect.sqlglot in ("tsql", "oracle") else ("(SELECT NULL)",)
    listed = ", ".join(map(dialect.quoted, columns))
    page = dialect.page(dialect.table(table.table), listed, "", order or no_order, 0, rows)
    return Relation(f"({page}) {'q' if dialect.sqlglot == 'oracle' else 'AS fig'}")


def _select(dialect: Dialect, table: Table, types: Mapping[str, Type], relation: Relation, *, as_text: bool) -> Select:
    planned = tuple(
        dialect.plan(Column(name, "c", kind, "keep"), table.columns[name], as_text=as_text)
        for name, kind in types.items()
    )
    return Select(relation, planned)


def _values(batches: Sequence[pa.RecordBatch], at: int) -> list[Raw]:
    return [value for batch in batches for value in unpack(batch.column(at))]
