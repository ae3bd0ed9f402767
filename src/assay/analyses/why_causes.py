"""What a change comes from, in findings: tracking first, then mix, rate and volume, then what is known."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from assay.analyses.audit import events_of
from assay.decide.checks import moved
from assay.decide.tracking import within
from assay.decide.words import difference_words, group_name

if TYPE_CHECKING:
    from assay.analyses.moving import Look
    from assay.analyses.why import Case
    from assay.decide.tracking import Break
    from assay.model.finding import Finding
    from assay.query.tracking import Volumes
    from assay.stats.parts import Side

_MIX, _RATE, _GROUP = 2.9, 2.6, 3.3  # standard errors: one of six dimensions, one total, one of some dozen groups
_PART = 0.25  # of the change: less is not worth a sentence
_NEAR = 7  # days before the later side in which a change may still have begun to act


def judge(case: Case) -> None:
    """Fill the case's findings, the surest and largest causes first."""
    events = sorted(events_of(case.metric, case.asking.plan))
    volumes = _volumes(case, events)
    if volumes is not None:
        _tracking(case, volumes, events)
    causes = [*_mix(case), *_rate(case, _RATE), *_volume(case)]
    if not causes and not case.broken and not _ordinary(case):
        causes = _rate(case, 0.0)
    causes.sort(key=lambda found: -abs(found[0]))
    if _ordinary(case):
        noise = None if case.delta.low is None else float(case.delta.value or 0) - case.delta.low
        size = case.size(float(case.delta.value or 0))
        half = None if noise is None else difference_words(noise, case.kind, case.currency)
        case.findings.append(moved.ordinary(case.metric.name, size, half))
        causes = [one for one in causes if one[1].code == "mix_moved" and abs(one[0]) > 1]
    case.findings += [finding for _, finding in causes]
    if volumes is not None:
        case.findings += _others(case, volumes)
    case.findings += _known(case)


def _ordinary(case: Case) -> bool:
    low, high = case.delta.low, case.delta.high
    return not case.broken and low is not None and high is not None and low <= 0 <= high


# -- tracking ---------------------------------------------------------------------------------------------------------


def _volumes(case: Case, events: list[str]) -> Volumes | None:
    from assay.query.tracking import fills, read_volumes, volumes

    if case.other is None:
        return None
    plan, ask, periods = case.asking.plan, case.asking.ask, (case.other, case.after.period)
    return read_volumes(plan, ask(volumes(periods)), ask(fills(plan, events, periods)) if events else None)


def _tracking(case: Case, volumes: Volumes, events: list[str]) -> None:
    from assay.decide.tracking import breaks

    assert case.other is not None
    found = breaks(volumes.events, volumes.filled, case.other, (case.other, case.after.period), events)
    counted = _counted(case)
    for one in _sent_twice(case, found):
        part = None
        if one.event in counted and one.kind in ("vanished", "doubled") and (one.kind == "vanished" or _repeats(case)):
            part = _effect(case, one, volumes)
            case.broken.append((one, part))
        adds = difference_words(float(part), case.kind, case.currency) if part else None
        case.findings.append(moved.tracking_moved(case.metric.name, one, adds))


def _sent_twice(case: Case, found: list[Break]) -> list[Break]:
    """Doublings only where the same visitors sent twice as much."""
    from assay.decide.tracking import twice
    from assay.query.tracking import people

    doubled = sorted({one.event for one in found if one.kind == "doubled"})
    if not doubled or case.other is None:
        return found
    per: dict[str, dict[Any, tuple[int, int]]] = {}
    for name, day, count, visitors in case.asking.ask(people(doubled, (case.other, case.after.period))).rows:
        per.setdefault(name, {})[day] = (count, visitors)
    return [one for one in found if one.kind != "doubled" or twice(one, per[one.event], case.other)]


def _counted(case: Case) -> set[str]:
    """Events that the numerator counts."""
    numerator = case.metric.quantity.numerator
    plan = case.asking.plan
    if numerator is None:
        return set()
    names = {name for select in numerator.select.all() for name in select.events or ()}
    return names | ({plan.orders.event} if numerator.select.of == "order" else set())


