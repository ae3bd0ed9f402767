"""What a change of a metric comes from: each function says one cause, with its evidence, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.decide.tracking import Break
from assay.decide.words import difference_words, percent, value_words
from assay.model.finding import Finding
from assay.plan.values import Change

_WORDS = {
    "vanished": "stopped arriving",
    "doubled": "arrived twice",
    "appeared": "is new",
    "emptied": "came empty",
}


def ordinary(metric: str, size: str, half: str | None) -> Finding:
    """The change is what happens from period to period without any cause."""
    room = f" (ordinary is up to {half} either way)" if half else ""
    text = f"{size} is ordinary noise{room}"
    return Finding("ordinary", "info", text, {"metric": metric, "change": size})


def mix_moved(
    metric: str,
    dimension: str,
    value: str,
    shares: tuple[float, float],
    parts: tuple[float, float],
    said: tuple[str, str],
) -> Finding:
    """Other people came: the shares of groups changed. ``parts``: of the group and of the whole dimension."""
    side = "rose" if shares[1] > shares[0] else "fell"
    text = (
        f"the mix by {dimension} moved {metric} by {said[1]}: {value} {side} from {percent(shares[0])} "
        f"to {percent(shares[1])} of all ({said[0]} of it)"
    )
    evidence = {
        "metric": metric, "dimension": dimension, "value": value, "share_before": shares[0], "share_after": shares[1],
        "adds": parts[0], "adds_all": parts[1],
    }  # fmt: skip
    return Finding(
        "mix_moved", "info", text, evidence, f"assay channels --by {dimension}" if dimension == "channel" else None
    )


def rate_moved(
    metric: str, dimension: str | None, value: str, rates: tuple[Any, Any], kind: str, currency: str, adds: float,
    better: bool,
    funnel: str | None,
) -> Finding:  # fmt: skip
    """The same people do something else: the rate of a group, or of all groups alike (``dimension`` None)."""
    before, after = (value_words(rate, kind, currency) for rate in rates)
    who = "in every group alike" if dimension is None else f"in {dimension} {value}"
    size = difference_words(adds, kind, currency)
    text = f"{metric} itself moved {who}: {before} → {after} ({size} {'more' if adds > 0 else 'less'} for the whole)"
    evidence = {
        "metric": metric, "dimension": dimension, "value": value, "before": float(rates[0]), "after": float(rates[1]),
        "adds": adds,
    }  # fmt: skip
    action = f"assay leaks {funnel} --by {dimension}" if dimension and funnel else None
    return Finding("rate_moved", "good" if better else "warning", text, evidence, action)


def volume_moved(
    metric: str, units: tuple[int, int], adds: str, dimension: str | None, value: str | None, group: tuple[int, int]
) -> Finding:
    """More or fewer units came; with the group that makes up most of it."""
    where = f"; most of it in {dimension} {value} ({group[0]:,} → {group[1]:,})" if dimension else ""
    text = f"{units[0]:,} → {units[1]:,} visitors move {metric} by {adds}{where}"
    evidence = {
        "metric": metric, "before": units[0], "after": units[1], "adds": adds, "dimension": dimension, "value": value,
    }  # fmt: skip
    return Finding("volume_moved", "info", text, evidence)


def tracking_moved(metric: str, one: Break, adds: str | None) -> Finding:
    """An event did not arrive as it should: the number is wrong, not the customers."""
    what = f"{one.prop} of {one.event}" if one.prop else one.event
    where = "".join(f" from {value}" for value in one.where.values())
    days = str(one.first) if one.first == one.last else f"{one.first} to {one.last}"
    size = f"; about {adds} of {metric}" if adds else ""
    expected = f" ({one.seen:,.0f} of about {one.expected:,.0f})" if one.kind != "appeared" else f" ({one.seen:,.0f})"
    text = f"tracking: {what}{where} {_WORDS[one.kind]} on {days}{expected} while all else went on{size}"
    evidence: dict[str, Any] = {
        "metric": metric, "event": one.event, "kind": one.kind, "where": dict(one.where), "first": str(one.first),
        "last": str(one.last), "expected": one.expected, "seen": one.seen, "property": one.prop,
    }  # fmt: skip
    severity = "info" if one.kind == "appeared" else "bad"
    return Finding("tracking_moved", severity, text, evidence, "repair the tag; assay quality shows the days")


def bots_moved(counts: tuple[int, int], excluded: bool) -> Finding | None:
    """Many more or fewer events of bots than before."""
    before, after = counts
    if max(counts) < 100 or not (after > 2 * before or before > 2 * after):
        return None
    effect = "they are left out" if excluded else "they are counted"
    text = f"bots: {before:,} → {after:,} events; {effect}"
    return Finding("bots_moved", "info" if excluded else "warning", text, {"before": before, "after": after})


def consent_moved(shares: tuple[float, float], events: tuple[int, int]) -> Finding | None:
    """The share of events with consent changed: who refuses is seen less, so totals and rates shift without a cause."""
    if min(events) < 200 or abs(shares[1] - shares[0]) < 0.05:
        return None
    text = f"consent: granted for {percent(shares[0])} → {percent(shares[1])} of events; who refuses is seen less"
    return Finding("consent_moved", "warning", text, {"before": shares[0], "after": shares[1]})


def known_change(change: Change) -> Finding:
    """Something on the change log that falls into these days."""
    text = f"known: {change.what} ({change.kind}, {change.date})"
    evidence = {"what": change.what, "kind": change.kind, "date": str(change.date)}
    return Finding("known_change", "info", text, evidence, change.link)


def definition_changed(metric: str, since: str, ids: Mapping[str, str]) -> Finding:
    """Today's definition is not the one that numbers told before were made with."""
    text = (
        f"the definition of {metric} changed on {since}: both sides here follow today's; "
        "a number told before then followed another"
    )
    evidence = {"metric": metric, "since": since, **ids}
    return Finding("definition_changed", "info", text, evidence, f"assay explain {metric}")
