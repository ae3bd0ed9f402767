"""Worlds of experiments told line by line, and the numbers of their units read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.plan.experiments import Experiment
from assay.query.experiments import UnitTable, unit_table
from assay.workspace import Workspace
from support import Event, at, event

ZONE = "Europe/Berlin"
YEAR = "2024-"
HOUR, DAY = 3_600_000_000, 86_400_000_000


def moment(day: str, time: str) -> int:
    """``03-04``, ``10:00[:00[.000000]]`` in the site's zone → microseconds UTC."""
    return at(f"{YEAR}{day} {time}", ZONE)


def told(name: str, text: str) -> list[Event]:
    """Events of the experiment ``name``, one a line: ``WHO DAY TIME VERB …``.

    ``sees VARIANT``, ``buys ORDER AMOUNT``, ``views PATH``; any other verb is an event's name. ``- DAY TIME refund ORDER
    AMOUNT`` is nobody's. ``key=value`` sets a field, ``.key=value`` a property. Visitors and orders carry the name.
    """
    events: list[Event] = []
    for n, line in enumerate(one for one in text.splitlines() if one.strip()):
        who, day, time, verb, *rest = line.split()
        words = [word for word in rest if "=" not in word]
        pairs = [word.split("=", 1) for word in rest if "=" in word]
        fields: dict[str, Any] = {k: _value(v) for k, v in pairs if not k.startswith(".")}
        props: dict[str, Any] = {k[1:]: _value(v) for k, v in pairs if k.startswith(".")}
        if verb == "sees":
            verb, props = (
                "experiment_viewed",
                {"experiment_id": name, **({"variant": words[0]} if words else {}), **props},
            )
        elif verb in ("buys", "refund"):
            verb = {"buys": "purchase"}.get(verb, verb)
            fields |= {"order_id": f"{name}-{words[0]}"} | ({"amount": words[1]} if len(words) > 1 else {})
            fields |= {"interactive": False} if verb == "refund" else {}
        elif verb == "views":
            verb, fields = "page_view", fields | {"path": words[0]}
        given = {**fields, **({"props": props} if props else {})}
        one = event(None if who == "-" else f"{name}-{who}", verb, moment(day, time), **{"id": f"{name}-{n}", **given})
        events.append(one)
    return events


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text


def experiment(ws: Workspace, name: str) -> Experiment:
    return ws.plan.experiments[name]


def read(
    ws: Workspace, name: str, metrics: Sequence[str], start: str = "03-01 00:00", end: str = "05-01 00:00", **given: Any
) -> UnitTable:
    """The unit table of an experiment; covariates by metric, as names."""
    covariates = {k: ws.plan.metrics[v] for k, v in given.pop("covariates", {}).items()}
    first, last = (moment(*text.split()) for text in (start, end))
    chosen = [ws.plan.metrics[m] for m in metrics]
    return unit_table(
        ws.plan, experiment(ws, name), chosen, ws.engine.run, start=first, end=last, covariates=covariates, **given
    )


def sums(table: UnitTable, metric: str) -> Mapping[Any, tuple[Any, ...]]:
    """Arm (with a ``+`` where the units saw several) → units and the sum of every variable."""
    found: dict[str, tuple[Any, ...]] = {}
    for key, (units, moments, _) in sorted(table.rows.items(), key=lambda row: str(row[0])):
        label = key.variant + "+" * key.several
        place = [m.name for m in table.metrics].index(metric)
        before = found.get(label, (0,) * (len(moments[place].sums) + 1))
        found[label] = tuple(a + b for a, b in zip(before, (units, *moments[place].sums), strict=True))
    return found


def arm(
    name: str, variant: str, many: int, wins: int, *, first: str = "03-04", days: int = 14, amount: str = "50.00",
    before: int = 0, **told_of: Any,
) -> list[Event]:  # fmt: skip
    """``many`` units that see ``variant``, as many on every day; the first ``wins`` in an order without pattern buy.

    ``before``: so many also bought (for 20.00) a week before, half of them of those that buy.
    """
    events: list[Event] = []
    start = moment(first, "10:00")
    for n in range(many):
        who, t = f"{name}-{variant}{n}", start + (n % days) * DAY + n // days * 60_000_000
        props = {"experiment_id": name, "variant": variant}
        place = (n * 7919) % many  # a prime that no ``many`` here is a multiple of
        events.append(event(who, "experiment_viewed", t, id=f"{who}-x", props=props, **told_of))
        if place < wins:
            events.append(event(who, "purchase", t + HOUR, order_id=who, amount=amount, id=f"{who}-o", **told_of))
        if wins - before // 2 <= place < wins - before // 2 + before:
            given = {"order_id": f"{who}-b", "amount": "20.00", "id": f"{who}-b"}
            events.append(event(who, "purchase", t - 7 * DAY, **given, **told_of))
    return events