def _repeats(case: Case) -> bool:
    """Whether an event sent twice counts twice: not for a share, and not for orders with their ids."""
    numerator = case.metric.quantity.numerator
    return case.metric.quantity.kind != "share" and numerator is not None and numerator.select.of == "event"


def _effect(case: Case, one: Break, volumes: Volumes) -> Fraction:
    """What the missing events take from the later side (or gave, where they were missing on the earlier one)."""
    assert case.other is not None
    early = one.first <= case.other.last
    side = case.whole[0 if early else 1]
    period = case.other if early else case.after.period
    seen = sum(within(days, period) for (event, _), days in volumes.events.items() if event == one.event)
    if not seen:  # nothing at all came: the other side says what an event brings
        side, seen = case.whole[1 if early else 0], max(1, round(one.expected))
    lost = Fraction(one.missing) * side.top / seen
    part = lost if case.total else lost / side.bottom if side.bottom else Fraction(0)
    return part if early else -part


# -- mix, rate, volume ------------------------------------------------------------------------------------------------


def _mix(case: Case) -> list[tuple[float, Finding]]:
    from assay.analyses.why_parts import headline

    look, change = headline(case), abs(float(case.delta.value or 0))
    if look is None or case.total or not look.mix_error or abs(float(look.mix)) <= _MIX * look.mix_error:
        return []
    if abs(float(look.mix)) < _PART * change:
        return []
    key = max(look.parts, key=lambda k: (_toward(look, k), str(k)))
    part = look.parts[key]
    shares = [_share(side, whole) for side, whole in zip(_sides(look, key), case.whole, strict=True)]
    return [
        (
            float(look.mix) / change if change else 1.0,
            moved.mix_moved(
                case.metric.name, look.dimension, str(group_name(key)), (shares[0], shares[1]),
                (float(part.mix), float(look.mix)), (case.size(part.mix), case.size(look.mix)),
            ),
        )
    ]  # fmt: skip


def _toward(look: Look, key: Any) -> float:
    """How much a group's share pushes in the direction of the whole; the others mirror the one that does most."""
    part = look.parts[key].mix
    return float(part if look.mix >= 0 else -part)


def _rate(case: Case, least: float) -> list[tuple[float, Finding]]:
    from assay.analyses.why_parts import figure, headline

    look = headline(case)
    if look is None or not look.rate_error:
        return []
    change = abs(float(case.delta.value or 0))
    left = look.rate - sum((part for _, part in case.broken), Fraction(0))
    if abs(float(left)) <= least * look.rate_error or abs(float(left)) < _PART * change:
        return []
    dimension, key = _own_way(case, left)
    if dimension is None:
        rates = case.whole[0].rate, case.whole[1].rate
        name, who = None, "everybody"
    else:
        one, two = _sides(dimension, key)
        rates, name, who = (one.rate, two.rate), dimension.dimension, str(group_name(key))
    adds = left if dimension is None else dimension.parts[key].rate
    better = (adds > 0) == (case.metric.direction == "up")
    found = moved.rate_moved(
        case.metric.name, name, who, (figure(case, rates[0]), figure(case, rates[1])), _rate_kind(case), case.currency,
        float(adds), better, next(iter(case.asking.plan.funnels), None),
    )  # fmt: skip
    return [(float(left) / change if change else 1.0, found)]


