"""The plan as frozen values. Made by ``load``; everything above reads these and never YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from assay.plan.collecting import Collect, Retention
from assay.plan.experiments import Experiment, Holdout
from assay.plan.measures import Expression, Quantity, Select
from assay.plan.reporting import Reporting
from assay.plan.webhooks import Webhook

EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Site:
    """``timezone`` is an IANA name, ``currency`` ISO 4217, ``week_start`` monday or sunday."""

    name: str = "Site"
    timezone: str = "UTC"
    currency: str = "USD"
    week_start: str = "monday"
    domains: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()  # countries (DE) or parts of them (DE-BY)


@dataclass(frozen=True)
class SessionRule:
    """Seconds. ``gap`` exclusive: a gap of exactly ``timeout`` continues; inclusive: it splits."""

    timeout: int = 1800
    gap: str = "exclusive"
    split_at_midnight: bool = False
    split_on_campaign: bool = False
    max: int | None = None
    own_ids: bool = True  # a source that brings its own session id keeps it


@dataclass(frozen=True)
class BounceRule:
    """``rule``: assay, ga4, plausible, posthog, matomo, ga360 or source; ``threshold`` in seconds."""

    rule: str = "assay"
    threshold: int | None = None


@dataclass(frozen=True)
class Rules:
    """Semantics by name."""

    session: SessionRule = SessionRule()
    bounce: BounceRule = BounceRule()
    channels: str = "assay"
    session_source: str = "last_non_direct"
    ignored_referrers: tuple[str, ...] = ()
    orders: str = "first"
    refunds: str = "order"
    abandonment: str = "visitor"
    funnel_entry: str = "latest"
    bots: str = "exclude"


@dataclass(frozen=True)
class PageCleaning:
    """How a path becomes a page: query dropped, then each (regex, replacement) in order."""

    strip_query: bool = True
    replace: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Property:
    """``type``: string, number, integer, boolean, timestamp, money or items; ``scope``: event, session, …"""

    name: str
    type: str = "string"
    scope: str = "event"


@dataclass(frozen=True)
class EventDef:
    """An event of the plan, own or GA4's."""

    name: str
    description: str = ""
    properties: Mapping[str, Property] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    interactive: bool = True
    builtin: bool = False


@dataclass(frozen=True)
class Share:
    """A cost of an order: a property of the order event, or a rate of its net revenue (0.35)."""

    property: str | None = None
    rate: Decimal | None = None


@dataclass(frozen=True)
class OrderRule:
    """What an order is, and what reduces its contribution. ``refund_window`` in seconds."""

    event: str = "purchase"
    refund_event: str = "refund"
    id: str = "order_id"
    amount: str = "revenue"
    sources: tuple[str, ...] = ()
    refund_window: int = 30 * 86_400
    cost: Share | None = None
    shipping: Share | None = None
    discount: Share | None = None
    fees: Share | None = None
    type: str | None = None


@dataclass(frozen=True)
class Goal:
    """A conversion: an event or a page. ``count``: once or every (per unit)."""

    name: str
    event: str | None = None
    page: tuple[str, ...] | None = None
    where: Expression | None = None
    kind: str = "micro"
    journey: str = "default"
    team: str | None = None
    value: Decimal | str | None = None
    count: str = "once"
    agreed_by: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Objective:
    """The outcome wanted, in words."""

    name: str
    goal: str = ""
    owner: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Metric:
    """Anything measurable. ``keys`` are the plan's own keys (normalised), ``quantity`` what the kernel compiles.

    ``words`` = (numerator, denominator) in plain words. ``within`` is seconds. ``uses`` names metrics of a derived one.
    """

    name: str
    type: str
    quantity: Quantity
    words: tuple[str, str]
    keys: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    stage: str | None = None
    direction: str = "up"
    format: str = "number"  # percent, money, number, duration
    uses: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True)
class Target:
    """``relative``: so much above the baseline (0.10 for +10 %); else ``value`` is in the metric's own unit."""

    value: float
    relative: bool
    by: date
    text: str


@dataclass(frozen=True)
class Kpi:
    """A metric tied to an objective. ``baseline`` is the first and last day it is measured against."""

    metric: str
    objective: str | None = None
    direction: str = "up"
    target: Target | None = None
    baseline: tuple[date, date] | None = None
    guardrail: bool = False


