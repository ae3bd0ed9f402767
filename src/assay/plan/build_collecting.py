"""The sections ``collect`` and ``retention``: the values made from them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from assay.model.errors import suggestion
from assay.model.event import NAMES
from assay.plan import collecting
from assay.plan.draft import Draft, Place
from assay.plan.forms import CollectForm, RetentionForm
from assay.plan.validate import check


def collect(draft: Draft) -> None:
    """Networks and names are checked; a property that no event declares may still be matched."""
    form = check(CollectForm, draft.raw.get("collect"), ("collect",), draft.report)
    if form is None:
        return
    place = Place(draft, ("collect",))
    for at, network in enumerate(form.internal.addresses):
        try:
            ip_network(network)
        except ValueError as error:
            place.problem(f"{network!r} is no network: {error}", "internal", "addresses", at, code="value")
    draft.set(
        collect=collecting.Collect(
            form.mode, tuple(dict.fromkeys(form.consent.honour)), form.consent.default,
            tuple(form.internal.addresses), _pairs(form.internal.where), _pairs(form.test_orders),
            tuple(dict.fromkeys(form.block)), form.scrub, form.countries,
        )
    )  # fmt: skip
    for name in form.block:
        if name in NAMES:
            place.problem(f"{name} is a field of the event, not a property", "block", code="value")


def _pairs(matches: Mapping[str, list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, glob) for name, globs in matches.items() for glob in globs)


def retention(draft: Draft) -> None:
    """A name that no event has is a mistake: what was to go would stay."""
    form = check(RetentionForm, draft.raw.get("retention"), ("retention",), draft.report)
    if form is None:
        return
    place = Place(draft, ("retention",))
    for name in form.events:
        if name not in draft.plan.events:
            text = f"there is no event {name!r}{suggestion(name, draft.plan.events)}"
            place.problem(text, "events", name, code="unknown_event")
    for name, seconds in (("default", form.default), *form.events.items()):
        if seconds is not None and seconds < collecting.DAY:
            place.problem("less than a day cannot be kept", name, code="value")
    draft.set(retention=collecting.Retention(form.default, dict(form.events)))