def _own_way(case: Case, left: Fraction) -> tuple[Look | None, Any]:
    """The group whose rate went another way than everybody else's and that makes up much of it; None: all alike."""
    best: tuple[float, Look | None, Any] = (0.0, None, None)
    for look in case.looks:
        rest_rate = look.rate
        for key, part in look.parts.items():
            one, two = _sides(look, key)
            if one.rate is None or two.rate is None or part.rate_error is None or not part.rate_error:
                continue
            weight = float(one.bottom / case.whole[0].bottom + two.bottom / case.whole[1].bottom) / 2
            own = float(part.rate)
            others = float(rest_rate - part.rate)
            if weight <= 0 or weight >= 1 or own * float(left) <= 0 or abs(own) < 0.3 * abs(float(left)):
                continue
            errors = [p.rate_error or 0.0 for k, p in look.parts.items() if k != key]
            apart = own / weight - others / (1 - weight)
            error = ((part.rate_error / weight) ** 2 + (sum(e * e for e in errors) ** 0.5 / (1 - weight)) ** 2) ** 0.5
            z = abs(apart) / error if error else 0.0
            if z > max(_GROUP, best[0]) and abs(own / weight) > abs(others / (1 - weight)):
                best = (z, look, key)
    return best[1], best[2]


def _volume(case: Case) -> list[tuple[float, Finding]]:
    from assay.stats.parts import volume_and_rate

    if not case.total:
        return []
    volume, _ = volume_and_rate(*case.whole)
    change = abs(float(case.delta.value or 0))
    if not volume or abs(float(volume)) < _PART * change:
        return []
    units = tuple(int(side.bottom) for side in case.whole)
    best: tuple[float, Look | None, Any] = (0.0, None, None)
    for look in case.looks:
        for key, part in look.parts.items():
            one, two = _sides(look, key)
            grown = float(two.bottom - one.bottom)
            z = abs(float(part.mix)) / part.mix_error if part.mix_error else 0.0
            same_way = grown * float(case.whole[1].bottom - case.whole[0].bottom) > 0
            ahead = abs(grown) / abs(units[1] - units[0]) - float(one.bottom / case.whole[0].bottom)
            if same_way and ahead > 0.25 and z > max(best[0], _GROUP):
                best = (z, look, key)
    look_, key = best[1], best[2]
    group = tuple(int(side.bottom) for side in _sides(look_, key)) if look_ else (0, 0)
    found = moved.volume_moved(
        case.metric.name, (units[0], units[1]), case.size(volume), look_.dimension if look_ else None,
        str(group_name(key)) if look_ else None, (group[0], group[1]),
    )  # fmt: skip
    return [(float(volume) / change if change else 1.0, found)]


def _sides(look: Look, key: Any) -> tuple[Side, Side]:
    from assay.stats.parts import Side

    return look.before.get(key, Side()), look.after.get(key, Side())


def _share(side: Side, whole: Side) -> float:
    return float(side.bottom / whole.bottom)


def _rate_kind(case: Case) -> str:
    return "number" if case.kind == "count" else case.kind


# -- what is not behaviour --------------------------------------------------------------------------------------------


def _others(case: Case, volumes: Volumes) -> list[Finding]:
    """Bots and consent."""
    assert case.other is not None
    periods = (case.other, case.after.period)
    found = [
        moved.bots_moved(
            (within(volumes.bots, periods[0]), within(volumes.bots, periods[1])),
            case.asking.plan.rules.bots == "exclude",
        )
    ]
    shares, counts = [], []
    for period in periods:
        granted, denied = within(volumes.granted, period), within(volumes.denied, period)
        counts.append(granted + denied)
        shares.append(granted / (granted + denied) if granted + denied else 0.0)
    if all(counts):
        found.append(moved.consent_moved((shares[0], shares[1]), (counts[0], counts[1])))
    return [one for one in found if one is not None]


def _known(case: Case) -> list[Finding]:
    """The change log from shortly before the later side on, and a definition that is newer than the numbers."""
    from datetime import timedelta

    from assay.analyses.changelog import known_changes
    from assay.analyses.noted import noted

    if case.other is None:
        return []
    period = case.after.period
    first = max(case.other.first, period.first - timedelta(_NEAR))
    found = [moved.known_change(change) for change in known_changes(case.asking, first, period.last)]
    seen = noted(case.asking.state, case.asking.plan).get(case.metric.name, [])
    if len(seen) > 1 and seen[-1].id == case.metric.id and seen[-1].since >= case.other.first:
        words = {"now": case.metric.id, "before": seen[-2].id}
        found.append(moved.definition_changed(case.metric.name, str(seen[-1].since), words))
    return found
