"""Ready metrics and first plans. One more metric is an entry in a file under ``kpis``, which is named by its stage.

A template holds metrics as a plan writes them, the events, goals and segments that they need, and words: what it is
(``about``), its edge cases (``note``), which row of the KPI table it answers (``row``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from assay.model.errors import UnknownName
from assay.model.event import STANDARD_EVENTS
from assay.plan.report import Report
from assay.plan.tree import plain, read

STAGES = ("acquire", "engage", "convert", "retain")
STARTERS = {
    "shop": "A first plan for a shop",
    "saas": "A first plan for software by subscription",
    "leads": "A first plan for a site that brings leads",
}
_FOLDER = Path(__file__).parent
_READ = {  # what types read that do not name it
    "repeat_purchase": ("orders (purchase)",),
    "order_gap": ("orders (purchase)",),
    "attach_rate": ("orders (purchase)", "their items"),
    "exit_rate": ("page_view",),
    "time_on_page": ("page_view", "user_engagement (engagement_time_msec), if there are beats"),
    "scroll_depth": ("page_view", "scroll (percent_scrolled)"),
}
_MONEY = ("revenue.", "order.", "contribution", "gross_margin")


@dataclass(frozen=True)
class Template:
    """``metrics``, ``events``, ``goals`` and ``segments`` are entries as YAML has them; ``needs``: keys of the plan."""

    name: str
    stage: str
    about: str
    row: str = ""
    note: str = ""
    needs: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    events: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, Any] = field(default_factory=dict)
    segments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def main(self) -> str:
        """The metric that the template is named after, else its first."""
        return self.name if self.name in self.metrics else next(iter(self.metrics))

    def arriving(self) -> tuple[str, ...]:
        """What must be in the data: events with their declared properties, orders, ad costs."""
        found: dict[str, None] = {}
        for metric in self.metrics.values():
            found |= dict.fromkeys(_READ.get(metric["type"], ()))
        for text in _texts([*self.metrics.values(), *self.goals.values()]):
            head = text.split(".")[0]
            if text.startswith(_MONEY) or text in ("order", "customer"):
                found["orders (purchase)"] = None
            elif head == "cost":
                found["ad costs (assay import costs)"] = None
            elif head in self.events or head in STANDARD_EVENTS:
                found[self._event(head)] = None
        for name in self.events:
            found[self._event(name)] = None
        return tuple(found)

    def _event(self, name: str) -> str:
        if name == "purchase":
            return "orders (purchase)"
        properties = (self.events.get(name) or {}).get("properties", {})
        return f"{name} ({', '.join(properties)})" if properties else name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)


@cache
def templates() -> Mapping[str, Template]:
    """Every template by name, in the order of the journey."""
    found: dict[str, Template] = {}
    for stage in STAGES:
        for name, entry in _values(_FOLDER / "kpis" / f"{stage}.yaml").items():
            assert name not in found, f"two templates are called {name}"
            entry["needs"] = tuple(entry.get("needs", ()))
            found[name] = Template(name, stage, **{"row": name.replace("_", " "), **entry})
    return found


def template(name: str) -> Template:
    """A template by name. Raises UnknownName with a suggestion."""
    known = templates()
    if name not in known:
        raise UnknownName("template", name, known, "assay")
    return known[name]


def starter(name: str) -> str:
    """The text of a first plan, with places for name, zone and currency. Raises UnknownName with a suggestion."""
    if name not in STARTERS:
        raise UnknownName("template", name, STARTERS, "assay init")
    return (_FOLDER / "plans" / f"{name}.yaml").read_text(encoding="utf-8")


def _values(path: Path) -> dict[str, Any]:
    report = Report()
    node = read(path.read_text(encoding="utf-8"), str(path), report)
    report.raise_if_any()
    return dict(plain(node)) if node else {}
