"""Which columns look personal by their names: a question to the person who writes datasets.yaml. Pure."""

from __future__ import annotations

import re

WORDS = frozenset(
    {
        "forename", "forenames", "surname", "firstname", "lastname", "fullname", "dob", "birth", "birthdate", "email",
        "phone", "telephone", "tel", "mobile", "fax", "nino", "nhs", "passport", "gender", "sex", "ethnicity", "ethnic",
        "religion", "nationality", "disability", "tenant", "tenants", "resident", "residents", "claimant", "applicant",
        "customer", "person", "payer", "debtor", "occupier", "householder", "address", "addr", "postcode", "iban",
        "sortcode", "bank", "spouse", "partner", "child", "guardian",
    }
)  # fmt: skip
_PHRASES = ("ni_no", "ni_number", "nat_ins", "sort_code", "first_name", "last_name", "full_name", "date_of_birth")


def looks_personal(name: str) -> bool:
    """`TENANT_NAME`, `dateOfBirth`, `NI_NO` -> True; `WARD`, `COST` -> False."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return not WORDS.isdisjoint(re.split(r"[^a-z]+", snake)) or any(phrase in snake for phrase in _PHRASES)
