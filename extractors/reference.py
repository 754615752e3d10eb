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

`fig extract` takes each dataset out whole, and commits it as the next version. Its steps, in order:

1. take the dataset's lock; a second run says who holds it, and stops;
2. remove what a crashed run left;
3. open one read-only snapshot of the source: what is committed there meanwhile belongs to the next run. A SQLite file
   that is not in WAL mode keeps its writers waiting meanwhile: run at a quiet time, or switch it to WAL;
4. compare the source's columns with the file and with the last run;
5. for each batch of rows (at most 32,768, or 32 MiB of text): read, coerce to the declared types, protect what is
   personal, write. Nothing personal is on a disk before it is protected;
6. prove: rows in = rows out + rows set aside; rows in = the source's own count; the key tells rows apart;
7. write the manifest, then commit everything in one transaction.

Killed at any point and run again, the result is that of one clean run. If the rows are the same as before, the new
version names the old files. Exit codes: 0 done; 1 the run says no (counts, key, columns); 2 something to put right
in datasets.yaml or keys.toml; 3 the source cannot be read, or another run holds the dataset.

**Drift.** A listed column that is gone, or whose type in the source changed, stops the run with the line to change.
After a look at it, change the line, or accept it with `fig extract DATASET --full`. A new column is reported, not read.

**Faults.** `extractors.dataset("housing-repairs").faults()` lists every value that its type cannot hold: `row`,
`key`, `column`, `source_column`, `rule`, `shape`, `value` (only where privacy is `keep`), `set_aside`. A row with a
fault, or nothing, in its key is set aside; any other stays, with NULL in that column.

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
