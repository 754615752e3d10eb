"""datasets.yaml as a person writes it, key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from extractors import declared, pace
from notation.problems import Refused, one_of
from notation.shape import Count, Duration, Flag, Later, Spec, Words

Word = Annotated[str, Words()]  # a name or a fixed word: never mistaken for free text


def _matching(pattern: str, what: str, hint: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise Refused(f"'{value}' is not {what}", hint)
        return value

    return AfterValidator(check)


def _type(value: str) -> str:
    declared.parse(value)
    return value


PRIVACY = ("keep", "drop", "pseudonym(domain)", "mask", "year", "month", "outcode", "band(N)")
_PRIVACY = re.compile(r"keep|drop|mask|year|month|outcode|pseudonym\([a-z][a-z0-9-]{0,62}\)|band\([1-9][0-9]{0,8}\)")


def _privacy(value: str) -> str:
    if _PRIVACY.fullmatch(value):
        return value
    if value.startswith("pseudonym"):
        raise Refused(
            f"'{value}' does not name its domain",
            "write pseudonym(domain), for example pseudonym(person): a word of a-z, 0-9 and -; "
            "datasets with one domain can be joined",
        )
    if value.startswith("band"):
        raise Refused(f"'{value}' does not say how wide a band is", "write band(N), for example band(10) for 20-29")
    raise Refused(f"'{value}' is not a privacy rule", one_of("privacy rules", value, PRIVACY))


LICENCES = ("OGL-UK-3.0", "CC-BY-4.0", "CC0-1.0", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0")


def _licence(value: str) -> str:
    if value in LICENCES or re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", value):
        return value
    raise Refused(
        f"'{value}' is not a licence known here",
        one_of("licences", value, LICENCES) + "; or LicenseRef- and a name for one of your own",
    )


DIALECTS = ("sqlite", "postgres", "mysql", "tsql", "oracle", "odbc")


def _dialect(value: str) -> str:
    if value not in DIALECTS:
        raise Refused(f"'{value}' is not a dialect known here", one_of("dialects", value, DIALECTS))
    return value


def _power_of_ten(value: int) -> int:
    if value > 10**9 or re.fullmatch(r"10+", str(value)) is None:
        raise Refused(f"{value} is not a power of ten", "write 100 where the source holds pence, or 10, 1000, …")
    return value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _window(value: str) -> str:
    pace.parse_window(value)
    return value


ColumnName = Annotated[
    str,
    Words(),
    _matching(
        r"[a-z][a-z0-9_]{0,62}",
        "a column name",
        "write lower snake case: a-z, 0-9 and _, a letter first, for example reported_on",
    ),
]
Number = Annotated[int, Field(strict=True, ge=1)]
Names = Annotated[tuple[Word, ...], BeforeValidator(_one_or_more), Field(min_length=1)]


class PublisherSpec(Spec):
    """Who publishes; kept with every dataset."""

    name: str = Field(description="the organisation's name")
    id: Annotated[
        Word,
        _matching(
            r"[a-z][a-z-]*:[A-Za-z0-9-]+",
            "an organisation's id",
            "write it as planning.data.gov.uk does, for example local-authority-eng:ANY",
        ),
    ] = Field(description="the organisation as a CURIE, as planning.data.gov.uk writes it")
    contact: str = Field(description="an address that answers questions about the data")


class SourceSpec(Spec):
    """A silo data is taken from."""

    url: str = Field(
        description="where it is: `sqlite:///path` (relative to this file) or `sqlite:////absolute/path`; "
        "`postgresql://user:${PASSWORD}@host:port/database`, and so for `mysql`, `mssql` and `oracle`; "
        "`odbc://?dsn=NAME`; a password only as `${NAME}`, from the environment"
    )
    dialect: Annotated[Word, AfterValidator(_dialect)] | None = Field(
        None,
        description="over ODBC, the SQL the source speaks, where its driver does not say it: " + ", ".join(DIALECTS),
    )
    max_connections: Count | None = Field(
        None,
        description="connections open to the source at once; absent: 2, or 3 where it is a SQLite file, which has no "
        "server; MySQL is read over one",
    )
    rows_per_second: Number | None = Field(
        None, description="never read faster than this, on average; absent: as fast as it goes"
    )
    window: Annotated[Word, AfterValidator(_window)] | None = Field(
        None, description="the hours in which it may be read, in this machine's time: `22:00-06:00`"
    )
    login: Annotated[Mapping[str, object] | None, Later()] = Field(None, description="how to sign in to screens")
    rate: Annotated[str | None, Later()] = Field(None, description="pages asked for at most: `2/s`")


class CursorSpec(Spec):
    """Which column says what is new."""

    column: Word = Field(description="a column of the source that only grows: when a row was last changed")
    lag: Duration = Field(
        0.0, description="how long after the moment its cursor says a row may be committed: so much is read again"
    )


class SuppressSpec(Spec):
    """Small numbers that are not published."""

    below: Number = Field(description="groups of fewer rows than this are left out")
    by: tuple[Word, ...] = Field(description="the columns that make a group")


class PublishSpec(Spec):
    """What is released to the public."""

    open: Flag = Field(False, description="whether releases are public")
    suppress: SuppressSpec | None = Field(None, description="small numbers that are left out")
    formats: tuple[Literal["parquet", "csv"], ...] = Field(("parquet", "csv"), description="the files of a release")


class ColumnSpec(Spec):
    """One column of the source: what it is called, what it holds, who may see it."""

    name: ColumnName | None = Field(
        None, description="its name in the dataset; default: the source's, in lower snake case"
    )
    type: Annotated[Word, AfterValidator(_type)] = Field(
        "string",
        description="what it holds; see docs/types.md. Absent, it is `date` where privacy is `year` or `month`, and "
        "`int64` where it is `band(N)`",
    )
    description: str = Field("", description="what it means, in a sentence")
    unit: str = Field("", description="what a number counts: GBP, days, kWh")
    privacy: Annotated[Word, AfterValidator(_privacy)] = Field(
        "keep",
        description="what becomes of a value before it touches a disk: `keep`, `drop` (never kept), "
        "`pseudonym(domain)` (a stable stand-in; datasets of one domain can be joined), `year` or `month` of a day, "
        "`outcode` of a postcode, `band(N)` of a number (`20-29`), `mask` (its shape: `AA99 9AA`); see docs/types.md",
    )
    trim: Literal["none", "end", "both"] = Field(
        "none", description="for text: blanks to cut off; `end` for columns padded to a width"
    )
    null_values: tuple[str, ...] = Field(
        (), description='what the source writes for "no value", blanks around it aside: `["00000000", ""]`'
    )
    values: Mapping[str, str] = Field(
        {}, description="codes and what they stand for: `{O: open, C: closed}`; a code not listed is a fault"
    )
    divide: Annotated[int, Field(strict=True), AfterValidator(_power_of_ten)] | None = Field(
        None, description="for decimal: the source holds this many times the number; `100` for pence"
    )


class DatasetSpec(Spec):
    """A named table with a declared schema, privacy rules and an owner."""

    title: str = Field(description="what people call it")
    description: str = Field("", description="what is in it, in a sentence or two")
    owner: str = Field(description="who answers for it: an address")
    licence: Annotated[Word, AfterValidator(_licence)] | None = Field(
        None, description="under which it may be used once released: " + ", ".join(LICENCES)
    )
    source: Word = Field(description="one of `sources`")
    table: Word | None = Field(None, description="the table or view to read; or `query`")
    query: str | None = Field(None, description="one SELECT in the source's own dialect; or `table`")
    key: Names = Field(description="the source's columns that tell rows apart; never NULL, never dropped")
    cursor: CursorSpec | None = Field(None, description="read only what is new; absent: a full snapshot each time")
    deletes: Literal["ignore", "detect"] = Field(
        "ignore",
        description="with a cursor: whether rows gone from the source are looked for; a full snapshot never keeps them",
    )
    history: Literal["latest", "scd2"] = Field(
        "latest", description="`latest`: a row as it is now; `scd2`: each state it had, and when"
    )
    partition_by: Annotated[tuple[str, ...], Later()] = Field((), description="`[ward]` or `[year(reported_on)]`")
    versions: Duration = Field(
        30 * 86400.0, description="how long older versions can still be read; their files go with them"
    )
    columns: Annotated[Mapping[str, ColumnSpec], Field(min_length=1)] = Field(
        description="the source's columns; one not listed is never selected: nothing leaves by accident"
    )
    expect: Annotated[tuple[str, ...], Later()] = Field(
        (), description='what must hold for the rows: `"cost >= 0"`, `"reference is unique"`'
    )
    publish: Annotated[PublishSpec | None, Later()] = Field(None, description="what is released to the public")


class DatasetsSpec(Spec):
    """The whole of datasets.yaml."""

    version: Literal[1] = Field(description="the version of this notation: 1")
    publisher: PublisherSpec | None = Field(None, description="who publishes")
    keys: str = Field(
        "keys.toml",
        description="the file that holds the secret of the pseudonyms, relative to this one; mode 0600, outside data/",
    )
    sources: Mapping[str, SourceSpec] = Field({}, description="the silos, each under a name")
    datasets: Mapping[str, DatasetSpec] = Field(
        {}, description="the datasets, each under a name: lower case, with hyphens"
    )
