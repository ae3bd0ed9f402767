"""Funnels of the cases: each definition becomes a plan, its numbers are those of the question ``funnel``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from assay.model.answer import Answer
from assay.workspace import Workspace
from cases.vocabulary import Case, Make, UnknownWord, Words, lines
from support import Event

_RESTART = "window restarts at the latest step 1 before step 2 (PostHog, ClickHouse)"
_FIRST = "window starts at the FIRST step 1 and is not restarted"
_LEAVE = "user leaves the funnel entirely"
_EFFECTS = {
    _LEAVE: "leave",
    f"{_LEAVE} unless another attempt is clean": "leave",
    "progress is cleared, the user still counts at step 1": "clear",
}
_ORDERS = {"ordered": "ordered", "strict": "strict", "unordered": "unordered", "windowFunnel": "windowfunnel"}
_AT = {"first_touch": "first", "last_touch": "last", "all_events": "all"}
NONE = "(none)"  # a group without a value
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Every number that the vocabulary of funnels knows and the definition allows."""
    reader = _Reader(case)
    events = reader.events()
    ws = make(reader.plan(), events, now=_after(events))
    days = _days(events)
    look = _Look(ws, reader, days, len(reader.steps))
    return look.numbers()


def _after(events: Sequence[Event]) -> int | None:
    """A clock long after the last event, where the case lies in the future of the tests' own."""
    last = max((e["time"] for e in events), default=0)
    return last + 400 * 86_400_000_000 if last > 1_735_000_000_000_000 else None


def _days(events: Sequence[Event]) -> dict[str, str]:
    times = [e["time"] for e in events] or [0]
    first, last = (datetime.fromtimestamp(t / 1e6, UTC).date() for t in (min(times), max(times)))
    return {"from": str(first), "to": str(last)}


class _Reader:
    """The definition as a plan."""

    def __init__(self, case: Case) -> None:
        self.case = case
        words = Words(case["definition"])
        self.order = words.word("order", _ORDERS, "ordered")
        self.window = words.get("window_seconds")
        words.word("window_from", ["the first step"])
        words.word("window_inclusive", [True])
        words.word("count", ["distinct user", "deepest step per user"])
        self.entry = words.word("entry", {_RESTART: "latest", _FIRST: "first"}, "latest")
        words.word("same_timestamp", ["any order allowed"])
        if words.get("modes", []) != []:
            raise UnknownWord(f"modes: {case['definition']['modes']!r} is not in the vocabulary")
        self.effect = words.word("exclusion_effect", _EFFECTS)
        self.breakdown = self._breakdown(words.get("breakdown"))
        self.times = self._between(words.get("time_to_convert"))
        self.raw = [self._checked(step, {"event", "properties", "path", "optional"}) for step in words.get("steps")]
        outside = words.get("exclusions", [])
        self.excluded = [self._checked(one, {"event", "after_step", "before_step"}) for one in outside]
        words.done()
        self.types = self._types()
        self.steps = [self._step(step) for step in self.raw]

    def _checked(self, one: dict[str, Any], known: set[str]) -> dict[str, Any]:
        if set(one) - known:
            raise UnknownWord(f"{', '.join(sorted(set(one) - known))} of {one!r}")
        return one

    def _breakdown(self, value: Any) -> tuple[str, str] | None:
        if value is None:
            return None
        words = Words(value)
        name, at = words.get("property"), words.get("attribution", "first_touch")
        words.done()
        step = str(at).removeprefix("step_")
        if at not in _AT and not (str(at).startswith("step_") and step.isdigit()):
            raise UnknownWord(f"attribution: {at!r} is not in the vocabulary")
        return str(name), _AT.get(at) or f"step:{step}"

    def _between(self, value: Any) -> str | None:
        if value is None:
            return None
        words = Words(value)
        first, last = words.get("from_step", 1), words.get("to_step", len(self.case["definition"]["steps"]))
        words.done()
        return f"{first}:{last}"

    def events(self) -> list[Event]:
        """The case's lines; a property ``path`` is also the page's path."""
        made = lines(self.case)
        for line in made:
            path = line.get("props", {}).get("path")
            if path is not None:
                line["path"] = path
        return made

    def _types(self) -> dict[str, str]:
        """Properties that steps and breakdowns name, by the kind of their values; text where kinds are mixed."""
        named = {name for step in self.raw for name in step.get("properties") or {}}
        named |= {self.breakdown[0]} if self.breakdown else set()
        kinds: dict[str, set[str]] = {name: set() for name in named}
        for holder in (*self.raw, *self.case["events"]):
            for name, value in (holder.get("properties") or {}).items():
                if name in kinds and value is not None:
                    kinds[name].add(_TYPES.get(type(value), "string"))
        return {name: one.pop() if len(one) == 1 else "string" for name, one in kinds.items()}

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        conditions = [self._equal(name, value) for name, value in (step.get("properties") or {}).items()]
        made: dict[str, Any] = {"event": step["event"], "optional": bool(step.get("optional", False))}
        glob = step.get("path")
        if glob is not None:
            made["page"] = [glob]
            if glob.endswith("*") and not glob.endswith("**"):  # at the end, the plan's * leads into folders too
                stem = glob[:-1].replace("**", "%").replace("*", "%")
                conditions.append(f"not page like {_text(stem + '%/%')}")
        if conditions:
            made["where"] = " and ".join(conditions)
        return made

    def _equal(self, name: str, value: Any) -> str:
        column = '"' + name.replace('"', '""') + '"'
        values = value if isinstance(value, list) else [value]
        return f"{column} in ({', '.join(self._literal(name, one) for one in values)})"

    def _literal(self, name: str, value: Any) -> str:
        if self.types[name] == "string":
            return _text(value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else value)
        return str(value).lower()

    def plan(self) -> dict[str, Any]:
        """The plan of the case."""
        names = {e["event"] for e in self.case["events"]} | {s["event"] for s in self.raw if s["event"]}
        names |= {one["event"] for one in self.excluded}
        funnel: dict[str, Any] = {"steps": self.steps, "per": "user", "order": self.order, "entry": self.entry}
        funnel["window"] = "session" if self.window is None else f"{self.window}s"
        if self.excluded:
            funnel["exclusions"] = [
                {
                    "event": one["event"],
                    "after": one.get("after_step", 1),
                    "before": one.get("before_step", len(self.steps)),
                    **({"effect": self.effect} if self.effect else {}),
                }
                for one in self.excluded
            ]
        return {"events": {name: {"properties": dict(self.types)} for name in sorted(names)}, "funnels": {"it": funnel}}


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


