"""What experiments decided, what changes are worth, what comes next, and what somebody has to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import Any

from assay.decide.words import significant
from assay.model.answer import Column
from assay.model.finding import EVERYWHERE
from assay.report.document import BAD, GOOD, NOISE, WARNING, Items, Said, Table
from assay.report.standing import Kpi
from assay.report.view import View, headed, human, rounded
from assay.report.words import interval

_DECISIONS = {
    "ship": "ship", "do_not_ship": "do not ship", "iterate": "change it and test again", "abandon": "given up",
}  # fmt: skip
_VERDICTS = {"ship": "Ship it", "do_not_ship": "Do not ship it", "keep_running": "Keep it running"}
_TONES = {"ship": GOOD, "do_not_ship": BAD, "keep_running": "", "abstain": WARNING}
NEXT = 3


@dataclass(frozen=True)
class Test:
    """An experiment and its readout. ``row``: of the list of experiments; ``verdicts``: places of the findings."""

    name: str
    row: int
    list: View
    readout: View | None
    verdicts: tuple[int, ...]

    @property
    def title(self) -> str:
        """Its name in words."""
        return headed(human(self.name))

    @property
    def decided(self) -> str:
        """The decision that was written down, in words; empty where none was."""
        said = self.list.text(self.row, "decision")
        return _DECISIONS.get(said.replace("-", "_"), said)

    def evidence(self, place: int) -> Mapping[str, Any]:
        """What a verdict stands on."""
        assert self.readout is not None
        return self.readout.answer.findings[place].evidence

    def sick(self) -> Iterator[Said]:
        """Findings of health that forbid a verdict."""
        if self.readout is not None and any(self.evidence(n)["verdict"] == "abstain" for n in self.verdicts):
            for n, said in self.readout.findings():
                if self.readout.answer.findings[n].severity == "bad" and n not in self.verdicts:
                    yield said

    def verdict(self, place: int) -> Said:
        """A verdict in words."""
        assert self.readout is not None
        state = self.evidence(place)["verdict"]
        text = headed(self.readout.voice.said(self.readout.answer.findings[place].text))
        return Said(f"{text}.", (f"{self.readout.key}/findings/{place}/text",), _TONES.get(state, ""))

    def effect(self, variant: str) -> Said:
        """The primary's effect with its interval; nothing where the readout hides it."""
        assert self.readout is not None
        for row in self.readout.rows:
            if self.readout.text(row, "role") == "primary" and self.readout.text(row, "variant") == variant:
                if self.readout.raw(row, "effect") is None:
                    break
                said = self.readout.cell(row, "effect")
                return replace(said, note=headed(human(self.readout.text(row, "metric"))))
        return Said("not shown", (), NOISE)

    def worth(self, place: int) -> Said:
        """The range of money a year; nothing where the readout has none."""
        money = self.evidence(place).get("money")
        if not money:
            return Said("–", (), NOISE)
        assert self.readout is not None
        at = f"{self.readout.key}/findings/{place}/evidence/money"
        return Said(money_range(money), (f"{at}/low", f"{at}/high"))


def money_range(money: Mapping[str, Any]) -> str:
    """``−117,000 € to −36,600 €``, of decimal texts."""
    column = Column("", "money", currency=money["currency"])
    ends = [None if money[end] is None else rounded(Decimal(money[end])) for end in ("low", "high")]
    return interval(ends[0], ends[1], column)


def tests(found: dict[str, View]) -> list[Test]:
    """Every experiment, those that wait for a decision first."""
    listed = found.get("experiment")
    if listed is None:
        return []
    made = []
    for row in listed.rows:
        name = listed.text(row, "experiment")
        readout = found.get(f"readout:{name}")
        places = () if readout is None else tuple(n for n, _ in readout.findings("verdict"))
        made.append(Test(name, row, listed, readout, places))
    return made


