"""Which columns look personal by their names: a question to the person who writes datasets.yaml. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Kind:
    """What columns hold whose names have one of `words`, or `phrases` of words, or whose letters contain `stems`.

    `is_certain`: `fig check` asks about it too, where a dataset has an open licence; the others are drafts' only.
    """

    what: str
    words: str = ""
    phrases: str = ""
    stems: str = ""
    is_certain: bool = True

    def fits(self, words: Sequence[str]) -> bool:
        spaced, joined = f" {' '.join(words)} ", "".join(words)
        return (
            not set(self.words.split()).isdisjoint(words)
            or any(f" {phrase.replace('_', ' ')} " in spaced for phrase in self.phrases.split())
            or any(stem in joined for stem in self.stems.split())
        )


FREE_TEXT = "free text, which may say anything of anybody"
PICTURE = "a picture, a signature or a document"
PLACE = "where a home is, if these rows are about people"
SPECIAL = "what the law protects most"
KINDS: Sequence[Kind] = (  # the first that fits is told
    Kind("a secret", "passwd pwd secret salt otp pin hash token", "api_key session_id", "password passphrase"),
    Kind("an e-mail address", "email mail", "e_mail", "email"),
    Kind("a telephone number", "phone telephone tel mobile fax landline cellphone msisdn", "", "telephone phoneno"),
    Kind(
        "an NHS number or a National Insurance number",
        "nino nhs", "ni_no ni_number ni_num nat_ins national_insurance", "natins nhsno ninumber",
    ),
    Kind("a date of birth", "dob birth birthdate birthday born", "", "dateofbirth birthdate"),
    Kind(
        "bank details",
        "iban bic sortcode bank cvv payee payer mandate", "sort_code card_no card_number account_holder bank_account",
        "sortcode bankacc",
    ),
    Kind(
        SPECIAL,
        "gender sex sexuality ethnicity ethnic religion nationality citizenship disability disabled pregnant medical "
        "medication diagnosis allergy allergies marital conviction offence safeguarding vulnerable vulnerability "
        "vuln",
        "sexual_orientation cautionary_contact immigration_status", "ethnic religio disabilit",
    ),
    Kind(
        "a document's or a vehicle's number",
        "passport vrm vrn plate numberplate", "driving_licence number_plate licence_plate", "passport",
    ),
    Kind("an address", "address addr postcode", "post_code zip_code house_no house_number flat_no", "postcode address"),
    Kind(
        "a person's name",
        "forename forenames surname firstname lastname fullname initials maiden nickname salutation",
        "first_name last_name full_name middle_name known_as", "surname forename firstname lastname",
    ),
    Kind(
        "somebody, or the number of somebody",
        "tenant tenants resident residents claimant applicant customer person debtor occupier householder spouse "
        "partner child guardian carer pupil patient citizen complainant witness victim caller beneficiary kin",
        "next_of_kin", "tenant customer claimant applicant",
    ),
    Kind(
        "who works or worked on it",
        "user username login staff employee officer operator inspector surveyor author owner contact reporter "
        "requester",
        "created_by updated_by modified_by changed_by entered_by assigned_to submitter submitter_email", "", False,
    ),
    Kind("somebody's device", "ip mac imei cookie", "user_agent ip_address device_id remote_addr", "ipaddress", False),
    Kind("an age, or what somebody earns", "age income salary wage wages earnings", "", "", False),
    Kind(
        PICTURE,
        "photo photos photograph picture image images signature avatar fingerprint biometric scan "
        "attachment", "", "signature", False,
    ),
    Kind(
        PLACE,
        "latitude longitude lat lon lng lat_lon easting northing geom geometry geog geography coordinates uprn",
        "x_coord y_coord grid_ref", "latitude longitude", False,
    ),
    Kind(
        FREE_TEXT,
        "note notes comment comments remark remarks descr description details narrative memo message body freetext "
        "subject reason summary observations statement feedback instructions resolution",
        "free_text", "freetext", False,
    ),
)  # fmt: skip
# `NAME` alone is taken for a person's; with one of these beside it, for that of a thing.
_THINGS = word_set(
    "area asset bin brand building category class code colour column company council country currency department "
    "depot district domain estate event facility field file form grade group index item job key kind label list make "
    "material module office org organisation organization parish park part permission priority process product project "
    "queue reason region report role school section service site stage state status street supplier system table tag "
    "task team template theme ticket town trade type unit value vehicle ward zone app codename model plan"
)
_COUNTED = frozenset({"count", "total", "qty"})
_A_CODE = word_set("id no num number code cd type date dt flag status len length format kind")


def words_of(name: str) -> tuple[str, ...]:
    """`TENANT_NAME` -> (tenant, name); `dateOfBirth` -> (date, of, birth); `ADDR1` -> (addr,)."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return tuple(word for word in re.split(r"[^a-z]+", snake) if word)


def looks_personal(name: str) -> bool:
    """`TENANT_NAME`, `dateOfBirth`, `NI_NO` -> True; `WARD`, `COST` -> False."""
    words = words_of(name)
    return any(kind.is_certain and kind.fits(words) for kind in KINDS)


def what_it_may_hold(name: str) -> str:
    """`CALLER_TEL` -> "a telephone number"; "" where the name says nothing. Rather once too often than not."""
    words = words_of(name)
    if not words or words[-1] in _COUNTED:
        return ""
    for kind in KINDS:
        if kind.fits(words) and not (kind.what in (FREE_TEXT, PICTURE) and words[-1] in _A_CODE):
            return kind.what
    if "name" in words and _THINGS.isdisjoint(words):
        return "a person's name"
    return ""
