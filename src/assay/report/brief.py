"""What a report is about: its title, its names, its days. Plain values, so that its sealed file holds them too."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import UnknownName, UsageError
from assay.report.view import GENERIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.plan.values import Plan

_PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
_LARGEST = 500_000  # bytes of a logo: a report is forwarded by mail


@dataclass(frozen=True)
class Brief:
    """``names``: names of the plan that are said as words. ``kpis``: name, its objective in words, direction, whether
    it is a guardrail. ``first`` and ``last``: the days asked for; ``begin``: of the data.
    """

    title: str
    client: str
    site: str
    currency: str
    zone: str
    week_start: str
    plan: str
    version: str
    names: tuple[str, ...]
    kpis: tuple[tuple[str, str, str, bool], ...]
    funnels: tuple[str, ...]
    experiment: str | None = None
    first: str | None = None
    last: str | None = None
    logo: str = ""
    data: str = ""
    begin: str | None = None

    @property
    def span(self) -> dict[str, str]:
        """The days as parameters of a question."""
        found = {"from": self.first, "to": self.last}
        return {name: value for name, value in found.items() if value}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Brief:
        """Read back from JSON."""
        kpis = tuple((name, goal, direction, guardrail) for name, goal, direction, guardrail in values["kpis"])
        lists = {key: tuple(values[key]) for key in ("names", "funnels")}
        return cls(**{**values, **lists, "kpis": kpis})

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        found = asdict(self)
        return found | {"names": list(self.names), "funnels": list(self.funnels), "kpis": [list(k) for k in self.kpis]}


def brief(
    plan: Plan, folder: Path, first: date | None = None, last: date | None = None, experiment: str | None = None,
    data: str = "", version: str = "", begin: date | None = None,
) -> Brief:  # fmt: skip
    """What the plan says of its report. Raises UnknownName for an experiment that it does not have."""
    if experiment is not None and experiment not in plan.experiments:
        raise UnknownName("experiment", experiment, plan.experiments)
    chosen = plan.report
    kpis = sorted(plan.kpis.values(), key=lambda one: one.guardrail)
    return Brief(
        chosen.title or f"{plan.site.name}: how it is going",
        chosen.client,
        plan.site.name,
        plan.site.currency,
        plan.site.timezone,
        plan.site.week_start,
        plan.id,
        version,
        spoken(plan),
        tuple((one.metric, _goal(plan, one.objective), one.direction, one.guardrail) for one in kpis),
        tuple(plan.funnels),
        experiment,
        str(first) if first else None,
        str(last) if last else None,
        logo(folder, chosen.logo),
        data,
        str(begin) if begin else None,
    )


def spoken(plan: Plan) -> tuple[str, ...]:
    """Names of the plan that are said as words: those that no sentence would have by itself."""
    names = {*plan.metrics, *plan.experiments, *plan.events, *plan.funnels, *plan.goals, *_variants(plan)}
    said = {one for one in names if "_" in one or (len(one) <= 4 and one in plan.metrics)}
    return tuple(sorted(said | {one for one in GENERIC if one in _variants(plan) and not _named_else(one, plan)}))


def _named_else(name: str, plan: Plan) -> bool:
    """A variant's name that something else of the plan has too."""
    return any(name in of for of in (plan.metrics, plan.experiments, plan.events, plan.funnels, plan.goals))


def _variants(plan: Plan) -> set[str]:
    return {variant.name for one in plan.experiments.values() for variant in one.variants}


def _goal(plan: Plan, objective: str | None) -> str:
    found = plan.objectives.get(objective or "")
    return found.goal if found else ""


def logo(folder: Path, name: str | None) -> str:
    """A picture beside the plan as a data: address."""
    if not name:
        return ""
    path = folder / name
    kind = _PICTURES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"report: logo: {name} is neither .png nor .svg")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"report: logo: {name} lies outside of the workspace")
    if not path.is_file():
        raise UsageError(f"report: logo: there is no file {name} in the workspace")
    content = path.read_bytes()
    if len(content) > _LARGEST:
        raise UsageError(f"report: logo: {name} is larger than {_LARGEST // 1000} kB")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
