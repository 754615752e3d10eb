"""The monolith's other registers: planning (public), council tax and tenants (staff, or the person concerned)."""

from dataclasses import dataclass

from aiohttp import web

from demo.monolith import visit
from demo.monolith.visit import Visit, page_number

PAGE = 25


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a register's table: its heading, the field it shows, and how ('text', 'day', 'pence')."""

    heading: str
    field: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Register:
    """A searchable table: where it lives, what it reads, what it shows."""

    path: str
    title: str
    table: str
    key: str
    search: tuple[str, ...]
    hint: str
    columns: tuple[Column, ...]
    details: tuple[Column, ...]


PLANNING = Register(
    "/planning/applications", "Planning applications", "PLAN_APPS", "APP_REF", ("APP_REF", "PROPOSAL", "SITE_ADDR"),
    "A reference, a street or a word of the proposal",
    (Column("Reference", "APP_REF"), Column("Received", "RECEIVED", "day"), Column("Proposal", "PROPOSAL"),
     Column("Site", "SITE_ADDR"), Column("Decision", "DECISION")),
    (Column("Reference", "APP_REF"), Column("Received", "RECEIVED", "day"), Column("Decided", "DECIDED", "day"),
     Column("Decision", "DECISION"), Column("Proposal", "PROPOSAL"), Column("Site", "SITE_ADDR"),
     Column("Ward", "WARD_CD"), Column("Easting", "EASTING"), Column("Northing", "NORTHING"), Column("Fee", "FEE")),
)  # fmt: skip
COUNCIL_TAX = Register(
    "/council-tax/accounts", "Council tax accounts", "CT_ACCOUNTS", "ACC_NO", ("ACC_NO", "LIAB_NAME", "ADDR1"),
    "An account number, a name or a street",
    (Column("Account", "ACC_NO"), Column("Liable", "LIAB_NAME"), Column("Address", "ADDR1"), Column("Band", "BAND"),
     Column("Balance", "BALANCE")),
    (Column("Account", "ACC_NO"), Column("Liable", "LIAB_NAME"), Column("National Insurance", "NI_NO"),
     Column("Date of birth", "DOB", "day"), Column("Email", "EMAIL"), Column("Address", "ADDR1"),
     Column("Postcode", "POSTCODE"), Column("Band", "BAND"), Column("Year's charge", "ANNUAL_P", "pence"),
     Column("Balance", "BALANCE"), Column("Pays by", "PAY_METHOD"), Column("From", "START_DT", "day"),
     Column("To", "END_DT", "day")),
)  # fmt: skip
TENANTS = Register(
    "/tenants", "Tenants", "TENANTS", "TENANT_NO", ("TENANT_NO", "SURNAME", "ADDR1"),
    "A tenant number, a surname or a street",
    (Column("Tenant", "TENANT_NO"), Column("Surname", "SURNAME"), Column("Forename", "FORENAME"),
     Column("Address", "ADDR1"), Column("Arrears", "ARREARS")),
    (Column("Tenant", "TENANT_NO"), Column("Title", "TITLE"), Column("Surname", "SURNAME"),
     Column("Forename", "FORENAME"), Column("Date of birth", "DOB", "day"), Column("National Insurance", "NI_NO"),
     Column("Telephone", "TEL"), Column("Email", "EMAIL"), Column("Address", "ADDR1"), Column("Postcode", "POSTCODE"),
     Column("Weekly rent", "RENT_P", "pence"), Column("Arrears", "ARREARS"), Column("Tenant since", "START_DT", "day"),
     Column("Needs care on visits", "VULN_FLAG")),
)  # fmt: skip


def _table(at: Visit, shown: Register) -> web.Response:
    q = at.request.query.get("q", "").strip()[:100]
    escaped = q.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    matches = " OR ".join(f"{field} LIKE :like ESCAPE '!'" for field in shown.search)
    where = f"FROM {shown.table} WHERE {matches}"  # the names are written above; what was typed is a value
    count_row = at.row(f"SELECT COUNT(*) AS N {where}", {"like": f"%{escaped}%"})
    count = int(count_row["N"]) if count_row else 0
    last = max(1, -(-count // PAGE))
    page = min(page_number(at.request), last)
    rows = at.rows(
        f"SELECT * {where} ORDER BY {shown.key} DESC LIMIT {PAGE} OFFSET :skip",
        {"like": f"%{escaped}%", "skip": (page - 1) * PAGE},
    )
    return at.page("register.html", shown=shown, rows=rows, q=q, count=count, page=page, last=last)


def _one(at: Visit, shown: Register, key: str) -> web.Response:
    row = at.row(f"SELECT * FROM {shown.table} WHERE TRIM({shown.key}) = :key", {"key": key.strip()})  # noqa: S608
    if row is None:
        raise web.HTTPNotFound(text=f"There is no entry {key} in {shown.title.lower()}.")
    return at.page("entry.html", shown=shown, row=row)


async def planning(request: web.Request) -> web.Response:
    """GET /planning/applications?q=&page="""
    return _table(visit.of(request), PLANNING)


async def application(request: web.Request) -> web.Response:
    """GET /planning/applications/24/00123/FUL"""
    return _one(visit.of(request), PLANNING, request.match_info["key"])


async def council_tax(request: web.Request) -> web.Response:
    """GET /council-tax/accounts, for staff"""
    at = visit.of(request)
    at.need_staff()
    return _table(at, COUNCIL_TAX)


async def account(request: web.Request) -> web.Response:
    """GET /council-tax/accounts/<number>, for staff and for the person who is liable"""
    at = visit.of(request)
    if at.need_user().acc_no != request.match_info["key"]:
        at.need_staff()
    return _one(at, COUNCIL_TAX, request.match_info["key"])


async def tenants(request: web.Request) -> web.Response:
    """GET /tenants, for staff"""
    at = visit.of(request)
    at.need_staff()
    return _table(at, TENANTS)


async def tenant(request: web.Request) -> web.Response:
    """GET /tenants/<number>, for staff"""
    at = visit.of(request)
    at.need_staff()
    return _one(at, TENANTS, request.match_info["key"])


async def section(request: web.Request) -> web.Response:
    """GET /council-tax and /planning: a page that says what is there"""
    return visit.of(request).page("section.html", name=request.path.strip("/"))
