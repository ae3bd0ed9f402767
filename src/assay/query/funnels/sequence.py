"""The exact rule of a funnel, unit by unit: which attempt counts, how deep it comes and which events fill its steps.

An attempt begins with a step-1 event; each later step is filled by the first event that can. Events of one instant may
stand in any order: what an attempt can fill there is a matching of steps to events, so no permutation is ever tried.
Attempts that stand at the same step move together, and each moves at most once per step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A funnel as the kernel needs it. ``window`` in microseconds, None: no limit. ``optional``: steps, from 0.

    ``exclusions``: per excluded event (after, before, effect), steps counted from 1.
    """

    order: str
    steps: int
    window: int | None
    entry: str = "latest"
    optional: frozenset[int] = frozenset()
    exclusions: tuple[tuple[int, int, str], ...] = ()

    def within(self, start: int, t: int) -> bool:
        """True while the window that opened at ``start`` is open, its end included."""
        return self.window is None or t - start <= self.window


@dataclass(frozen=True)
class Moment:
    """What a unit did at one instant. ``masks``: per event the steps it matches, as bits; ``events``: their numbers.

    ``excluded``: exclusions that match here, as bits. ``starts``: an attempt may begin here.
    """

    t: int
    masks: tuple[int, ...]
    events: tuple[int, ...]
    starts: bool = True
    excluded: int = 0


class Timed:
    """Something with ``times``: one place per step, microseconds, None where the step was not done."""

    times: tuple[int | None, ...]

    @property
    def depth(self) -> int:
        """The highest step done."""
        return max(k for k, t in enumerate(self.times, 1) if t is not None)

    @property
    def start(self) -> int:
        """When the attempt began."""
        return next(t for t in self.times if t is not None)

    @property
    def end(self) -> int:
        """When the last step was done."""
        return max(t for t in self.times if t is not None)


@dataclass(frozen=True)
class Attempt(Timed):
    """The counted attempt of a unit; ``events`` stand beside its times. ``last_start``: when its latest attempt began."""

    times: tuple[int | None, ...]
    events: tuple[int | None, ...]
    last_start: int


def counted(moments: Sequence[Moment], rule: Rule) -> Attempt | None:
    """The attempt that counts: the deepest one, of these the first to get there, of these the latest start.

    None where the unit begins none, or where an exclusion drives it out of all of them.
    """
    runs = {"strict": _strict, "unordered": _unordered}.get(rule.order, _ordered)
    best = _Best(rule)
    runs(moments, rule, best)
    return best.attempt()


@dataclass
class _Run:
    """An attempt under way: step → (time, event)."""

    start: int
    done: dict[int, tuple[int, int]]

    def cut(self, step: int) -> _Run:
        return _Run(self.start, {k: v for k, v in self.done.items() if k <= step})


@dataclass
class _Best:
    rule: Rule
    run: _Run | None = None
    rank: tuple[int, int, int] = (0, 0, 0)
    last_start: int = field(default=0)

    def offer(self, run: _Run, depth: int) -> None:
        """A finished attempt that nothing has driven out."""
        rank = (depth, -max(t for t, _ in run.done.values()), run.start)
        if self.run is None or rank > self.rank:
            self.run, self.rank = run, rank

    def complete(self) -> bool:
        return self.run is not None and self.rank[0] == self.rule.steps

    def attempt(self) -> Attempt | None:
        if self.run is None:
            return None
        done = [self.run.done.get(k) for k in range(self.rule.steps)]
        return Attempt(
            tuple(d[0] if d else None for d in done), tuple(d[1] if d else None for d in done), self.last_start
        )


def _ordered(moments: Sequence[Moment], rule: Rule, best: _Best) -> None:
    """Attempts by the step they stand at; a later event may stand between two steps."""
    at: list[list[_Run]] = [[] for _ in range(rule.steps)]
    started = False
    for moment in moments:
        for place in range(rule.steps - 2, -1, -1):
            if at[place]:
                _move(at, place, moment, rule, best)
        if moment.starts and not (started and rule.entry == "first"):
            filled = _fill(moment.masks, -1, rule)
            if 0 in filled:
                started = True
                best.last_start = moment.t
                run = _Run(moment.t, {})
                _put(at, run, filled, moment)
        for run in at[rule.steps - 1]:
            best.offer(run, rule.steps)
        at[rule.steps - 1].clear()
        if best.complete():
            return
    for place, runs in enumerate(at):
        for run in runs:
            best.offer(run, place + 1)