def decided_table(known: list[Test]) -> Table | None:
    """One line per treatment: verdict, effect, money, decision."""
    rows = []
    for one in known:
        state = one.list.text(one.row, "state")
        if not one.verdicts:
            said = one.readout.sentence() if one.readout is not None and one.readout.answer.sentence else None
            words = said or Said({"draft": "Not started."}.get(state, state), (one.list.at(one.row, "state"),), NOISE)
            rows.append((_name(one), words, Said("–"), Said("–"), _decision(one)))
        for place in one.verdicts:
            variant = str(one.evidence(place)["variant"])
            rows.append((_name(one), one.verdict(place), one.effect(variant), one.worth(place), _decision(one)))
    titles = ("Test", "What it says", "Effect (interval)", "Worth a year", "Decision")
    return Table(titles, tuple(rows), (2, 3)) if rows else None


def _name(one: Test) -> Said:
    return Said(one.title, (one.list.at(one.row, "experiment"),))


def _decision(one: Test) -> Said:
    at = (one.list.at(one.row, "decision"),)
    if one.decided:
        return Said(headed(one.decided), at)
    state = one.list.text(one.row, "state")
    return Said("Open" if state == "ended" else headed(state), at, NOISE)


def decisions(kpis: list[Kpi], known: list[Test], found: dict[str, View]) -> Items:
    """What somebody has to decide, the most pressing first."""
    said = (_nothing_holds(found), _sick(known), _broken(kpis), _waiting(known), _behind(kpis, found), _doubts(found))
    return Items(tuple(chain.from_iterable(said)), call=True)


def _sick(known: list[Test]) -> Iterator[Said]:
    for one in known:
        for said in list(one.sick())[:1]:
            yield replace(said, text=f"{one.title}: no verdict is possible. {said.text}")


def _waiting(known: list[Test]) -> Iterator[Said]:
    for one in known:
        for place in one.verdicts:
            state = one.evidence(place)["verdict"]
            if not one.decided and state in ("ship", "do_not_ship"):
                said = one.verdict(place)
                note = f"The test says: {_VERDICTS[state].lower()}. Decide, and write the decision down."
                yield replace(said, text=f"{one.title} waits for a decision. {said.text}", note=note)


def _broken(kpis: list[Kpi]) -> Iterator[Said]:
    for one in kpis:
        if not one.guardrail:
            continue
        limit, low, high = (one.overview.raw(one.row, name) for name in ("target_value", "low", "high"))
        if limit is not None and low is not None and high is not None:
            beyond = float(low) > float(limit) if one.direction == "down" else float(high) < float(limit)  # type: ignore[arg-type]
            if beyond:
                now, target = one.now(), one.target()
                text = f"{one.title} must stay {'below' if one.direction == 'down' else 'above'} {target.text}; "
                yield Said(f"{text}it is {now.text}.", (*now.source, *target.source), BAD, "Decide what is stopped.")
                continue
        if one.moved == "worse":
            change = one.change()
            yield Said(f"{one.title}, which must not suffer, is worse: {change.text}.", change.source, BAD)


def _behind(kpis: list[Kpi], found: dict[str, View]) -> Iterator[Said]:
    pace = found.get("pace")
    said = (
        {} if pace is None else {pace.answer.findings[n].evidence["kpi"]: one for n, one in pace.findings("off_pace")}
    )
    for one in kpis:
        if one.name in said:
            note = "Decide: more for it, or another target."
            yield replace(said[one.name], tone=WARNING, note=note)
        elif one.verdict == "missed":
            now = one.pacing()
            yield Said(f"{one.title} has missed its target.", now.source, WARNING, "Decide on the next target.")


def _nothing_holds(found: dict[str, View]) -> Iterator[Said]:
    """What makes every number doubtful, the decisions below too."""
    everywhere = next((said for view in found.values() for _, said in view.findings(*EVERYWHERE)), None)
    if everywhere is not None:
        yield replace(everywhere, text=f"No number can be trusted now: {everywhere.text}")


