"""Tests of variants as frozen values: what was agreed before one starts. Made by ``load`` with every name resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assay.plan.measures import PLURALS, Expression, Quantity, Select

EXPOSURE_EVENT = "experiment_viewed"
DAY = 86_400
# What a visit comes to is known after its variant was seen, which may have changed it.
AFTERWARDS = frozenset({"exit_page", "is_bounce", "duration", "page_views"})
_OF_PERIODS = frozenset({"subscription", "lapse", "spell", "entry"})


@dataclass(frozen=True)
class Change:
    """A size of change, never below 0. ``relative``: 0.03 is 3 % of the control's value. ``points``: 0.005 is half a
    percentage point of a share. ``absolute``: in the metric's own unit.
    """

    value: float
    scale: str = "relative"

    def words(self) -> str:
        """As the plan writes it."""
        factor, unit = {"relative": (100, "%"), "points": (100, "pp"), "absolute": (1, "")}[self.scale]
        return f"{self.value * factor:.12g}{unit}"


@dataclass(frozen=True)
class Variant:
    """An arm. ``weight`` counts against the sum of all; 0 takes in nobody."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Exposure:
    """The event that says that a unit saw a variant, and the properties that name the experiment and the variant.

    ``value`` is the experiment's name as it is sent. ``trigger``: only units that do this at or after their exposure
    are analysed, from that moment.
    """

    event: str = EXPOSURE_EVENT
    name_property: str = "experiment_id"
    variant_property: str = "variant"
    value: str = ""
    trigger: Select | None = None
    where: Expression | None = None


@dataclass(frozen=True)
class Primary:
    """The metric that decides. ``mde``: the smallest effect worth finding. ``direction``: up or down is better."""

    metric: str = ""
    mde: Change | None = None
    direction: str = "up"


@dataclass(frozen=True)
class Guardrail:
    """A metric that must be shown not to be worse by more than ``margin``."""

    metric: str
    margin: Change
    direction: str = "up"


@dataclass(frozen=True)
class Cap:
    """One unit's number counts up to ``value``; ``quantile``: up to that quantile (0.999), to be fixed at the lock."""

    value: float
    quantile: bool = False


@dataclass(frozen=True)
class Cuped:
    """The covariate: ``metric`` (None: the metric judged) in the ``seconds`` before the unit's first exposure.

    ``property``: instead, a number that the first exposure itself carries, known from before it.
    """

    seconds: int = 28 * DAY
    metric: str | None = None
    property: str | None = None


@dataclass(frozen=True)
class Looks:
    """When it may be judged. ``kind``: fixed (once, at the end), always_valid (any time) or group_sequential.

    Of group_sequential: ``count`` looks, with their ``dates`` where they are planned by day, and how alpha is spent
    (``spending``: obrien_fleming or power). Else 0, () and None.
    """

    kind: str = "always_valid"
    dates: tuple[date, ...] = ()
    count: int = 0
    spending: str | None = None


@dataclass(frozen=True)
class Value:
    """What an effect is worth, in the site's currency.

    ``per_conversion``: money per unit of the primary metric, where that is not money itself. ``margin``: the share of
    revenue that is contribution (0.35). ``eligible``: the share of traffic that the change reaches. ``decay``: the part
    of the effect that is lost per year. ``ramp``: seconds until everybody has it.
    """

    per_conversion: float | None = None
    margin: float | None = None
    eligible: float = 1.0
    decay: float = 0.0
    ramp: int = 0


@dataclass(frozen=True)
class Experiment:
    """One test, complete. Fractions lie between 0 and 1; times are seconds; metrics are names of the plan.

    ``audience`` is held at the exposure's visit; ``audience_name`` is its segment's name, where it has one.
    ``window`` 0: outcomes stand on the exposure itself.
    ``direction`` of the primary and of guardrails is resolved: the block's, else the KPI's, else the metric's.
    """

    name: str
    hypothesis: str = ""
    objective: str | None = None
    owner: str | None = None
    unit: str = "visitor"
    audience: Expression | None = None
    audience_name: str | None = None
    variants: tuple[Variant, ...] = (Variant("control", 50.0), Variant("treatment", 50.0))
    control: str = "control"
    traffic: float = 1.0
    layer: str | None = None
    salt: str = ""
    exposure: Exposure = Exposure()
    assignments: str = "events"
    start: date | None = None
    end: date | None = None
    window: int = 7 * DAY
    attribution: str = "window"
    primary: Primary = Primary()
    diagnostics: tuple[str, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    caps: tuple[tuple[str, Cap], ...] = ()
    cuped: Cuped | None = None
    strata: str | None = None
    looks: Looks = Looks()
    alpha: float = 0.05
    power: float = 0.8
    correction: str = "holm"
    multi_arm: str = "drop"
    decision: str = "do_no_harm"
    margin: Change | None = None
    value: Value = Value()
    follow_up: tuple[int, ...] = ()
    follow_up_metrics: tuple[str, ...] = ()
    cost: float | None = None
    notes: str = ""

    @property
    def who(self) -> str:
        """What its units are, in the plural: visitors, users, sessions."""
        return PLURALS.get(self.unit, f"{self.unit}s")

    @property
    def treatments(self) -> tuple[str, ...]:
        """The arms that are not the control."""
        return tuple(one.name for one in self.variants if one.name != self.control)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is judged: primary, diagnostics, guardrails, each once."""
        return tuple(dict.fromkeys((self.primary.metric, *self.diagnostics, *(g.metric for g in self.guardrails))))

    @property
    def weights(self) -> dict[str, float]:
        """Arm → its share of the units taken in; they sum to 1."""
        total = 0.0
        for one in self.variants:  # not sum(): its rounding differs between versions of Python
            total += one.weight
        return {one.name: one.weight / total for one in self.variants}


@dataclass(frozen=True)
class Holdout:
    """The share of units that no test takes in, by a bucket of its own."""

    share: float
    salt: str = "holdout"


def cannot_judge(quantity: Quantity) -> str | None:
    """Why a metric has no number per exposed unit that variants could be compared by; None where it has."""
    if quantity.kind == "derived":
        return "it is arithmetic over other metrics and has no number per unit; use those, or a ratio"
    if quantity.kind == "total":
        return "it is a plain total, which grows with the arm; write it per: visitor, user or account"
    selects = quantity.selects()
    if any(one.of == "cost" for one in selects):
        return "ad costs belong to no unit of a test"
    measures = [one for one in (quantity.numerator, quantity.denominator) if one]
    periods = any(one.made and one.made.kind in _OF_PERIODS for one in selects)
    if periods or any(one.op == "unit_days" for one in measures):
        return "it is counted over a whole period, not from a unit's exposure on; use a conversion with within"
    return None


def looks_ahead(quantity: Quantity) -> int:
    """Seconds that a metric waits for outcomes after a start of its own; 0 where it does not."""
    return quantity.within or 0
