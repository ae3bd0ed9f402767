"""The plan's keys as pydantic models: the one place where a section's keys and their kinds are written down.

``load`` checks with them, ``schema`` prints them. They hold what one entry can say by itself; names that refer to other
entries are resolved in ``build``.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from assay.plan import literals
from assay.plan.values import ChangeKind, Share, Target


class Form(BaseModel):
    """Keys of one mapping; unknown keys are mistakes, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


def shorthand(key: str, both: Any) -> BeforeValidator:
    """A single word stands for a mapping with that word under ``key``; ``both`` is the type that YAML may hold."""

    def widen(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(widen, json_schema_input_type=both)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


def _positive_or_property(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{literals.show(value)} is neither a number nor a property's name")
    return value


def _no_word(value: Any) -> Any:
    return None if value == "nothing" else value


_PATTERN = r"^[0-9]+\s*[smhdw]$"
DurationText = Annotated[str, StringConstraints(pattern=_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1)]
Texts = Annotated[list[Text], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Duration = Annotated[int, BeforeValidator(literals.duration, json_schema_input_type=DurationText)]
DurationOrNone = Annotated[
    int | None,
    BeforeValidator(literals.duration_or_none, json_schema_input_type=DurationText | Literal["none"] | None),
]
Day = Annotated[date, BeforeValidator(literals.day, json_schema_input_type=str)]
ShareOrRate = Annotated[Share, BeforeValidator(literals.share, json_schema_input_type=str | float)]
TargetText = Annotated[Target, BeforeValidator(literals.target, json_schema_input_type=str)]
Baseline = Annotated[tuple[date, date], BeforeValidator(literals.baseline, json_schema_input_type=str | int)]
Per = Annotated[
    Literal["visitor", "user", "session", "order", "account"] | None,
    BeforeValidator(
        _no_word, json_schema_input_type=Literal["visitor", "user", "session", "order", "account", "nothing"] | None
    ),
]
Direction = Literal["up", "down"]
BounceRuleName = Literal["assay", "ga4", "plausible", "posthog", "matomo", "ga360", "source"]
SensitivityName = Literal["off", "low", "medium", "high"]
PropertyType = Literal["string", "number", "integer", "boolean", "timestamp", "money", "items"]


class SiteForm(Form):
    """The site or client."""

    name: Text = "Site"
    timezone: Text = "UTC"
    currency: Text = "USD"
    week_start: Literal["monday", "sunday"] = "monday"
    domains: Texts = []
    holidays: Annotated[Texts, Field(description="countries whose public holidays are marked: DE, DE-BY")] = []


class SessionForm(Form):
    """When a session ends."""

    timeout: Duration = 1800
    gap: Literal["exclusive", "inclusive"] = "exclusive"
    split_at_midnight: bool = False
    split_on_campaign: bool = False
    max: DurationOrNone = None
    own_ids: bool = True


class BounceForm(Form):
    """Which sessions are bounces."""

    rule: BounceRuleName = "assay"
    threshold: Duration | None = None


class RulesForm(Form):
    """Semantics by name."""

    session: SessionForm = SessionForm()
    bounce: Annotated[BounceForm, shorthand("rule", BounceRuleName | BounceForm)] = BounceForm()
    channels: Literal["assay", "ga4", "plausible", "posthog"] = "assay"
    session_source: Literal["last_non_direct", "own"] = "last_non_direct"
    ignored_referrers: Texts = []
    orders: Literal["first", "last"] = "first"
    refunds: Literal["order", "booked"] = "order"
    abandonment: Literal["visitor", "session", "matomo"] = "visitor"
    funnel_entry: Literal["latest", "first"] = "latest"
    bots: Literal["exclude", "include"] = "exclude"


class ReplaceForm(Form):
    """One replacement in a page's path."""

    regex: Annotated[Text, AfterValidator(_regex)]
    with_: str = Field("", alias="with")


class CleaningForm(Form):
    """How a path becomes a page."""

    strip_query: bool = True
    replace: list[ReplaceForm] = []


class PropertyForm(Form):
    """A property's type and scope."""

    type: PropertyType = "string"
    scope: Literal["event", "session", "visitor", "user", "order"] | None = None


class EventForm(Form):
    """An own event, or own properties of a built-in one."""

    description: str = ""
    properties: dict[str, Annotated[PropertyForm, shorthand("type", PropertyType | PropertyForm)]] = {}
    required: Texts = []
    interactive: bool | None = None


class OrdersForm(Form):
    """What an order is and what it costs."""

    event: Text = "purchase"
    refund_event: Text = "refund"
    id: Text = "order_id"
    amount: Text = "revenue"
    sources: Texts = []
    refund_window: Duration = 30 * 86_400
    cost: ShareOrRate | None = None
    shipping: ShareOrRate | None = None
    discount: ShareOrRate | None = None
    fees: ShareOrRate | None = None
    type: Text | None = None


class GoalForm(Form):
    """A conversion."""

    event: Text | None = None
    page: Texts | None = None
    where: Text | None = None
    kind: Literal["macro", "micro"] = "micro"
    journey: Text = "default"
    team: Text | None = None
    value: Annotated[Any, BeforeValidator(_positive_or_property, json_schema_input_type=str | float)] = None
    count: Literal["once", "every"] = "once"
    agreed_by: Texts = []
    description: str = ""


class ActivityForm(Form):
    """Who is active: what lifecycle, retention and feature usage take for activity."""

    event: Texts = []
    goal: Text | None = None
    where: Text | None = None


class ObjectiveForm(Form):
    """The outcome wanted, in words."""

    goal: str = ""
    owner: Text | None = None
    until: Day | None = None


class MetricForm(Form):
    """Keys that every metric type takes; each type's file in ``kpis`` adds its own."""

    type: Text
    description: str = ""
    stage: Literal["acquire", "engage", "convert", "retain"] | None = None
    direction: Direction | None = None
    format: Literal["percent", "money", "number", "duration"] | None = None
    cap: Annotated[float, Field(gt=0, lt=1e18)] | None = None


class KpiForm(Form):
    """A metric tied to an objective."""

    objective: Text | None = None
    direction: Direction | None = None
    target: TargetText | None = None
    baseline: Baseline | None = None
    guardrail: bool = False


class CohortForm(Form):
    """Units by what they did."""

    did: Texts = []
    did_not: Texts = []
    at_least: Annotated[int, Field(ge=1, lt=10**9)] = 1
    within: Duration | None = None
    sequence: Texts = []
    where: Text | None = None
    per: Literal["visitor", "user", "account"] = "visitor"
    members: Annotated[Text | None, Field(description="a CSV file of ids beside the plan, one a line")] = None


class StepForm(Form):
    """One step of a funnel."""

    event: Text | None = None
    where: Text | None = None
    page: Texts | None = None
    optional: bool = False
    label: Text | None = None


class ExclusionForm(Form):
    """An event that must not stand between two steps."""

    event: Text
    after: Annotated[int, Field(ge=1, lt=10**6)] = 1
    before: Annotated[int, Field(ge=2, lt=10**6)] = 2
    effect: Literal["leave", "clear"] | None = None
    where: Text | None = None


def _window(value: Any) -> Any:
    return value if value is None or value == "session" else literals.duration(value)


class FunnelForm(Form):
    """Steps in a window."""

    steps: Annotated[list[Annotated[StepForm, shorthand("event", str | StepForm)]], Field(min_length=1)]
    per: Literal["visitor", "user", "session", "account"] = "visitor"
    window: Annotated[
        int | Literal["session"] | None,
        BeforeValidator(_window, json_schema_input_type=DurationText | Literal["session"]),
    ] = None
    order: Literal["ordered", "strict", "unordered", "windowfunnel"] = "ordered"
    entry: Literal["latest", "first"] | None = None
    exclusions: list[Annotated[ExclusionForm, shorthand("event", str | ExclusionForm)]] = []
    description: str = ""


class ChannelForm(Form):
    """An own channel rule."""

    channel: Text
    where: Text


class ChangeForm(Form):
    """An entry of the change log."""

    date: Day
    kind: ChangeKind
    what: Text
    link: Text | None = None


class AlertForm(Form):
    """Which number is watched, and who is told."""

    metric: Text | None = None
    funnel: Text | None = None
    by: Texts = []
    sensitivity: Annotated[
        float, BeforeValidator(literals.sensitivity, json_schema_input_type=SensitivityName | float)
    ] = literals.SENSITIVITIES["medium"]
    to: Texts = []


Matches = dict[str, Texts]  # field or property → glob or globs


class ConsentForm(Form):
    """Which signals keep an event out, and what holds where an event says nothing."""

    honour: list[Literal["gpc", "dnt", "denied", "unknown"]] = ["gpc", "dnt", "denied"]
    default: Literal["granted", "denied", "unknown"] | None = None


class InternalForm(Form):
    """The team's own visits."""

    addresses: Annotated[Texts, Field(description="networks such as 203.0.113.0/24")] = []
    where: Annotated[Matches, Field(description="field or property → glob or globs")] = {}


class CollectForm(Form):
    """How events are taken in."""

    mode: Literal["observe", "strict"] = "observe"
    consent: ConsentForm = ConsentForm()
    internal: InternalForm = InternalForm()
    test_orders: Annotated[Matches, Field(description="field or property of an order → glob or globs")] = {}
    block: Annotated[Texts, Field(description="properties that are never stored")] = []
    scrub: Annotated[bool, Field(description="e-mail addresses and telephone numbers are replaced by a mark")] = True
    countries: Annotated[Text | None, Field(description="a .mmdb file, relative to the workspace")] = None


class RetentionForm(Form):
    """How long events are kept."""

    default: DurationOrNone = None
    events: dict[str, DurationOrNone] = {}
