"""docs/datasets.md, its reference written from the model, so that it cannot lie."""

from __future__ import annotations

from extractors.model import DatasetsSpec
from notation.reference import reference

INTRODUCTION = """
Written by `scripts/reference` from `extractors/model.py` and `extractors/reference.py`; change it there.

datasets.yaml says what is taken out of which silo, under which names and types, and what becomes of personal data.
`fig check` says every problem in it at once; `fig extract` does what it says.

```yaml
version: 1
publisher: {name: Anytown Borough Council, id: "local-authority-eng:ANY", contact: data@anytown.gov.uk}
sources:
  housing: {url: "${HOUSING_URL}"}               # sqlite:///legacy.db, relative to this file
datasets:
  housing-repairs:
    title: Housing repairs
    owner: housing-data@anytown.gov.uk
    licence: OGL-UK-3.0
    source: housing
    table: REPAIR_JOBS
    key: [JOB_NO]
    columns:
      JOB_NO:    {name: reference, description: "The job's number, unique"}
      REPORTED:  {name: reported_on, type: date, null_values: ["00000000"]}
      STATUS:    {values: {O: open, C: closed}}
      COST:      {type: "decimal(12,2)", divide: 100, unit: GBP}      # the source holds pence
      NOTES:     {trim: end}                                          # padded with blanks
      TENANT_ID: {name: tenant, privacy: pseudonym(person)}
      NI_NO:     {privacy: drop}
```

**A column that is not listed is never selected**, and neither is one with `privacy: drop`: it is not read and then
thrown away, it is not asked for. What is kept is kept exactly, or it is a fault; [types.md](types.md) says what becomes
of every kind of value.

A key marked † is understood by `fig check`, but not acted on yet: `fig extract` does not start while a dataset it is to
extract, or its source, says other than the default there, and lists such keys. Words in brackets after the † are those
not acted on yet. `${NAME}` stands for an environment variable. A password written in the file is an error.

## A run

[taking-a-table.md](taking-a-table.md) goes through it with one table, from an unknown schema to a dataset.
`fig extract` brings each dataset up to date, and commits it as the next version. Its steps, in order:

1. see that the source's `window:` is open; take the dataset's lock: a second run says who holds it, and stops;
2. remove what a crashed run left; parts of an unfinished build stay;
3. open a read-only session, and where the source has one, one snapshot: what is committed there meanwhile belongs to
   the next run. A SQLite file that is not in WAL mode keeps its writers waiting meanwhile: run at a quiet time, or
   switch it to WAL;
4. compare the source's columns with the file and with the last run, and plan how each is read: natively where that
   holds every value, else as text written by the source, else the run stops;
5. for each batch of rows: read, coerce to the declared types, protect what is personal, write. Nothing personal is on a
   disk before it is protected;
6. prove: rows in = rows out + rows set aside; rows in = the source's own count; the key tells rows apart;
7. **whole**: these files replace those there were. **Window**: the rows are merged by key; only files that a row falls
   into are written anew, and in them unchanged stretches are copied as they are. Rows gone from the source are taken
   out;
8. write the manifest, then commit rows and position in one transaction;
9. join small files, if there are many; give up versions older than `versions:`, and remove what only they needed.

Killed at any point and run again, the result is that of one clean run. If the rows are the same as before, the new
version names the old files. Ctrl-C, or SIGTERM, ends the query on the server. Exit codes: 0 done; 1 the run says no
(counts, key, columns); 2 something to put right in datasets.yaml or keys.toml, or a driver to install; 3 the source
cannot be read now, or another run holds the dataset.

**What is read.** Without `cursor:`, everything, each time. With one, the first run reads everything, and each run after
it the window of rows whose cursor is newer than the newest there was, less the `lag` (what is committed late), and
those whose cursor is NULL, in a pass of their own. An index on the cursor is what finds them: without one, the source
scans its table. A window of more than a million rows is committed in stretches of a million. Everything is read again,
of its own accord, when a line of a column, the key, the cursor, `table:` or `query:` changed, or when `deletes: detect`
finds that the cursor has missed rows; and with `--full`. If the newest cursor has gone back, the run goes on from
there. A row whose cursor lies in the future is read each time, as one without, so that it hides no other; a cursor of
NaN or infinity stops the run. A build of more than four million rows with a cursor is read in parts of two million, in
the order of the key: a finished part survives whatever happens, and what changed since it was read is caught up before
the commit. Where a key is a pseudonym no place in its order is kept, since that would be a key in the clear: such a
table is built at once, and a stretch ends where the cursor changes.

**Deletes.** `detect` compares the keys of the source with the dataset's after each window: one whole-number key in 32
ranges by count and sum, so that only ranges that differ are read; any other key as a whole. `ignore` keeps rows that
are gone. A dataset read whole never has them. Keys show a row that the cursor has missed; they do not show a change to
a row that is here already: where a change may not set the cursor, leave `cursor:` out, or run `--full` now and then.

**History.** `history: scd2` keeps each state a row had, from `valid_from` to `valid_to` (not included; NULL: it holds).
The moment is the run's: what changed twice between two runs has one state.

**Politeness.** At most `max_connections`, `rows_per_second` on average from the first batch on, and only within
`window:`, by this machine's clock; a run that is still reading when it closes stops there. A `query:` is one SELECT,
sent as it was written, and refused if it would write, lock or wait.

**Drift.** A listed column that is gone, or whose type in the source changed, stops the run with the line to change.
After a look at it, change the line, or accept it with `fig extract DATASET --full`. A new column is reported, not read.

**Faults.** `extractors.dataset("housing-repairs").faults()` lists every value that its type cannot hold: `row`,
`key`, `column`, `source_column`, `rule`, `shape`, `value` (only where privacy is `keep`), `set_aside`. A row with a
fault, or nothing, in its key is set aside; any other stays, with NULL in that column. What a window did not read again
keeps its faults. A row that was set aside has no key to be known by: its fault stands until everything is read again.

**Pseudonyms.** `pseudonym(domain)` keeps base32(HMAC-SHA-256(secret, domain, 0x00, text))[:26] in capitals, where text
is the value in its declared type, in Unicode's NFC, without trailing blanks; NULL stays NULL. One person has one
pseudonym in all datasets of a domain, and unrelated ones in two domains. The secret is in `keys.toml` beside this file:

```toml
[keys.pseudonyms]
secret = "…64 hexadecimal digits, from: openssl rand -hex 32…"
```

The file has mode 0600 and is never committed. Who has it can test guesses, so it is as personal as the data. The
key's id (not the secret) stands in the dataset's metadata; a run with another key is refused.

**What lies where.** `data/lake/DATASET/` is a Delta table: Power BI, Fabric, Spark and DuckDB read it, at any version.
Beside it `_faults/RUN.parquet` and `_runs/RUN.json` hold each run's faults and manifest, and each commit names its run
with its counts. All of it is for its owner only (0700, 0600).

```
fig query "SELECT ward, sum(cost) FROM housing_repairs GROUP BY ward ORDER BY 2 DESC"
fig query 'SELECT * FROM "housing-repairs"' --format parquet -o repairs.parquet
```

A query is one SELECT, reads the datasets at their newest versions, and can reach no other file. In CSV and JSON
decimals have all their digits (in JSON as text). In Python:

```python
import extractors

repairs = extractors.dataset("housing-repairs")      # or version=3
repairs.pandas()                                     # Arrow's types: whole numbers with gaps stay whole
repairs.duckdb().aggregate("ward, sum(cost)", "ward")
repairs.arrow(), repairs.version, repairs.schema, repairs.meta, repairs.faults()
```

## Every key
"""


def datasets_reference() -> str:
    """The whole page."""
    return reference(DatasetsSpec, "datasets.yaml", INTRODUCTION)
