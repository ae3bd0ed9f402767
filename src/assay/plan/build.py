"""The sections that say what was tracked and what it means: site, rules, pages, events, orders, goals."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from assay.model.errors import suggestion
from assay.model.event import STANDARD_EVENTS
from assay.plan import values
from assay.plan.currencies import CURRENCIES
from assay.plan.dimensions import DIMENSIONS
from assay.plan.draft import Draft, Place, goal_rows
from assay.plan.expressions import KINDS, both
from assay.plan.forms import (
    ActivityForm,
    CleaningForm,
    EventForm,
    GoalForm,
    OrdersForm,
    RulesForm,
    SessionForm,
    SiteForm,
)
from assay.plan.measures import Select
from assay.plan.tree import kind
from assay.plan.validate import check

# What is no action of a visitor: money coming back, a stage in a CRM, a beat.
_NOT_INTERACTIVE = frozenset(
    {
        "refund",
        "user_engagement",
        "identify",
        "alias",
        "group",
        "page_leave",
        "web_vitals",
        "qualify_lead",
        "disqualify_lead",
        "working_lead",
        "close_convert_lead",
        "close_unconvert_lead",
    }
)
_THRESHOLDS = {"ga4": 10, "posthog": 10}
_MONEY = ("number", "integer", "money")


def site(draft: Draft) -> None:
    """Zone and currency are checked against the lists of IANA and ISO 4217."""
    form = check(SiteForm, draft.raw.get("site"), ("site",), draft.report)
    if form is None:
        return
    place = Place(draft, ("site",))
    if not _is_zone(form.timezone):
        hint = suggestion(form.timezone, available_timezones())
        place.problem(f"there is no time zone {form.timezone!r}{hint}", "timezone", code="unknown_zone")
        return
    if form.currency not in CURRENCIES:
        hint = suggestion(form.currency.upper(), CURRENCIES)
        place.problem(f"there is no currency {form.currency!r} in ISO 4217{hint}", "currency", code="unknown_currency")
        return
    if form.holidays and not _calendars(form.holidays, place):
        return
    domains, holidays = tuple(form.domains), tuple(form.holidays)
    draft.set(site=values.Site(form.name, form.timezone, form.currency, form.week_start, domains, holidays))


def _calendars(codes: list[str], place: Place) -> bool:
    """True where every country has a calendar; the mistakes are told."""
    from assay.plan.holidays import problem

    wrong = [text for text in map(problem, codes) if text is not None]
    for text in wrong:
        place.problem(text, "holidays", code="unknown_country")
    return not wrong


def _is_zone(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name and not name.startswith(("posix", "right", "localtime", "Factory"))
    except (ValueError, OSError, KeyError):
        return False


def rules(draft: Draft) -> None:
    """Semantics by name."""
    form = check(RulesForm, draft.raw.get("rules"), ("rules",), draft.report)
    if form is None:
        return
    bounce = form.bounce
    if bounce.threshold is not None and bounce.rule not in _THRESHOLDS:
        text = f"the bounce rule {bounce.rule} has no threshold; only {' and '.join(_THRESHOLDS)} have one"
        draft.report.add(("rules", "bounce", "threshold"), text, "choose_one")
    if bounce.rule == "ga4" and bounce.threshold is not None and not 10 <= bounce.threshold <= 60:
        draft.report.add(("rules", "bounce", "threshold"), "GA4's threshold lies between 10s and 60s", "value")
    session = {name: getattr(form.session, name) for name in SessionForm.model_fields}
    plain = {
        name: getattr(form, name)
        for name in RulesForm.model_fields
        if name not in ("session", "bounce", "ignored_referrers")
    }
    threshold = bounce.threshold if bounce.threshold is not None else _THRESHOLDS.get(bounce.rule)
    draft.set(
        rules=values.Rules(
            session=values.SessionRule(**session),
            bounce=values.BounceRule(bounce.rule, threshold),
            ignored_referrers=tuple(form.ignored_referrers),
            **plain,
        )
    )


def pages(draft: Draft) -> None:
    """Group → globs; ``_clean`` is no group."""
    groups: dict[str, tuple[str, ...]] = {}
    for name, value in draft.entries("pages").items():
        if name == "_clean":
            form = check(CleaningForm, value, ("pages", name), draft.report)
            if form is not None:
                replace = tuple((one.regex, one.with_) for one in form.replace)
                draft.set(cleaning=values.PageCleaning(form.strip_query, replace))
            continue
        globs = value if isinstance(value, list) else [value]
        if globs and all(isinstance(glob, str) and glob for glob in globs):
            groups[name] = tuple(globs)
        else:
            text = f"pages.{name} must be a glob such as /p/* or a list of globs, not {kind(value)}"
            draft.report.add(("pages", name), text, "value")
    draft.set(pages=groups)


def events(draft: Draft) -> None:
    """Built-in events and own ones; a name means one type in all of them."""
    orders = check(OrdersForm, draft.raw.get("orders"), ("orders",), draft.report) or OrdersForm()
    builtin = dict(STANDARD_EVENTS)
    for like, name in (("purchase", orders.event), ("refund", orders.refund_event)):
        builtin[name] = {**builtin[like], **builtin.get(name, {})}
    made = {
        name: values.EventDef(
            name,
            properties={key: values.Property(key, type_) for key, type_ in properties.items()},
            interactive=name not in _NOT_INTERACTIVE and name != orders.refund_event,
            builtin=name in STANDARD_EVENTS,
        )
        for name, properties in builtin.items()
    }
    scopes: dict[str, tuple[str, str]] = {}
    for name, value in draft.entries("events").items():
        form = check(EventForm, value, ("events", name), draft.report)
        if form is None:
            continue
        for key, one in form.properties.items():
            if one.scope is not None and scopes.setdefault(key, (one.scope, name))[0] != one.scope:
                text = (
                    f"{key} has scope {one.scope} here and {scopes[key][0]} in {scopes[key][1]}; a name has one scope"
                )
                draft.report.add(("events", name, "properties", key), text, "two_scopes")
        made[name] = _event(name, form, made.get(name), made, draft)
    draft.set(events={name: _scoped(event, scopes) for name, event in made.items()})


def _event(
    name: str, form: EventForm, before: values.EventDef | None, others: Mapping[str, values.EventDef], draft: Draft
) -> values.EventDef:
    place = Place(draft, ("events", name))
    types = {p.name: (p.type, event.name) for event in others.values() for p in event.properties.values()}
    properties = dict(before.properties) if before else {}
    for key, one in form.properties.items():
        type_, owner = types.get(key, (one.type, name))
        if type_ != one.type:
            place.problem(
                f"{key} is {one.type} here and {type_} in {owner}; a name has one type",
                "properties",
                key,
                code="two_types",
            )
        elif key in DIMENSIONS and DIMENSIONS[key][1] != KINDS[one.type]:
            text = f"{key} is a built-in dimension ({DIMENSIONS[key][1]}); give the property another name"
            place.problem(text, "properties", key, code="two_types")
        properties[key] = values.Property(key, type_)
    for key in form.required:
        if key not in properties:
            text = f"{name} has no property {key!r}{suggestion(key, properties)}"
            place.problem(text, "required", code="unknown_property")
    interactive = form.interactive
    if interactive is None:
        interactive = before.interactive if before else name not in _NOT_INTERACTIVE
    return values.EventDef(
        name,
        form.description,
        properties,
        tuple(form.required),
        interactive,
        builtin=before is not None and before.builtin,
    )


def _scoped(event: values.EventDef, scopes: Mapping[str, tuple[str, str]]) -> values.EventDef:
    properties = {
        p.name: values.Property(p.name, p.type, scopes.get(p.name, ("event", ""))[0]) for p in event.properties.values()
    }
    return values.EventDef(event.name, event.description, properties, event.required, event.interactive, event.builtin)


def orders(draft: Draft) -> None:
    """What an order is; the properties named must be the order event's."""
    form = check(OrdersForm, draft.raw.get("orders"), ("orders",), draft.report)
    if form is None:
        return
    place = Place(draft, ("orders",))
    event = draft.plan.events[form.event]

    def named(key: str, name: str, types: tuple[str, ...]) -> None:
        declared = event.properties.get(name)
        if declared is None:
            if name not in _raw_properties(draft, form.event):
                declare = f"declare it under events: {form.event}: properties: {{{name}: {types[-1]}}}"
                hint = suggestion(name, event.properties)
                place.problem(f"{form.event} has no property {name!r}{hint}; {declare}", key, code="unknown_property")
        elif declared.type not in types:
            place.problem(f"{name} is of type {declared.type}; it must be {' or '.join(types)}", key, code="value")

    named("id", form.id, ("integer", "string"))
    named("amount", form.amount, _MONEY)
    shares = {key: getattr(form, key) for key in ("cost", "shipping", "discount", "fees")}
    for key, share in shares.items():
        if share is not None and share.property is not None:
            named(key, share.property, _MONEY)
    if form.type is not None:
        named("type", form.type, ("string",))
    if form.event == form.refund_event:
        text = "event and refund_event are the same; an order and its refund need two events"
        place.problem(text, "refund_event", code="choose_one")
    draft.set(
        orders=values.OrderRule(
            form.event,
            form.refund_event,
            form.id,
            form.amount,
            tuple(form.sources),
            form.refund_window,
            type=form.type,
            **shares,
        )
    )


