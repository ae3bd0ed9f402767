"""RE2's regular expressions (DuckDB's) → Java's (Spark's): the same texts match.

Java's ``$`` also matches before a last line feed, its ``.`` leaves out more line ends, and its classes nest.
"""

from __future__ import annotations

from assay.model.errors import MachineError

_SPACE = " \\t\\n\\f\\r"
_POSIX = {
    "alnum": "\\p{Alnum}", "alpha": "\\p{Alpha}", "ascii": "\\p{ASCII}", "blank": "\\p{Blank}", "cntrl": "\\p{Cntrl}",
    "digit": "\\p{Digit}", "graph": "\\p{Graph}", "lower": "\\p{Lower}", "print": "\\p{Print}", "punct": "\\p{Punct}",
    "space": "\\s", "upper": "\\p{Upper}", "word": "\\w", "xdigit": "\\p{XDigit}",
}  # fmt: skip


def java(pattern: str) -> str:
    """The pattern in Java's words."""
    out: list[str] = ["(?d)"]
    place = 0
    while place < len(pattern):
        said, place = _piece(pattern, place)
        out.append(said)
    return "".join(out)


def searched(pattern: str) -> str:
    """A pattern that may match anywhere."""
    return java(pattern)


def whole(pattern: str) -> str:
    """A pattern that has to match the whole text."""
    return f"\\A(?:{java(pattern)})\\z"


def first(pattern: str) -> str:
    """A pattern that matches a text up to the end of the first place: group 1 is what stands before."""
    return f"\\A((?s:.*?))(?:{java(pattern)})"


def _piece(pattern: str, place: int) -> tuple[str, int]:
    sign = pattern[place]
    if sign == "\\":
        return _escaped(pattern, place)
    if sign == "[":
        return _class(pattern, place)
    if sign == "$":
        return "\\z", place + 1
    if pattern.startswith("(?P<", place):
        return "(?<", place + 4
    if pattern.startswith(("(?m", "(?=", "(?!", "(?<", "(?>"), place):
        raise MachineError(f"this regular expression reads otherwise on Spark: {pattern}")
    return sign, place + 1


def _escaped(pattern: str, place: int) -> tuple[str, int]:
    if pattern.startswith("\\Q", place):
        end = pattern.find("\\E", place)
        end = len(pattern) if end < 0 else end + 2
        return pattern[place:end], end
    sign = pattern[place + 1 : place + 2]
    if sign in ("C", "1", "2", "3", "4", "5", "6", "7", "8", "9"):
        raise MachineError(f"this regular expression reads otherwise on Spark: {pattern}")
    if sign in ("s", "S"):
        return f"[{'^' if sign == 'S' else ''}{_SPACE}]", place + 2
    return pattern[place : place + 2], place + 2


def _class(pattern: str, place: int) -> tuple[str, int]:
    """A class in brackets; what Java would read as a class within it, or as an intersection, is escaped."""
    out = ["["]
    place += 1
    if pattern.startswith("^", place):
        out.append("^")
        place += 1
    first_sign = True
    while place < len(pattern) and (pattern[place] != "]" or first_sign):
        first_sign = False
        if pattern.startswith("[:", place) and ":]" in pattern[place:]:
            end = pattern.index(":]", place)
            name = pattern[place + 2 : end]
            if name not in _POSIX:
                raise MachineError(f"this regular expression reads otherwise on Spark: {pattern}")
            out.append(_POSIX[name])
            place = end + 2
        elif pattern[place] == "\\":
            out.append(_SPACE if pattern[place + 1 : place + 2] == "s" else pattern[place : place + 2])
            place += 2
        else:
            out.append(("\\" if pattern[place] in "[]&" else "") + pattern[place])
            place += 1
    return "".join([*out, "]"]), place + 1