class _Look:
    """The public answers of one case."""

    def __init__(self, ws: Workspace, reader: _Reader, days: dict[str, str], steps: int) -> None:
        self.ws, self.reader, self.days, self.steps = ws, reader, days, steps

    def ask(self, **more: Any) -> Answer:
        return self.ws.ask("funnel", "it", **self.days, **more)

    def numbers(self) -> dict[str, Any]:
        plain = self.ask(everyone=True).records()
        found = {**self.by_step(plain), **self.plausible(plain)}
        found["last_step_count"] = found["step_counts"][-1]
        reached = {k: self.ask(reached=k).records() for k in range(1, self.steps + 1)}
        found["users_at_step"] = {k: sorted(row["user"] for row in rows) for k, rows in reached.items()}
        users = {e["user"] for e in self.reader.case["events"]}
        found["level"] = {
            user: max((k for k, names in found["users_at_step"].items() if user in names), default=0) for user in users
        }
        if self.reader.breakdown is not None:
            name, at = self.reader.breakdown
            groups: dict[str, list[dict[str, Any]]] = {}
            for row in self.ask(by=[name], at=at).records():
                groups.setdefault("" if row[name] == NONE else str(row[name]), []).append(row)
            found["by_breakdown"] = {group: self.by_step(rows) for group, rows in groups.items()}
        return found | self.conversion_times()

    def by_step(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Counts and times; nobody in the funnel is a count of nothing."""
        if not rows:
            return {"step_counts": [0] * self.steps}
        mean = [row["mean_from_previous"] for row in rows]
        middle = [row["median_from_previous"] for row in rows]
        return {
            "step_counts": [row["units"] for row in rows],
            "avg_seconds_from_previous": mean,
            "median_seconds_from_previous": middle,
        }

    def conversion_times(self) -> dict[str, Any]:
        between = self.reader.times or (f"1:{self.steps}" if self.steps > 1 else None)
        if between is None:
            return {}
        auto = self.ask(histogram=between)
        if not auto.rows:
            return {"average_seconds": None, "auto_bins": [], "seven_bins": []}

        def bins(one: Answer) -> list[list[Any]]:
            return [[row["from_seconds"], row["units"]] for row in one.records()]

        average = next(e.estimate.value for e in auto.estimates if e.metric == "it.mean_seconds")
        return {
            "average_seconds": average,
            "auto_bins": bins(auto),
            "seven_bins": bins(self.ask(histogram=between, bins=7)),
        }

    def plausible(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Plausible's table, rounded to 2 decimals."""
        everyone = rows[0]["everyone"] if rows else len({e["user"] for e in self.reader.case["events"]})
        entering = rows[0]["units"] if rows else 0
        steps = []
        for k, row in enumerate(rows):
            before = rows[k - 1]["units"] if k else everyone
            lost = before - row["units"]
            steps.append(
                {
                    "visitors": row["units"],
                    "conversion_rate": _percent(row["from_start"]),
                    "conversion_rate_step": _percent(row["from_previous"] or 0),
                    "dropoff": lost if k else 0,
                    "dropoff_percentage": _percent(lost / before if before and k else 0),
                }
            )
        if not rows:
            nothing = dict.fromkeys(
                ("visitors", "conversion_rate", "conversion_rate_step", "dropoff", "dropoff_percentage"), 0
            )
            steps = [dict(nothing) for _ in range(self.steps)]
        return {
            "all_visitors": everyone,
            "entering_visitors": entering,
            "entering_visitors_percentage": _percent(entering / everyone if everyone else 0),
            "never_entering_visitors": everyone - entering,
            "never_entering_visitors_percentage": _percent((everyone - entering) / everyone if everyone else 0),
            "steps": steps,
        }


def _percent(rate: float) -> Decimal:
    return (Decimal(repr(float(rate))) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