def _raw_properties(draft: Draft, event: str) -> dict[str, Any]:
    entry = draft.entries("events").get(event)
    written = entry.get("properties") if isinstance(entry, dict) else None
    return written if isinstance(written, dict) else {}


def goals(draft: Draft) -> None:
    """Conversions: an event or a page each."""
    made: dict[str, values.Goal] = {}
    for name, value in draft.entries("goals").items():
        place = Place(draft, ("goals", name))
        form = check(GoalForm, value, place.path, draft.report)
        if form is not None:
            made[name] = _goal(name, form, place)
    draft.set(goals=made)


def _goal(name: str, form: GoalForm, place: Place) -> values.Goal:
    if (form.event is None) == (form.page is None):
        text = (
            "needs event or page"
            if form.event is None
            else "event and page at once: choose one, or event with where: page like '/…'"
        )
        place.problem(text, *(() if form.event is None else ("page",)), code="choose_one")
    worth: Decimal | str | None = None
    if isinstance(form.value, str):
        worth = form.value
        event = place.plan.events.get(form.event or "page_view")
        declared = event.properties.get(worth) if event else None
        if event is not None and (declared is None or declared.type not in _MONEY):
            numeric = [p.name for p in event.properties.values() if p.type in _MONEY]
            place.problem(
                f"{event.name} has no number {worth!r}{suggestion(worth, numeric)}", "value", code="unknown_property"
            )
    elif form.value is not None:
        worth = Decimal(str(form.value))
        if worth < 0:
            place.problem("a goal's value must not be below 0", "value", code="value")
    return values.Goal(
        name,
        form.event,
        place.globs(form.page, "page"),
        place.expression(form.where, "where"),
        form.kind,
        form.journey,
        form.team,
        worth,
        form.count,
        tuple(form.agreed_by),
        form.description,
    )


def activity(draft: Draft) -> None:
    """What makes a unit active: events or a goal, with a condition; nothing written: any interactive event."""
    form = check(ActivityForm, draft.raw.get("activity"), ("activity",), draft.report)
    if form is None or not (form.event or form.goal or form.where):
        return
    place = Place(draft, ("activity",))
    if form.event and form.goal:
        place.problem("event and goal at once: choose one", "goal", code="choose_one")
    where = place.expression(form.where, "where")
    if form.goal is not None:
        goal = place.goal(form.goal, "goal")
        rows = goal_rows(goal) if goal else Select()
        draft.set(activity=Select("event", rows.events, rows.page, both(rows.where, where)))
    else:
        draft.set(activity=Select("event", tuple(form.event) or None, None, where))
