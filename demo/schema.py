"""The tables of the Anytown sample monolith, in the style of a supplier who grew them over twenty years.

Nothing here is tidy, on purpose: codes padded with blanks, two ways of writing money, dates as numbers with a zero that
means "none", and personal data beside everything else. `demo/seed.py` fills them.
"""

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE CODES (
    CODE_TYPE TEXT NOT NULL, CODE TEXT NOT NULL, DESCR TEXT NOT NULL,
    PRIMARY KEY (CODE_TYPE, CODE)
) WITHOUT ROWID;

CREATE TABLE REPAIR_JOBS (
    JOB_NO      INTEGER PRIMARY KEY,
    TENANT_NO   TEXT,               -- 'T001234  ', padded; NULL when the caller was not matched
    UPRN        INTEGER,            -- 0 or NULL when unknown
    ADDR1       TEXT,
    POSTCODE    TEXT,               -- 'AN1 2BC', 'an12bc'
    WARD_CD     TEXT,               -- 'ABB', 'ABB   ', 'abb'
    TRADE_CD    TEXT,
    PRIORITY_CD TEXT,               -- NULL on jobs older than 2012
    STATUS_CD   TEXT,
    REPORTED    INTEGER NOT NULL,   -- 20240229
    COMPLETED   TEXT,               -- '20240302', '00000000', NULL
    LAST_MOD    TEXT NOT NULL,      -- '2024-03-02 10:11:12'
    COST_P      INTEGER,            -- pence
    EST_COST    TEXT,               -- '45.00', ' £1,045.50', 'TBC'
    DESCR       TEXT,
    NOTES       TEXT,               -- free text, with names and numbers in it
    CALLER_NAME TEXT,
    CALLER_TEL  TEXT
);
CREATE INDEX IX_REPAIR_JOBS_WARD ON REPAIR_JOBS (WARD_CD);

CREATE TABLE CT_ACCOUNTS (
    ACC_NO     TEXT PRIMARY KEY,    -- '0070012345'
    UPRN       INTEGER,
    LIAB_NAME  TEXT,
    NI_NO      TEXT,
    DOB        INTEGER,             -- 19630704, 0
    EMAIL      TEXT,
    ADDR1      TEXT,
    POSTCODE   TEXT,
    WARD_CD    TEXT,
    BAND       TEXT,                -- 'A'..'H', 'd ', NULL
    ANNUAL_P   INTEGER,             -- pence
    BALANCE    TEXT,                -- '1,234.50', '123.45CR', '12.30-', '.00'
    PAY_METHOD TEXT,
    START_DT   INTEGER NOT NULL,
    END_DT     INTEGER              -- 0 or 99991231 while open
);

CREATE TABLE PLAN_APPS (
    APP_REF   TEXT PRIMARY KEY,     -- '24/00123/FUL'
    RECEIVED  INTEGER NOT NULL,
    DECIDED   INTEGER,              -- 0 until decided
    DECISION  TEXT,
    PROPOSAL  TEXT,
    SITE_ADDR TEXT,
    WARD_CD   TEXT,
    EASTING   TEXT,                 -- '412345.00 '
    NORTHING  TEXT,
    FEE       TEXT,                 -- '£206', '206.00'
    APPLICANT TEXT,
    AGENT_TEL TEXT
);

CREATE TABLE TENANTS (
    TENANT_NO TEXT PRIMARY KEY,
    TITLE     TEXT,
    SURNAME   TEXT,
    FORENAME  TEXT,
    DOB       INTEGER,
    NI_NO     TEXT,
    TEL       TEXT,
    EMAIL     TEXT,
    UPRN      INTEGER,
    ADDR1     TEXT,
    POSTCODE  TEXT,
    WARD_CD   TEXT,
    RENT_P    INTEGER,              -- pence a week
    ARREARS   TEXT,
    START_DT  INTEGER,
    VULN_FLAG TEXT                  -- 'Y', 'N', ' ', NULL
);

CREATE TABLE USERS (
    USERNAME TEXT PRIMARY KEY, SALT BLOB NOT NULL, HASH BLOB NOT NULL,
    FULL_NAME TEXT NOT NULL, IS_STAFF INTEGER NOT NULL, TENANT_NO TEXT, ACC_NO TEXT
);

CREATE TABLE PHOTOS (
    PHOTO_ID INTEGER PRIMARY KEY, JOB_NO INTEGER NOT NULL REFERENCES REPAIR_JOBS, FILE_NAME TEXT NOT NULL,
    MEDIA_TYPE TEXT NOT NULL, BYTES INTEGER NOT NULL, CAPTION TEXT, UPLOADED TEXT NOT NULL
);
"""

CODES: dict[str, dict[str, str]] = {
    "WARD": {
        "ABB": "Abbey", "BRI": "Bridge End", "CAS": "Castle", "CHU": "Churchfields", "DOC": "Docks", "EAS": "Eastfield",
        "HIL": "Hillside", "MAR": "Market", "NEW": "Newtown", "PAR": "Park", "RIV": "Riverside", "WES": "Westgate",
    },
    "TRADE": {
        "PLU": "Plumbing", "ELE": "Electrical", "CAR": "Carpentry", "ROO": "Roofing", "GAS": "Gas and heating",
        "GLA": "Glazing", "PAI": "Painting and plastering", "LOC": "Locks and doors", "DAM": "Damp and mould",
    },
    "PRIORITY": {"E": "Emergency", "U": "Urgent", "R": "Routine", "P": "Planned"},
    "STATUS": {
        "NEW": "Reported", "APP": "Appointed", "WIP": "In progress", "COM": "Completed", "CAN": "Cancelled",
        "NOA": "No access",
    },
    "DECISION": {"PER": "Permitted", "REF": "Refused", "WDN": "Withdrawn"},
    "PAY": {"DD": "Direct debit", "CASH": "Cash or PayPoint", "SO": "Standing order", "WEB": "Card online"},
}  # fmt: skip


def connect(path: Path) -> sqlite3.Connection:
    """The monolith's database, opened for reading and writing; other processes may read it at the same time."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