@dataclass(frozen=True)
class Segment:
    """A named condition over dimensions and declared properties."""

    name: str
    where: Expression
    id: str = ""


@dataclass(frozen=True)
class Cohort:
    """Units by what they did, or (``members``) a list of ids. Seconds for ``within``. ``per``: visitor or user."""

    name: str
    did: tuple[str, ...] = ()
    did_not: tuple[str, ...] = ()
    at_least: int = 1
    within: int | None = None
    sequence: tuple[str, ...] = ()
    where: Expression | None = None
    per: str = "visitor"
    members: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a funnel. ``event`` None = any event. ``page`` = globs."""

    label: str
    event: str | None = None
    page: tuple[str, ...] | None = None
    where: Expression | None = None
    optional: bool = False


@dataclass(frozen=True)
class Exclusion:
    """An event that must not stand between step ``after`` and step ``before`` (both count from 1)."""

    event: str
    after: int = 1
    before: int = 2
    effect: str = "leave"
    where: Expression | None = None


@dataclass(frozen=True)
class Funnel:
    """``window`` in seconds; None = the session. ``order``: ordered, strict, unordered, windowfunnel."""

    name: str
    steps: tuple[Step, ...]
    per: str = "visitor"
    window: int | None = 7 * 86_400
    order: str = "ordered"
    entry: str = "latest"
    exclusions: tuple[Exclusion, ...] = ()
    description: str = ""
    id: str = ""


@dataclass(frozen=True)
class ChannelRule:
    """An own channel rule; the first that holds wins, before the rule set's."""

    channel: str
    where: Expression


ChangeKind = Literal["deploy", "price", "campaign", "consent", "fix", "holiday"]


@dataclass(frozen=True)
class Change:
    """An entry of the change log."""

    date: date
    kind: str
    what: str
    link: str | None = None


@dataclass(frozen=True)
class Alert:
    """A rule of what is watched beyond the automatic: ``metric`` or ``funnel``, in all and by each value of ``by``.

    ``sensitivity``: expected false alarms per 30 days, of the whole rule. The rule named ``automatic`` has neither: it
    says how sensitive the automatic alerts are (0: off) and who is told.
    """

    name: str
    metric: str | None = None
    funnel: str | None = None
    by: tuple[str, ...] = ()
    sensitivity: float = 1.0
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Import:
    """A named mapping for ``assay import``: the importer's own options, checked when it is used."""

    name: str
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnTable:
    """A table of the site's own that events are read from. ``options``: those of the importer ``form``."""

    name: str
    files: tuple[str, ...]  # paths or globs, relative to the workspace
    form: str = "events"
    table: str | None = None  # in a database file
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One site's plan. ``files`` are the files it came from; ``id`` the hash of its whole meaning."""

    site: Site = Site()
    rules: Rules = Rules()
    pages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cleaning: PageCleaning = PageCleaning()
    events: Mapping[str, EventDef] = field(default_factory=dict)
    orders: OrderRule = OrderRule()
    goals: Mapping[str, Goal] = field(default_factory=dict)
    activity: Select | None = None  # what makes a unit active; None: any interactive event
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    cohorts: Mapping[str, Cohort] = field(default_factory=dict)
    funnels: Mapping[str, Funnel] = field(default_factory=dict)
    channels: tuple[ChannelRule, ...] = ()
    experiments: Mapping[str, Experiment] = field(default_factory=dict)
    holdout: Holdout | None = None
    changes: tuple[Change, ...] = ()
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    imports: Mapping[str, Import] = field(default_factory=dict)
    source: Mapping[str, OwnTable] = field(default_factory=dict)
    collect: Collect = field(default_factory=Collect)
    retention: Retention = field(default_factory=Retention)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    report: Reporting = field(default_factory=Reporting)
    files: tuple[str, ...] = ()
    id: str = ""
    columns: Mapping[str, str] | None = None  # typed columns of the store, where they are another plan's

    def properties(self) -> dict[str, Property]:
        """Every declared property by name, over all events (events agree on a name's type; ``load`` checks it)."""
        return {p.name: p for event in self.events.values() for p in event.properties.values()}
