"""The report: one page for executives, one page per KPI or one on an experiment, then definitions.

Made from answers and the brief alone, by the same rules each time: a sealed file is checked by making it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.decide.words import days
from assay.model.answer import Answer
from assay.report.brief import Brief
from assay.report.changed import changed
from assay.report.deciding import Test, ahead, decided_table, decisions, tests, worth
from assay.report.document import NOISE, Block, Document, Footnote, Heading, Items, Page, Said, Sentence, Table
from assay.report.kpi_page import kpi_page
from assay.report.standing import BETTER, WORSE, Kpi, standings
from assay.report.trial_page import trial_page
from assay.report.view import View, Voice, day, headed, human, views

_FIRST = 8  # KPIs on the first page; the others have their pages


def document(brief: Brief, answers: Mapping[str, Answer]) -> Document:
    """The whole report."""
    found = views(answers, Voice(frozenset(brief.names)), brief.currency)
    pages = tuple(_pages(brief, found))
    return Document(
        brief.title,
        brief.client,
        _days(found),
        pages,
        tuple(_footnotes(found)),
        tuple(_facts(brief, found)),
        brief.logo,
    )


def _pages(brief: Brief, found: dict[str, View]) -> Iterator[Page]:
    known = tests(found)
    if brief.experiment is not None:
        (test,) = [one for one in known if one.name == brief.experiment]
        yield trial_page(test, found)
        return
    if found["overview"].answer.empty:
        yield _beginning(found)
        return
    kpis = list(standings(brief, found))
    yield Page("summary", "At a glance", tuple(_summary(kpis, known, found)))
    for one in kpis:
        yield kpi_page(one, found)


def _beginning(found: dict[str, View]) -> Page:
    """Nothing to report yet: what is missing, and the next step."""
    view = found["overview"]
    no_plan = "plan" in (view.answer.empty or "")
    steps: tuple[str, ...] = (
        ("Look at what came and could not be used, and why: assay waiting.",
         "Mend the files, or how the plan reads them, and bring them in again.",
         "Then ask for the report again: assay report --out report.html")
        if any(one.startswith("assay waiting") for one in view.answer.next) else
        ("Say what matters: name one to four KPIs under kpis in the plan, each with an objective and a target.",
         "Look at the plan with assay check, then at assay overview.")
        if no_plan
        else ("Bring in events: assay import SOURCE FILE takes the export of another tool, assay serve collects them.",
              "Or try it out first: assay demo DIR writes a shop with data.",
              "Then ask for the report again: assay report --out report.html")
    )  # fmt: skip
    blocks: list[Block] = [Sentence(view.sentence(), lead=True), Heading("How to begin")]
    blocks.append(Items(tuple(Said(step) for step in steps)))
    return Page("summary", "Nothing to report yet", tuple(blocks))


def _summary(kpis: list[Kpi], known: list[Test], found: dict[str, View]) -> Iterator[Block]:
    needed = decisions(kpis, known, found)
    yield Sentence(_lead(kpis, needed), lead=True)
    if needed.items:
        yield Heading("Decision needed from you")
        yield needed
    yield Heading("What we wanted, and where we are")
    yield _scorecard(kpis[:_FIRST])
    if len(kpis) > _FIRST:
        names = ", ".join(human(one.name) for one in kpis[_FIRST:])
        yield Sentence(Said(f"On pages of their own: {names}.", (), NOISE))
    yield Heading("What changed, and why")
    yield changed(kpis, found)
    table = decided_table(known)
    yield Heading("What experiments decided")
    yield table if table is not None else Sentence(Said("No experiment ran.", (), NOISE))
    values = tuple(worth(known, found))
    if values:
        yield Heading("What it is worth")
        yield Items(values)
    following = ahead(found)
    yield Heading("What we do next")
    yield following if following is not None else Sentence(Said("No idea to test is noted yet.", (), NOISE))


def _lead(kpis: list[Kpi], needed: Items) -> Said:
    """On pace or not, what moved, what is asked for."""
    counts: dict[str, int] = {}
    for one in kpis:
        if one.verdict:
            counts[one.verdict] = counts.get(one.verdict, 0) + 1
    order = ("off track", "missed", "at risk", "on track", "reached")
    words = {
        "off track": "off track", "missed": "behind a target that is over", "at risk": "at risk",
        "on track": "on track", "reached": "at its target",
    }  # fmt: skip
    parts = [f"{counts[key]} {words[key]}" for key in order if key in counts]
    with_target = sum(1 for one in kpis if one.pace is not None)
    unknown = with_target - sum(counts.values())
    parts += [f"{unknown} cannot be judged yet"] if unknown else []
    pace = f"Of {with_target} KPI{'s' if with_target != 1 else ''} with a target: {', '.join(parts)}. " if parts else ""
    moved = [one for one in kpis if one.moved in (BETTER, WORSE)]
    said = "; ".join(f"{human(one.name)} {one.change().text.lstrip('▲▼ ')}" for one in moved)
    change = f"Beyond ordinary noise: {said}. " if moved else "No KPI moved beyond ordinary noise. "
    n = len(needed.items)
    call = f"{n} decision{'s are' if n != 1 else ' is'} needed from you." if n else "Nothing waits for a decision."
    sources = tuple(source for one in kpis for source in one.pacing().source)
    return Said(f"{pace}{change}{call}", sources)


def _scorecard(kpis: list[Kpi]) -> Table:
    rows = []
    for one in kpis:
        role = "must not suffer" if one.guardrail else one.goal
        name = Said(one.title, (one.overview.at(one.row, "kpi"),), "", role, one.definition)
        rows.append((name, one.now(), one.change(), one.target(), one.pacing()))
    return Table(("KPI, and what it is for", "Now", "Against before", "Target", "On pace?"), tuple(rows), (1,))


def _days(found: dict[str, View]) -> str:
    overview = found.get("overview")
    if overview is None or overview.answer.period is None or overview.answer.empty:
        return ""
    said = days(*overview.answer.period)
    note = next(iter(overview.answer.notes), "")
    _, _, before = note.partition(" against ")
    through = overview.answer.complete_through
    late = f"; data until {day(through)}" if through is not None else ""
    return (f"{said}, against {overview.voice.said(before)}" if before else said) + late


def _footnotes(found: dict[str, View]) -> Iterator[Footnote]:
    seen: dict[str, Footnote] = {}
    for view in found.values():
        for one in view.answer.definitions:
            if one.id not in seen:
                exactly = f"{one.numerator} / {one.denominator}" if one.denominator else one.numerator
                rules = [f"window {one.window}"] if one.window else []
                rules += [f"{name}: {rule}" for name, rule in one.rules.items()]
                parts = [one.text, *([exactly] if exactly and exactly != one.text else []), *rules]
                text = "; ".join(part for part in parts if part)
                seen[one.id] = Footnote(len(seen) + 1, one.id, headed(human(one.metric)), f"{view.voice.said(text)}.")
    yield from seen.values()


def _facts(brief: Brief, found: dict[str, View]) -> Iterator[str]:
    view = next(iter(found.values()))
    through, made = view.answer.complete_through, view.answer.as_of
    yield f"Days are those of {brief.zone}, money is in {brief.currency}."
    if through is not None:
        yield f"Data complete to {day(through)} {through:%H:%M} UTC."
    if made is not None:
        by = f"by assay {brief.version}, plan {brief.plan[:12]}, data {brief.data or 'none'}"
        yield f"Made on {day(made)} {made:%H:%M} UTC {by}."
    yield (
        "An interval holds the true value in 95 of 100 cases. A change whose interval holds 0 is ordinary noise. "
        "Points are differences of rates; percent are ratios."
    )
    yield "The sealed file beside this report holds every answer that it was made from: assay report verify FILE.json"
    for key, view in found.items():
        if view.answer.empty and not view.answer.sentence:
            yield f"Not in this report, {_what(key)}: {view.voice.said(view.answer.empty)}"


def _what(key: str) -> str:
    kind, _, name = key.partition(":")
    words = {"why": "why it moved", "trend": "its weeks", "by": "its channels", "readout": "the test"}
    return f"{words.get(kind, kind)} of {human(name)}" if name else kind


__all__ = ["document"]
