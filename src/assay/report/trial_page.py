"""The report of an experiment: what was believed, what came out, what it is worth, what was decided."""

from __future__ import annotations

from collections.abc import Iterator

from assay.report.deciding import Test
from assay.report.document import BAD, GOOD, NOISE, WARNING, Block, Figures, Heading, Items, Page, Said, Sentence, Table
from assay.report.view import View, headed, human

_TONES = {"better": GOOD, "worse": BAD, "harmed": BAD, "safe": GOOD, "not shown": WARNING}
_ROLES = (("primary", "What was to move"), ("guardrail", "What must not suffer"),
          ("diagnostic", "What else was looked at"), ("exploratory", "Looked at afterwards"))  # fmt: skip
_READS = {"open": "not clear yet"}
_SEGMENT = ("values", "effect", "lift")
_LEARNT = ("decided", "decision", "verdict", "learnt", "revisit")


def trial_page(one: Test, found: dict[str, View]) -> Page:
    """All of it on one page, or as many as it takes."""
    return Page("summary", f"Experiment: {human(one.name)}", tuple(_blocks(one, found)), _when(one))


def _when(one: Test) -> str:
    began, ended = one.list.cell(one.row, "started").text, one.list.cell(one.row, "stopped").text
    if began == "–":
        return "not started"
    return f"started {began}, " + (f"ended {ended}" if ended != "–" else "running")


def _blocks(one: Test, found: dict[str, View]) -> Iterator[Block]:
    hypothesis = one.list.text(one.row, "hypothesis")
    if hypothesis:
        at = (one.list.at(one.row, "hypothesis"),)
        yield Sentence(Said(f"We believed: {one.list.voice.said(hypothesis).rstrip('.')}.", at))
    readout = one.readout
    if readout is None or not readout.answer.rows:
        said = readout.answer.sentence or readout.answer.empty if readout is not None else ""
        yield Sentence(Said(headed(readout.voice.said(said or "")) if readout else "Not started yet."), lead=True)
        return
    for place in one.verdicts:
        yield Sentence(one.verdict(place), lead=True)
        yield Figures(_tiles(one, place))
    yield Heading("Can the numbers be trusted?")
    yield Items(tuple(_health(one, readout)))
    for role, title in _ROLES:
        yield from _results(readout, role, title)
    yield from _segments(found.get(f"segments:{one.name}"))
    yield from _log(one, found.get("learnings"))
    notes = tuple(Said(f"{headed(readout.voice.said(note))}.", (), NOISE) for note in readout.answer.notes)
    if notes:
        yield Heading("How it was read")
        yield Items(notes)


def _health(one: Test, readout: View) -> Iterator[Said]:
    for n, said in readout.findings():
        if n not in one.verdicts and not readout.answer.findings[n].code.startswith("guardrail"):
            yield said


def _tiles(one: Test, place: int) -> tuple[tuple[str, Said], ...]:
    variant = str(one.evidence(place)["variant"])
    decision = one.decided
    at = (one.list.at(one.row, "decision"),)
    said = Said(headed(decision), at) if decision else Said("Open", at, WARNING, "waits for you")
    return (
        (f"Effect of {human(variant)}", one.effect(variant)), ("Worth a year", one.worth(place)), ("Decision", said),
    )  # fmt: skip


def _results(view: View, role: str, title: str) -> Iterator[Block]:
    rows = [row for row in view.rows if view.text(row, "role") == role and view.text(row, "reading") != "as changed"]
    if not rows:
        return
    yield Heading(title)
    made = []
    for row in rows:
        state = view.cell(row, "state")
        margin = view.text(row, "margin")
        note = view.voice.said(f"may lose {margin}") if margin else ""
        name = Said(headed(view.cell(row, "metric").text), (view.at(row, "metric"),), "", note)
        made.append((
            name, view.cell(row, "values"), view.cell(row, "effect"), view.cell(row, "lift"),
            Said(headed(_READS.get(state.text, state.text)), state.source, _TONES.get(state.text, "")),
        ))  # fmt: skip
    yield Table(
        ("Metric", "Without → with", "Effect (interval)", "In percent (interval)", "Reads"), tuple(made), (2, 3)
    )


def _segments(view: View | None) -> Iterator[Block]:
    if view is None or not view.answer.rows:
        return
    yield Heading("By device: observations, not verdicts")
    rows = tuple(
        (Said(headed(view.cell(row, "device").text), (view.at(row, "device"),)), *(view.cell(row, n) for n in _SEGMENT))
        for row in view.rows
    )
    yield Table(("Device", "Without → with", "Effect (interval)", "In percent (interval)"), rows, (2, 3))


def _log(one: Test, learnings: View | None) -> Iterator[Block]:
    yield Heading("What was decided")
    rows = [] if learnings is None else [r for r in learnings.rows if learnings.text(r, "experiment") == one.name]
    if learnings is None or not rows:
        at = (one.list.at(one.row, "decision"),)
        yield Sentence(Said(f"Decided: {one.decided}." if one.decided else "Nothing was decided yet.", at))
        return
    made = tuple(tuple(learnings.cell(row, name) for name in _LEARNT) for row in rows)
    yield Table(("On", "Decision", "The test said", "What was learnt", "Look again"), made)