def _doubts(found: dict[str, View]) -> Iterator[Said]:
    quality = found.get("quality")
    if quality is not None:
        for n, said in quality.findings():
            if quality.answer.findings[n].severity == "bad":
                yield replace(said, text=f"The numbers cannot be trusted fully: {said.text}")


def worth(known: list[Test], found: dict[str, View]) -> Iterator[Said]:
    """Ranges of money: what tests found, what was proven after, what the largest opportunity would bring."""
    for one in known:
        for place in one.verdicts:
            money = one.worth(place)
            state = one.evidence(place)["verdict"]
            if money.source and state in ("ship", "do_not_ship"):
                if_ = "with it" if state == "ship" else "if it were shipped all the same"
                yield Said(f"{one.title}: {money.text} a year at present traffic, {if_}.", money.source)
    value = found.get("value")
    if value is not None and value.answer.rows:
        yield value.sentence()
    for key, view in found.items():
        if key.startswith("opportunity:") and view.answer.rows:
            yield from _opportunity(view, human(key.partition(":")[2]))


def _opportunity(view: View, funnel: str) -> Iterator[Said]:
    span = _year(view, 0)
    if span is not None:
        where, step = view.cell(0, "where"), view.cell(0, "step")
        text = (
            f"The largest gain in {funnel} lies at {step.text} ({where.text}): {span.text} a year if it did as well as "
        )
        against = view.cell(0, "against")
        yield Said(f"{text}{against.text}.", (*span.source, *where.source, *step.source, *against.source))


def _year(view: View, row: int) -> Said | None:
    column = view.column("year_low")
    ends = [view.raw(row, name) for name in ("year_low", "year_high")]
    if column is None or not all(isinstance(one, Decimal) for one in ends):
        return None
    shown = [rounded(one) for one in ends if isinstance(one, Decimal)]
    return Said(interval(shown[0], shown[1], column[1]), (view.at(row, "year_low"), view.at(row, "year_high")))


def ahead(found: dict[str, View]) -> Items | None:
    """The ideas worth most, with what a test of them takes."""
    backlog = found.get("backlog")
    rows = (
        []
        if backlog is None
        else [row for row in backlog.rows if backlog.text(row, "status") not in ("done", "dropped")]
    )
    if backlog is None or not rows:
        return _from_opportunity(found)
    made = []
    for row in rows[:NEXT]:
        idea, span = backlog.cell(row, "idea"), _year(backlog, row)
        parts = [f"worth {span.text} a year" if span else "", _test(backlog, row), _status(backlog, row)]
        note = "; ".join(part for part in parts if part)
        made.append(replace(idea, text=f"{idea.text.rstrip('.')}.", note=headed(note), source=(
            *idea.source, *(span.source if span else ()), backlog.at(row, "sample"), backlog.at(row, "weeks"),
        )))  # fmt: skip
    return Items(tuple(made))


def _status(view: View, row: int) -> str:
    status = view.text(row, "status")
    return "" if status in ("", "idea") else status


def _from_opportunity(found: dict[str, View]) -> Items | None:
    made = []
    for key, view in found.items():
        if key.startswith("opportunity:"):
            for row in list(view.rows)[:NEXT]:
                span = _year(view, row)
                step, where, against = (view.cell(row, name) for name in ("step", "where", "against"))
                text = f"Test a change at {step.text} for {where.text}: bring it to what {against.text} does."
                note = "; ".join(p for p in (f"worth {span.text} a year" if span else "", _test(view, row)) if p)
                made.append(Said(text, (*step.source, *where.source, *against.source), note=headed(note)))
    return Items(tuple(made)) if made else None


def _test(view: View, row: int) -> str:
    sample, weeks = view.raw(row, "sample"), view.raw(row, "weeks")
    if sample is None:
        return ""
    long = "" if weeks is None else f", about {_weeks(float(weeks))}"  # type: ignore[arg-type]
    return f"a test takes {view.cell(row, 'sample').text} on each side{long}"


def _weeks(value: float) -> str:
    return "a week" if value <= 1 else f"{significant(value, 2)} weeks"
