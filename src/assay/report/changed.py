"""What changed and why: what is beyond noise with its causes, the noise in one grey line, what is known."""

from __future__ import annotations

import json
from collections.abc import Iterator

from assay.report.document import BAD, GOOD, NOISE, Items, Said
from assay.report.standing import BETTER, WITHIN, WORSE, Kpi
from assay.report.view import View, headed, human

_CHANGES = 5


def changed(kpis: list[Kpi], found: dict[str, View]) -> Items:
    """The list of the first page."""
    return Items((*_moved(kpis, found), *_broken(kpis, found), *_noise(kpis), *_known(found)))


def _moved(kpis: list[Kpi], found: dict[str, View]) -> Iterator[Said]:
    for one in kpis:
        if one.moved in (BETTER, WORSE):
            why = found.get(f"why:{one.name}")
            tone = GOOD if one.moved == BETTER else BAD
            if why is not None and why.answer.sentence:
                said = why.sentence(tone)
                yield Said(headed(said.text), said.source, tone)
            else:
                change = one.change()
                yield Said(f"{one.title}: {change.text}, beyond ordinary noise.", change.source, tone)


def _broken(kpis: list[Kpi], found: dict[str, View]) -> Iterator[Said]:
    """Tracking that broke, once each, with every KPI that it touched."""
    broken: dict[str, tuple[Said, list[str]]] = {}
    for one in kpis:
        why = found.get(f"why:{one.name}")
        if why is None:
            continue
        for n, said in why.findings("tracking_moved"):
            evidence = {k: v for k, v in why.answer.findings[n].evidence.items() if k != "metric"}
            broken.setdefault(json.dumps(evidence, sort_keys=True, default=str), (said, []))[1].append(human(one.name))
    for said, names in broken.values():
        also = f" {headed(_listed(names[1:]))} {'is' if len(names) == 2 else 'are'} touched too." if names[1:] else ""
        yield Said(f"{said.text}{also}", said.source, BAD, "A fault of the measuring, not of the business.")


def _noise(kpis: list[Kpi]) -> Iterator[Said]:
    within = [one for one in kpis if one.moved == WITHIN]
    if within:
        said = "; ".join(f"{human(one.name)} {one.change().text}" for one in within)
        sources = tuple(source for one in within for source in one.change().source)
        yield Said(f"Within ordinary noise, nothing to explain: {said}.", sources, NOISE)


def _known(found: dict[str, View]) -> Iterator[Said]:
    changes = found.get("changes")
    if changes is None or not changes.answer.rows:
        return
    rows = list(changes.rows)
    shown = "; ".join(f"{changes.cell(row, 'date').text} {changes.cell(row, 'what').text}" for row in rows[:_CHANGES])
    more = f"; {len(rows) - _CHANGES} more" if len(rows) > _CHANGES else ""
    yield Said(
        f"What was done in these days: {shown}{more}.", tuple(changes.at(row, "what") for row in rows[:_CHANGES])
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
