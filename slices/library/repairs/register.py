"""The register of repairs as questions to the dataset: find, one, by ward, and the words to choose from."""

from collections.abc import Mapping
from dataclasses import dataclass

from slices.shelf import Held, Row

PAGE = 25  # rows on a page, as the monolith has it: its page numbers stay true
# `number` orders as the monolith does; trailing blanks of a padded column are no part of a text.
SELECT = """
    SELECT * REPLACE (rtrim(description) AS description), TRY_CAST(reference AS BIGINT) AS number
    FROM source ORDER BY number
"""
INDEX = "number"
_COLUMNS = "reference, reported_on, completed_on, status, trade, priority, ward, uprn, description, cost"
_WHERE = """
    WHERE ($q = '' OR reference = $q OR contains(lower(description), lower($q)))
      AND ($ward = '' OR ward = $ward) AND ($status = '' OR status = $status)
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found: its rows, its number, the last page's, and how many rows there are in all."""

    rows: list[Row]
    number: int
    last: int
    count: int


def find(held: Held, asked: Mapping[str, str], page: int) -> Page:
    """Jobs that match `q`, `ward` and `status`, newest first; a page past the end is the last one."""
    values: dict[str, object] = {name: asked[name] for name in ("q", "ward", "status")}
    count = held.ask(f"SELECT count(*) AS n FROM data {_WHERE}", values)[0]["n"]  # noqa: S608 - no value is in the text
    assert isinstance(count, int), "count(*) is a whole number"
    last = max(1, -(-count // PAGE))
    page = min(page, last)
    sql = f"SELECT {_COLUMNS} FROM data {_WHERE} ORDER BY number DESC LIMIT {PAGE} OFFSET $skip"  # noqa: S608
    return Page(held.ask(sql, {**values, "skip": (page - 1) * PAGE}), page, last, count)


def one(held: Held, number: str) -> Row | None:
    """The job of that number, if the dataset has it."""
    if len(number) > 15:
        return None
    rows = held.ask(f"SELECT {_COLUMNS} FROM data WHERE number = $number", {"number": int(number)})  # noqa: S608
    return rows[0] if rows else None


def is_newer(held: Held, number: str) -> bool:
    """Whether a job number is above all in the dataset: a job may have it that was reported since."""
    newest = held.ask("SELECT coalesce(max(number), 0) AS n FROM data", {})[0]["n"]
    assert isinstance(newest, int), "number is a whole number"
    return len(number) <= 15 and int(number) > newest


def by_ward(held: Held) -> list[Row]:
    """Jobs and cost for each ward and status."""
    return held.ask(
        "SELECT ward, status, count(*) AS jobs, sum(cost) AS cost FROM data GROUP BY ALL ORDER BY ward, status", {}
    )


def words(held: Held, column: str) -> list[str]:
    """The values a column has, in order; `column` is ward, trade or status."""
    assert column in ("ward", "trade", "status"), "only columns of few values are listed"
    rows = held.ask(f"SELECT DISTINCT {column} AS word FROM data WHERE {column} IS NOT NULL ORDER BY word", {})  # noqa: S608
    return [str(row["word"]) for row in rows]
