"""Which names say that what they name is about a person: `surname`, `DateOfBirth`, `contact[email]`. Pure."""

import re

_MARKS = re.compile(r"[\W_\d]+")
# Names of persons are `name` alone, or with who it is; `filename` and `wardname` are none.
_NAME = re.compile(
    r"(?:full|first|last|middle|given|family|fore|sur|maiden|user|known|preferred|former|tenant|customer|contact"
    r"|applicant|claimant|resident|citizen|person|owner|officer|staff|account|payer|payee|your|his|her|their|parent"
    r"|child|pupil|patient|carer|partner|spouse|holder|cardholder|accountholder|landlord|occupier|reporter|requester"
    r"|reportedby|signed|legal)?names?|surname|forenames?|initials|salutation"
)
_ANYWHERE = re.compile(
    r"birth|^dob$|dob$|surname|forename|firstname|lastname|address(?!ee)|^addr|street|postcode|zipcode|telephone|phone"
    r"|mobile|^tel(?:no|number|home|work|day)?$|^fax|e?mail|nationalinsurance|^ni(?:no|number)$|nino$|nhs|passport"
    r"|licencen|^uprn$|sortcode|accountn|^account$|iban|cardn|^card$|^pan$|cvv|cvc|password|passcode|^pin$|secret"
    r"|signature|gender|^sex$|ethnic|religion|disabilit|nationality|marital|sexualorientation|^ip(?:addr)?$"
    r"|(?:^|account|card|licen[cs]e|permit|policy|lease)holder$|^applicant$|^claimant$|^occupier$|^payee$"
    r"|^(?:reported|requested|signed)by$"
    r"|nextofkin|benefit(?:ref|number)|councilta?xref|vehiclereg|^vrm$"
)
_LONGEST = 60  # characters of a label; a longer text is a sentence


def is_personal(name: str) -> bool:
    """Of a form field, a member, a column, an element, or the words before a value: `Date of birth:`."""
    if len(name) > _LONGEST:
        return False
    bare = _MARKS.sub("", name).lower()
    return _NAME.fullmatch(bare) is not None or _ANYWHERE.search(bare) is not None
