"""What leaves a store for another: segments with their lines, costs, quarantine, and sums to compare by.

A checksum is the sum over lines of 28 bits of a digest of everything that the line says, twice with other bits: whole
numbers, so that it is the same in any order and on any engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from assay.model.event import FIELDS
from assay.query.sql import Binder, quote
from assay.store.engine import Statement

_STORED = {"time": "t", "user": "user_id"}
_COSTS = ("id", "day", "source", "medium", "channel", "campaign", "amount", "currency", "impressions", "clicks",
          "claimed_conversions", "claimed_value")  # fmt: skip


def segments() -> Statement:
    """Every segment of the ledger, as it was loaded: name, kind, number and moment of its load, its terms."""
    return Statement(
        "SELECT name, kind, load_no, loaded_at, rows, stored, duplicates, clashes, quarantined, coalesce(erased, 0), "
        "coalesce(expired, 0) FROM segments ORDER BY load_no, name",
        {},
        "segments of the ledger",
    )


def spans() -> Statement:
    """Segment, and the numbers of its events: from the first to before the next."""
    return Statement("SELECT segment, first_no, next_no FROM spans ORDER BY first_no", {}, "events of segments")


def held_by_segment() -> Statement:
    """Segment, and how many events it still has."""
    return Statement(
        "SELECT s.segment, count(*) FROM spans s JOIN events e ON e.event_no >= s.first_no AND e.event_no < s.next_no "
        "GROUP BY s.segment ORDER BY s.segment",
        {},
        "events by segment",
    )


def unspanned() -> Statement:
    """Events whose segment is not known (stored by an older version): number of their load, how many, first and last."""
    return Statement(
        "SELECT e.load_no, count(*), min(e.event_no), max(e.event_no) + 1 FROM events e LEFT JOIN ("
        "SELECT x.event_no AS known FROM spans s JOIN events x ON x.event_no >= s.first_no AND x.event_no < s.next_no"
        ") k ON k.known = e.event_no WHERE k.known IS NULL "
        "GROUP BY load_no ORDER BY load_no",
        {},
        "events of older loads",
    )


def lines(ranges: Sequence[tuple[int, int]]) -> Statement:
    """The event lines with numbers in these ranges, as a segment holds them."""
    bind = Binder()
    chosen = " OR ".join(f"(event_no >= {bind(first)} AND event_no < {bind(after)})" for first, after in ranges)
    return bind.statement(f"SELECT {_line()} FROM events WHERE {chosen or 'false'} ORDER BY event_no", "event lines")


def lines_of_day(day: date) -> Statement:
    """The event lines of a day (site-local)."""
    bind = Binder()
    return bind.statement(
        f"SELECT {_line()} FROM events WHERE day = {bind(day)} ORDER BY t, seq, id", f"events of {day}"
    )


def costs(load_no: int | None = None) -> Statement:
    """Costs, of one load or all, as a segment of costs holds them."""
    bind = Binder()
    where = "" if load_no is None else f" WHERE load_no = {bind(load_no)}"
    return bind.statement(f"SELECT {', '.join(_COSTS)} FROM costs{where} ORDER BY day, id", "costs")


def quarantine(segment: str | None = None) -> Statement:
    """Rows in quarantine, of one segment or all: file, line, reason, what came."""
    bind = Binder()
    where = "" if segment is None else f" WHERE segment = {bind(segment)}"
    return bind.statement(f"SELECT file, line, reason, raw FROM quarantine{where} ORDER BY segment, line", "quarantine")


def refusals() -> Statement:
    """Segment, reason, lines that a collector refused."""
    return Statement("SELECT segment, reason, lines FROM refusals ORDER BY segment, reason", {}, "refused lines")


def days() -> Statement:
    """Per day (site-local): events, two checksums of all they say."""
    return Statement(
        f"SELECT day, count(*), {_sums('digest')} FROM (SELECT day, {_digest(_line_parts())} AS digest FROM events) d "
        "GROUP BY day ORDER BY day",
        {},
        "sums per day",
    )


def sums_of_file(path: str) -> Statement:
    """Events of a file of event lines, and its two checksums; as ``days`` for the lines of that day."""
    return _whole("a file", [f"CAST({quote(field.name)} AS VARCHAR)" for field in FIELDS], path)


def derived_days() -> Statement:
    """Per day: sessions, their events, orders and net revenue, as derived by the plan's rules."""
    return Statement(
        "SELECT day, sum(sessions), sum(counted), sum(orders), sum(net) FROM ("
        "SELECT day, count(*) AS sessions, sum(events) AS counted, 0 AS orders, CAST(0 AS DECIMAL(18, 6)) AS net FROM sessions GROUP BY day "
        "UNION ALL SELECT day, 0, 0, count(*), sum(net) FROM orders GROUP BY day) d GROUP BY day ORDER BY day",
        {},
        "sums of what is derived",
    )


def costs_sums(path: str | None = None) -> Statement:
    """Rows of costs and two checksums; ``path``: those of a file."""
    exact = ("amount", "claimed_conversions", "claimed_value")
    return _whole("costs", [_exact(name) if name in exact else f"CAST({name} AS VARCHAR)" for name in _COSTS], path)


def quarantine_sums(path: str | None = None) -> Statement:
    """Rows in quarantine and two checksums; ``path``: those of a file."""
    return _whole("quarantine", ["file", "CAST(line AS VARCHAR)", "reason", "raw"], path)


def _whole(table: str, parts: Sequence[str], path: str | None) -> Statement:
    """Rows of a table, or of the file at ``path``, and two checksums of all that they say."""
    bind = Binder()
    of = table if path is None else f"read_parquet({bind(path)})"
    return bind.statement(
        f"SELECT count(*), {_sums('digest')} FROM (SELECT {_digest(parts)} AS digest FROM {of}) d", f"sums of {table}"
    )


def _line() -> str:
    return ", ".join(f"{one} AS {quote(field.name)}" for one, field in zip(_line_values(), FIELDS, strict=True))


def _line_values() -> list[str]:
    """The event line's fields from the stored columns; money as text, as the line has it."""
    return [
        _exact(field.name) if field.name == "amount" else quote(_STORED.get(field.name, field.name)) for field in FIELDS
    ]


def _exact(number: str) -> str:
    """A number as text with six places, which engines write variously where the type does not stand beside it."""
    return f"CAST(CAST({number} AS DECIMAL(18, 6)) AS VARCHAR)"


def _line_parts() -> list[str]:
    return [f"CAST({one} AS VARCHAR)" for one in _line_values()]


def _digest(parts: Sequence[str]) -> str:
    marked = ", ".join(f"coalesce({one}, chr(30))" for one in parts)
    return f"md5(concat_ws(chr(31), {marked}))"


def _sums(digest: str) -> str:
    return ", ".join(f"sum({' + '.join(_digit(digest, place, 6 - n) for n, place in enumerate(range(first, first + 7)))})"
                     for first in (1, 8))  # fmt: skip


def _digit(digest: str, place: int, power: int) -> str:
    """A hexadecimal digit as a number, in words that every engine reads alike."""
    return f"CAST(strpos('0123456789abcdef', substr({digest}, {place}, 1)) - 1 AS BIGINT) * {16**power}"