def _move(at: list[list[_Run]], place: int, moment: Moment, rule: Rule, best: _Best) -> None:
    """What an instant does to the attempts that stand at one step: over, driven out, further, or as before."""
    filled = _fill(moment.masks, place, rule)
    effect = _effect(moment.excluded, place, max(filled, default=place), rule) if moment.excluded else None
    if not filled and effect is None:
        return
    runs, at[place] = at[place], []
    for run in runs:
        if not rule.within(run.start, moment.t):
            best.offer(run, place + 1)
        elif effect == "clear":
            best.offer(run.cut(0), 1)
        elif effect is None:
            _put(at, run, filled, moment)


def _put(at: list[list[_Run]], run: _Run, filled: dict[int, int], moment: Moment) -> None:
    for step, which in filled.items():
        run.done[step] = (moment.t, moment.events[which])
    at[max(filled)].append(run)


def _effect(excluded: int, before: int, after: int, rule: Rule) -> str | None:
    """What the exclusions of an instant do to an attempt that stands at step ``before`` and comes to ``after`` (from 0).

    In the order that is best for the unit: what reaches the far step here has reached it first, what comes to the near
    step only here comes after the excluded event.
    """
    found = None
    for bit, (first, last, effect) in enumerate(rule.exclusions):
        if excluded >> bit & 1 and first <= before + 1 < last and after + 1 < last:
            if effect == "leave":
                return effect
            found = effect
    return found


def _strict(moments: Sequence[Moment], rule: Rule, best: _Best) -> None:
    """Every event must be the next step. An attempt outlives an instant only if its steps take all events there."""
    alive: list[tuple[int, _Run]] = []
    started = False
    for moment in moments:
        going: list[tuple[int, _Run]] = []
        for place, run in alive:
            if not rule.within(run.start, moment.t):
                best.offer(run, place + 1)
                continue
            filled = _fill(moment.masks, place, rule)
            after = max(filled, default=place)
            effect = _effect(moment.excluded, place, after, rule) if moment.excluded else None
            if effect is not None:
                if effect == "clear":
                    best.offer(run.cut(0), 1)
                continue
            longer = _Run(run.start, run.done | {s: (moment.t, moment.events[w]) for s, w in filled.items()})
            if len(filled) == len(moment.masks) and after < rule.steps - 1:
                going.append((after, longer))
            else:
                best.offer(longer, after + 1)
        if moment.starts and not (started and rule.entry == "first"):
            filled = _fill(moment.masks, -1, rule)
            if 0 in filled:
                started = True
                best.last_start = moment.t
                whole = _Run(moment.t, {s: (moment.t, moment.events[w]) for s, w in filled.items()})
                going += [(step, whole.cut(step)) for step in filled if step < rule.steps - 1]
                if max(filled) == rule.steps - 1:
                    best.offer(whole, rule.steps)
        if best.complete():
            return
        alive = going
    for place, run in alive:
        best.offer(run, place + 1)


def _unordered(moments: Sequence[Moment], rule: Rule, best: _Best) -> None:
    """Any steps within one sliding window; the earliest window that holds most of them counts."""
    held: list[Moment] = []  # the events of the window, ``head`` the first that is still in it
    head, changed = 0, False
    counts = [0] * rule.steps
    for moment in moments:
        while head < len(held) and not rule.within(held[head].t, moment.t):
            if changed:
                _offer_held(held[head:], counts, rule, best)
                changed = False
            _count(counts, held[head], -1)
            head += 1
            if rule.entry == "first":
                return
        if head < len(held) and not held[head].starts:
            head = len(held)
        if head == len(held):
            held, head, counts, changed = [], 0, [0] * rule.steps, False
        if not held and not moment.starts:
            continue
        before = held[head:] if moment.excluded else []
        if any(moment.masks):
            if moment.starts and (rule.entry == "latest" or not held):
                best.last_start = moment.t
            held.append(moment)
            _count(counts, moment, 1)
            changed = True
            if all(counts) and len(_choose(held[head:], rule.steps)) == rule.steps:
                _offer_held(held[head:], counts, rule, best)
                return
        if moment.excluded and before:
            depth = len(_choose(before, rule.steps)) - 1
            effect = _effect(moment.excluded, depth, depth, rule)
            if effect is None:
                continue
            if effect == "clear":
                _offer_held(before[:1], counts, rule, best, most=1)
            held, head, counts, changed = [], 0, [0] * rule.steps, False
            if rule.entry == "first":
                return
            if any(moment.masks) and moment.starts:
                held, changed = [moment], True
                _count(counts, moment, 1)
    if changed:
        _offer_held(held[head:], counts, rule, best)


