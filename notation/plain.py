"""What plain text in YAML is: by the core schema of YAML 1.2, or to another reader. Pure."""

import re

# YAML 1.2, core schema
NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
TRUE, FALSE = re.compile(r"(?:true|True|TRUE)\Z"), re.compile(r"(?:false|False|FALSE)\Z")
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
FLOAT = re.compile(r"[-+]?(?:(?:\.[0-9]+|(?:0|[1-9][0-9]*)\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[1-9][0-9]*[eE][-+]?[0-9]+)\Z")
# text for us, something else for a reader of YAML 1.1 or for a person in a hurry
SURPRISE = re.compile(
    r"(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9]*)?"  # 1:30 was a number in base 60
    r"|[-+]?0[0-9_]+|0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?[0-9]{19,}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|=)\Z"
)


def plain(text: str) -> object:
    """A plain scalar's value by YAML 1.2's core schema; what is risky (010, 0x1F, 20 digits) stays text."""
    if NULL.match(text):
        return None
    if TRUE.match(text) or FALSE.match(text):
        return text[0] in "tT"
    if INTEGER.match(text):
        return int(text)
    if FLOAT.match(text):
        return float(text)
    return text


def is_surprising(text: str) -> bool:
    """Whether plain text is text for us, and something else for others."""
    return SURPRISE.match(text) is not None and isinstance(plain(text), str)
