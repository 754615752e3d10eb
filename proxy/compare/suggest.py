"""What to write so that a difference does not count any more. Pure.

suggest(Difference("json:$.at", ...)) -> 'ignore: ["json:$.at"]'
"""

from proxy.compare.values import Difference


def suggest(difference: Difference) -> str:
    """The line of `compare:`, as YAML; beside other entries, what stands in the brackets is added."""
    return f"ignore: [{quoted(difference.path)}]"


def quoted(entry: str) -> str:
    """As YAML reads it back, whatever it holds."""
    if '"' not in entry and "\\" not in entry:
        return f'"{entry}"'
    doubled = entry.replace("'", "''")
    return f"'{doubled}'"