def _count(counts: list[int], moment: Moment, by: int) -> None:
    for mask in moment.masks:
        for step in range(len(counts)):
            counts[step] += by * (mask >> step & 1)


def _offer_held(
    window: Sequence[Moment], counts: Sequence[int], rule: Rule, best: _Best, most: int | None = None
) -> None:
    """The steps done in a window become an attempt, the first k of them step 1 to k; only if it is deeper than the best."""
    bound = sum(1 for n in counts if n) if most is None else most
    if best.run is not None and bound <= best.rank[0]:
        return
    chosen = _choose(window, rule.steps)[:most]
    if chosen and (best.run is None or len(chosen) > best.rank[0]):
        best.offer(_Run(chosen[0][0], dict(enumerate(chosen))), len(chosen))


def _choose(window: Sequence[Moment], steps: int) -> list[tuple[int, int]]:
    """The earliest events that do as many different steps as can be done, one event one step: (time, event)."""
    owner: dict[int, tuple[int, int, int, int]] = {}  # step → mask, time, event, place in order

    def place(one: tuple[int, int, int, int], seen: set[int]) -> bool:
        for step in range(steps):
            if one[0] >> step & 1 and step not in seen:
                seen.add(step)
                if step not in owner or place(owner[step], seen):
                    owner[step] = one
                    return True
        return False

    order = count()
    for moment in window:
        for mask, event in zip(moment.masks, moment.events, strict=True):
            if len(owner) < steps and mask:
                place((mask, moment.t, event, next(order)), set())
    return [(t, event) for _, t, event, _ in sorted(owner.values(), key=lambda one: one[3])]


def _fill(masks: tuple[int, ...], at: int, rule: Rule) -> dict[int, int]:
    """Step → place of the event that fills it, for an attempt that stands at step ``at`` (−1: before step 1)."""
    return _matching(masks, at, rule.steps, rule.optional, rule.order == "windowfunnel")


@lru_cache(maxsize=65_536)
def _matching(masks: tuple[int, ...], at: int, steps: int, optional: frozenset[int], again: bool) -> dict[int, int]:
    """As far as the events of one instant lead, then as many optional steps as possible; ``again``: an event fills several."""
    held: dict[int, int] = {}  # place of the event → step

    def put(step: int, seen: set[int]) -> bool:
        for place, mask in enumerate(masks):
            if mask >> step & 1 and place not in seen:
                seen.add(place)
                if place not in held or put(held[place], seen):
                    held[place] = step
                    return True
        return False

    if again:
        filled: dict[int, int] = {}
        for step in range(at + 1, steps):
            place = next((p for p, mask in enumerate(masks) if mask >> step & 1), None)
            if place is not None:
                filled[step] = place
            elif step not in optional:
                break
        return filled
    end = steps
    for step in range(at + 1, steps):
        if step not in optional and not put(step, set()):
            end = step
            break
    for step in range(at + 1, end):
        if step in optional:
            put(step, set())
    return {step: place for place, step in sorted(held.items(), key=lambda one: one[1])}


def moments(rows: Iterable[Sequence[Any]]) -> list[Moment]:
    """Rows (t, starts, mask, excluded, event) in order of time → one ``Moment`` per instant."""
    found: list[Moment] = []
    t: int | None = None
    masks: list[int] = []
    events: list[int] = []
    starts = excluded = 0

    def close() -> None:
        if t is not None:
            found.append(Moment(t, tuple(masks), tuple(events), bool(starts), excluded))

    for row in rows:
        if row[0] != t:
            close()
            t, starts, excluded = row[0], 0, 0
            masks, events = [], []
        starts |= row[1]
        excluded |= row[3]
        masks.append(row[2])
        events.append(row[4])
    close()
    return found
