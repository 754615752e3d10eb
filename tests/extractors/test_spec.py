"""datasets.yaml: what it says is understood whole, or every problem is named with its line and its remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from extractors import spec
from extractors.cli import check_datasets
from extractors.personal import looks_personal
from notation.problems import ConfigError

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "datasets.yaml"
ROOT = Path(__file__).resolve().parents[2]

GOOD = """version: 1
publisher: {name: Anytown, id: "local-authority-eng:ANY", contact: data@anytown.example.org}
sources:
  housing: {url: "sqlite:///housing.db"}
datasets:
  repairs:
    title: Repairs
    owner: data@anytown.example.org
    source: housing
    table: JOBS
    key: [JOB_NO]
    columns:
      JOB_NO: {name: reference}
      COST: {type: "decimal(12,2)"}
      NOTES: {privacy: drop}
"""


FOLLOWS = GOOD.replace("    columns:", "    cursor: {column: NOTES}\n    columns:").replace("drop", "pseudonym(person)")


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    path = tmp_path / "datasets.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        spec.load(path, environ)
    except ConfigError as exc:
        return [str(problem) for problem in exc.problems]
    return []


def test_the_sample_of_the_design_loads() -> None:
    loaded = spec.load(SAMPLE, {"HOUSING_URL": "mssql://me@db/housing"})
    assert loaded.names == ("housing-repairs",)


def test_the_sample_lists_what_is_not_acted_on_yet() -> None:
    loaded = spec.load(SAMPLE, {"HOUSING_URL": "mssql://me@db/housing"})
    assert [str(problem).split("\n")[0] for problem in loaded.not_acted_on(["housing-repairs"])] == [
        "datasets.yaml:18: datasets.housing-repairs.partition_by is not acted on yet",
        "datasets.yaml:30: datasets.housing-repairs.expect is not acted on yet",
        "datasets.yaml:31: datasets.housing-repairs.publish is not acted on yet",
    ]


def test_a_source_that_cannot_be_read_yet_is_listed() -> None:
    loaded = spec.load(SAMPLE, {"HOUSING_URL": "https://housing.internal/"})
    assert str(loaded.not_acted_on(["housing-repairs"])[-1]).startswith(
        "datasets.yaml:4: sources.housing.url: https is not acted on yet\n    sources that can be read now: sqlite, "
    )


def test_the_council_of_the_demo_loads() -> None:
    assert check_datasets(ROOT / "datasets.yaml") == ()


def test_a_good_file_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


WRONG = [
    (
        "a source that is not declared", "source: housing\n", "source: houssing\n",
        ("datasets.yaml:9: dataset 'repairs' reads from source 'houssing', which is not declared\n"
        "    declared sources: housing. Did you mean 'housing'?"),
    ),
    (
        "a key column that is not listed", "key: [JOB_NO]", "key: [JOB_N]",
        ("datasets.yaml:11: dataset 'repairs' has a key column 'JOB_N' that is not listed in columns\n"
        "    columns: JOB_NO, COST, NOTES. Did you mean 'JOB_NO'?"),
    ),
    (
        "a key column that is dropped", "key: [JOB_NO]", "key: [NOTES]",
        ("datasets.yaml:11: dataset 'repairs' drops its key column 'NOTES'\n"
        "    write pseudonym(domain), or keep, or choose another key"),
    ),
    (
        "a key column named twice", "key: [JOB_NO]", "key: [JOB_NO, JOB_NO]",
        "datasets.yaml:11: dataset 'repairs' names a key column twice\n    keep one of them",
    ),
    (
        "a cursor that is not listed", "    columns:", "    cursor: {column: CHANGED}\n    columns:",
        ("datasets.yaml:12: dataset 'repairs' has a cursor column 'CHANGED' that is not listed in columns\n"
        "    list it in columns (privacy: drop if it is not to be kept). Columns: JOB_NO, COST, NOTES"),
    ),
    (
        "a type that is not known", '"decimal(12,2)"', "decmal",
        ("datasets.yaml:14: datasets.repairs.columns.COST.type: type 'decmal' is not known\n"
        "    types: string, boolean, int8, int16, int32, int64, decimal(p,s), float64, date, time, timestamp, "
        "timestamp(ZONE), uprn, usrn, binary, json. Did you mean 'decimal'?"),
    ),
    (
        "a privacy rule that is not known", "privacy: drop", "privacy: dorp",
        ("datasets.yaml:15: datasets.repairs.columns.NOTES.privacy: 'dorp' is not a privacy rule\n"
        "    privacy rules: keep, drop, pseudonym(domain), mask, year, month, outcode, band(N). Did you mean 'drop'?"),
    ),
    (
        "a pseudonym without a domain", "privacy: drop", "privacy: pseudonym",
        ("datasets.yaml:15: datasets.repairs.columns.NOTES.privacy: 'pseudonym' does not name its domain\n"
        "    write pseudonym(domain), for example pseudonym(person): a word of a-z, 0-9 and -; "
        "datasets with one domain can be joined"),
    ),
    (
        "a band without a width", "privacy: drop", "privacy: band(0)",
        ("datasets.yaml:15: datasets.repairs.columns.NOTES.privacy: 'band(0)' does not say how wide a band is\n"
        "    write band(N), for example band(10) for 20-29"),
    ),
    (
        "a rule for another type", "privacy: drop", "type: boolean, privacy: mask",
        ("datasets.yaml:15: dataset 'repairs' keeps the mask of column 'NOTES', which is boolean\n"
        "    write a type it is made from (string, int8, int16, int32, int64, decimal, float64, date, time, timestamp, "
        "uprn, usrn, binary, json), or another privacy rule"),
    ),
    (
        "the year of text", "privacy: drop", "type: string, privacy: year",
        ("datasets.yaml:15: dataset 'repairs' keeps the year of column 'NOTES', which is string\n"
        "    write a type it is made from (date, timestamp), or another privacy rule"),
    ),
    (
        "a key of which too little is left", "JOB_NO: {", "JOB_NO: {privacy: band(10), ",
        ("datasets.yaml:11: dataset 'repairs' keeps of its key column 'JOB_NO' only the band(10)\n"
        "    write pseudonym(domain), or keep, or choose another key"),
    ),
    (
        "two columns with one name", "COST: {", "COST: {name: reference, ",
        ("datasets.yaml:14: dataset 'repairs' has two columns named 'reference': JOB_NO and COST\n"
        "    write another name: for one of them"),
    ),
    (
        "a column no name can be made from", "COST: {", '"£": {',
        ("datasets.yaml:14: dataset 'repairs' has a column '£' no name can be made from\n"
         "    write name: in lower snake case"),
    ),
    (
        "a licence that is not known", "    table:", "    licence: OGL\n    table:",
        ("datasets.yaml:10: datasets.repairs.licence: 'OGL' is not a licence known here\n"
        "    licences: OGL-UK-3.0, CC-BY-4.0, CC0-1.0, ODbL-1.0, ODC-By-1.0, PDDL-1.0; "
        "or LicenseRef- and a name for one of your own"),
    ),
    (
        "a licence with personal columns unsettled", "    table: JOBS\n    key: [JOB_NO]\n    columns:\n",
        "    licence: OGL-UK-3.0\n    table: JOBS\n    key: [JOB_NO]\n    columns:\n      TENANT_NAME: {}\n",
        ("datasets.yaml:14: dataset 'repairs' is licensed OGL-UK-3.0, and column 'TENANT_NAME' looks personal and says "
        "nothing about privacy\n"
        "    no open licence covers personal data: write privacy: drop, pseudonym(person), or keep if you are sure"),
    ),
    (
        "an expectation of an unknown column", "    columns:", '    expect: ["costs >= 0"]\n    columns:',
        ("datasets.yaml:12: dataset 'repairs' expects something of 'costs', which is not a column it keeps\n"
        "    the dataset's columns: reference, cost. Did you mean 'cost'?"),
    ),
    (
        "an expectation of a column that is dropped", "    columns:", '    expect: ["notes is unique"]\n    columns:',
        ("datasets.yaml:12: dataset 'repairs' expects something of 'notes', which is not a column it keeps\n"
        "    the dataset's columns: reference, cost"),
    ),
    (
        "a partition by an unknown column", "    columns:", "    partition_by: [year(reported_on)]\n    columns:",
        ("datasets.yaml:12: dataset 'repairs' is partitioned by 'reported_on', which is not a column it keeps\n"
        "    the dataset's columns: reference, cost"),
    ),
    (
        "small numbers suppressed by an unknown column", "    columns:",
        "    publish: {suppress: {below: 5, by: [ward]}}\n    columns:",
        ("datasets.yaml:12: dataset 'repairs' suppresses by 'ward', which is not a column it keeps\n"
        "    the dataset's columns: reference, cost"),
    ),
    (
        "neither table nor query", "    table: JOBS\n", "",
        ("datasets.yaml:6: dataset 'repairs' says neither table nor query\n"
        "    write table: and the table's or view's name"),
    ),
    (
        "both table and query", "    table: JOBS\n", "    table: JOBS\n    query: SELECT 1\n",
        "datasets.yaml:11: dataset 'repairs' says both table and query\n    keep one of them",
    ),
    (
        "a query that writes", "    table: JOBS\n", "    query: DELETE FROM JOBS\n",
        ("datasets.yaml:10: dataset 'repairs' query: the query begins with DELETE\n"
        "    write one SELECT, with WITH before it if need be"),
    ),
    (
        "a bad name", "  repairs:", "  Housing Repairs:",
        ("datasets.yaml:6: dataset 'Housing Repairs' does not have a good name\n"
        "    write lower-case words of a-z and 0-9 with hyphens between them, for example housing-repairs"),
    ),
    (
        "an environment variable that is not set", "sqlite:///housing.db", "${HOUSING_URL}",
        ("datasets.yaml:4: sources.housing.url: the environment variable HOUSING_URL is not set\n"
        "    set it before you start"),
    ),
    (
        "a password in the file", "sqlite:///housing.db", "postgresql://reader:hunter2@housing.internal/db",
        ("datasets.yaml:4: sources.housing.url holds a password\n"
        "    put it in the environment and write ${NAME} in its place"),
    ),
    (
        "a secret beside the address", '{url: "sqlite:///housing.db"}',
        '{url: "https://housing.internal", login: {user: reader, password: hunter2}}',
        ("datasets.yaml:4: sources.housing.login.password is a secret written in the file\n"
        "    put it in the environment and write ${NAME}"),
    ),
    (
        "an address of an unknown kind", "sqlite:///housing.db", "sqllite:///housing.db",
        ("datasets.yaml:4: sources.housing.url begins with 'sqllite'\n"
        "    urls begin with: sqlite, postgresql, mysql, mssql, oracle, odbc, https, http. Did you mean 'sqlite'?"),
    ),
    (
        "a file's name where an address belongs", "sqlite:///housing.db", "housing.db",
        ("datasets.yaml:4: sources.housing.url has no '://' in it\n"
        "    urls begin with: sqlite, postgresql, mysql, mssql, oracle, odbc, https, http"),
    ),
    (
        "a dialect that is not the address's", '"sqlite:///housing.db"', '"mysql://db/x", dialect: tsql',
        ("datasets.yaml:4: sources.housing.dialect is tsql, and its url says mysql\n"
        "    remove it: dialect: is for odbc:// alone"),
    ),
    (
        "an address without a file", "sqlite:///housing.db", "sqlite://housing.db",
        ("datasets.yaml:4: sources.housing.url names no file\n"
        "    write sqlite:///path for a path relative to this file, sqlite:////path for an absolute one"),
    ),
    (
        "an unknown key", "    table:", "    tabel: JOBS\n    table:",
        ("datasets.yaml:10: unknown key 'tabel' in datasets.repairs\n"
        "    known keys: title, description, owner, licence, source, table, query, key, cursor, deletes, history, "
        "partition_by and 4 more. Did you mean 'table'?"),
    ),
    (
        "trimming what is not text", 'type: "decimal(12,2)"', "type: date, trim: end",
        ("datasets.yaml:14: dataset 'repairs' trims column 'COST', which is date, not string\n"
        "    remove it: blanks round a value of any other type are never part of it"),
    ),
    (
        "dividing what is not a decimal", 'type: "decimal(12,2)"', "type: int64, divide: 100",
        ("datasets.yaml:14: dataset 'repairs' divides column 'COST', which is int64, not decimal\n"
        "    write type: decimal(p,s), for example decimal(12,2)"),
    ),
    (
        "dividing by what is not a power of ten", 'type: "decimal(12,2)"', 'type: "decimal(12,2)", divide: 12',
        ("datasets.yaml:14: datasets.repairs.columns.COST.divide: 12 is not a power of ten\n"
        "    write 100 where the source holds pence, or 10, 1000, …"),
    ),
    (
        "naming what is dropped", "privacy: drop", "privacy: drop, name: notes",
        ("datasets.yaml:15: dataset 'repairs' names column 'NOTES', which is dropped\n"
        "    remove the name, or write another privacy rule"),
    ),
    (
        "a number where zeros matter", "COST: {", "COST: {null_values: [0], ",
        ("datasets.yaml:14: datasets.repairs.columns.COST.null_values[0]: must be text, not the number 0\n"
        '    write it in quotes: "0"'),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "told"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_every_mistake_says_where_what_and_what_to_do(before: str, after: str, told: str, tmp_path: Path) -> None:
    assert before in GOOD
    assert problems(tmp_path, GOOD.replace(before, after, 1)) == [told]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("source: housing\n", "source: hosing\n").replace("key: [JOB_NO]", "key: [NOTES]")
    wrong = wrong.replace("    table: JOBS\n", "").replace("COST: {", "COST: {name: reference, ")
    assert [problem.split(": ")[0] for problem in problems(tmp_path, wrong)] == [
        "datasets.yaml:6", "datasets.yaml:9", "datasets.yaml:10", "datasets.yaml:13",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "most"),
    [
        ('url: "sqlite:///housing.db"', 3),
        ('url: "postgresql://reader@host/council"', 2),
        ('url: "sqlite:///housing.db", max_connections: 1', 1),
    ],
)
def test_a_source_has_so_many_connections_at_most(tmp_path: Path, source: str, most: int) -> None:
    path = tmp_path / "datasets.yaml"
    path.write_text(GOOD.replace('url: "sqlite:///housing.db"', source), encoding="utf-8")
    assert spec.load(path, {}).dataset("repairs").source.max_connections == most


def test_a_password_from_the_environment_is_welcome(tmp_path: Path) -> None:
    text = GOOD.replace("sqlite:///housing.db", "postgresql://reader:${PASSWORD}@housing.internal/db")
    assert problems(tmp_path, text, PASSWORD="hunter2") == []


@pytest.mark.parametrize("password", ["gh0st/l33t", "99/l33t", "gh0st#l33t", "gh0st?l33t"])
def test_an_address_that_cannot_be_taken_apart_is_told_without_its_secret(tmp_path: Path, password: str) -> None:
    text = GOOD.replace("sqlite:///housing.db", "${URL}")
    (told,) = problems(tmp_path, text, URL=f"postgresql://reader:{password}@housing.internal/db")
    assert told.startswith("datasets.yaml:4: sources.housing.url is no address\n    write scheme://user:${PASSWORD}@")
    assert not any(part in told for part in re.split("[/#?]", password))
    split = GOOD.replace("sqlite:///housing.db", "postgresql://reader:${PASSWORD}@housing.internal/db")
    assert problems(tmp_path, split, PASSWORD=password) == []


def test_no_secret_shows_in_a_message(tmp_path: Path) -> None:
    text = GOOD.replace("sqlite:///housing.db", "${URL}").replace("key: [JOB_NO]", "key: [JOB]")
    (told,) = problems(tmp_path, text, URL="postgresql://reader:hunter2@housing.internal/db")
    assert "hunter2" not in told


NAMES = [
    ("JOB_NO", "job_no"), ("LastMod", "last_mod"), ("Straße", "strasse"), ("Größe (m²)", "grosse_m2"),
    ("a b  c", "a_b_c"),
    ("UPRN", "uprn"), ("café", "cafe"), ("x-y.z", "x_y_z"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "name"), NAMES)
def test_a_name_defaults_to_lower_snake_case(source: str, name: str) -> None:
    assert spec.column_name(source) == name


@pytest.mark.parametrize("name", ["TENANT_NAME", "dateOfBirth", "NI_NO", "Email", "SURNAME", "POSTCODE", "TEL_HOME"])
def test_a_personal_column_is_asked_about(name: str) -> None:
    assert looks_personal(name)


@pytest.mark.parametrize("name", ["WARD", "COST", "JOB_NO", "REPORTED", "hotel", "MOBILITY", "TITLE"])
def test_an_ordinary_column_is_not(name: str) -> None:
    assert not looks_personal(name)


def test_a_cursor_is_noted_in_the_clear_so_it_is_no_secret(tmp_path: Path) -> None:
    assert problems(tmp_path, FOLLOWS) == [
        ("datasets.yaml:12: dataset 'repairs' follows a cursor column whose privacy is pseudonym(person): "
         "how far a run got stands in each commit\n"
         "    follow another column; or write privacy: drop if the newest value may be noted, or keep")
    ]  # fmt: skip
    assert problems(tmp_path, FOLLOWS.replace("pseudonym(person)", "drop")) == []
