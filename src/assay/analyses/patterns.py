"""patterns: a playbook of named situations, each with its evidence, usual causes and an idea to test."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from assay.analyses.backlog import noted
from assay.analyses.base import Asking, Question, Ranged, argument
from assay.analyses.caveats import covered
from assay.analyses.estimates import both_periods
from assay.analyses.situations.base import NotSeen, Site, Situation
from assay.model.answer import Answer, Cell, Column, Definition
from assay.model.errors import Refused, UnknownName
from assay.model.finding import Finding, Idea

_CASES = 5  # of one situation that are told


class Params(Ranged):
    """Which situations."""

    names: list[str] = argument("only these situations; default: all", many=True)
    compare: Literal["previous", "year"] = Field("previous", description="what changes are held against")
    to_backlog: bool = Field(False, description="note the test ideas in the backlog, each once")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per situation: found or not, what is seen, usual causes, what to test; or why it cannot be seen."""
    from assay.analyses.situations import SITUATIONS

    known = {one.code: one for one in SITUATIONS}
    for name in params.names:
        if name not in known:
            raise UnknownName("situation", name, known, "assay")
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("patterns", params, period)
    before = both_periods(period, params.compare)
    site = Site(asking, period, before if covered(asking, before) else None, asking.segment(params.segment))
    chosen = [known[name] for name in params.names] or list(SITUATIONS)
    rows: list[tuple[Cell, ...]] = []
    findings: list[Finding] = []
    ideas: list[Idea] = []
    for one in chosen:
        asking.progress("looking for situations", len(rows), len(chosen))
        state, cases = _looked(one, site)
        rows.append((one.code, one.title, state, *_said(one, cases, state)))
        findings += cases[:_CASES]
        ideas += [_idea(one, case) for case in cases[:1]]
    rows.sort(key=lambda row: {"found": 0, "not found": 1}.get(str(row[2]), 2))
    told, keep = noted(asking, ideas) if params.to_backlog else ("", ())
    return asking.answer(
        "patterns",
        params,
        columns=(
            Column("situation", detail=True), Column("title", label="situation"), Column("state"), Column("seen"),
            Column("causes", label="usual causes"), Column("idea", label="test"),
        ),
        rows=tuple(rows),
        findings=tuple(findings),
        ideas=tuple(ideas),
        definitions=(_definition(asking, chosen),),
        sentence=_sentence(rows, findings, str(period)),
        notes=(
            "each situation is told only beyond noise (1 in 250 by chance, over all its own looks)",
            *((told,) if told else ()),
        ),
        keep=keep,
        next=("assay opportunity", *(("assay patterns --to-backlog",) if ideas else ())),
        chart={"kind": "table"},
    )  # fmt: skip


def _looked(one: Situation, site: Site) -> tuple[str, list[Finding]]:
    try:
        cases = one.look(site)
    except NotSeen as error:
        return f"cannot be seen: {error}", []
    except Refused as error:
        return f"cannot be seen: {error}", []
    return ("found" if cases else "not found"), cases


def _said(one: Situation, cases: list[Finding], state: str) -> tuple[Cell, ...]:
    if state != "found":
        return None, None, None
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    return f"{cases[0].text}{more}", "; ".join(one.causes), one.idea


def _idea(one: Situation, case: Finding) -> Idea:
    from assay.query.sql import digest

    names = ("browser", "channel", "page", "campaign", "field", "coupon", "micro")
    where: dict[str, Any] = {name: case.evidence[name] for name in names if case.evidence.get(name) is not None}
    return Idea(digest("patterns", one.code, where), f"{one.idea} ({one.title.lower()})", "patterns", one.code, where)


def _definition(asking: Asking, chosen: list[Situation]) -> Definition:
    from assay.query.sql import digest

    text = "named situations, each by a rule of its own: " + ", ".join(one.code for one in chosen)
    return Definition(
        digest("patterns", [one.code for one in chosen]), "patterns", text, zone=asking.plan.site.timezone
    )


def _sentence(rows: list[tuple[Cell, ...]], findings: list[Finding], period: str) -> str:
    blind = sum(str(row[2]).startswith("cannot") for row in rows)
    looked = len(rows) - blind
    rest = f"; {blind} cannot be seen in these data" if blind else ""
    if not findings:
        return f"None of {looked} situations is there beyond noise{rest}, {period}."
    found = sum(row[2] == "found" for row in rows)
    head = "The situation is" if looked == 1 else f"{found} of {looked} situations {'is' if found == 1 else 'are'}"
    return f"{head} there: {findings[0].text}{rest}, {period}."


QUESTION = Question("patterns", "Named situations found in the data, with causes and a test idea.", Params, answer)
