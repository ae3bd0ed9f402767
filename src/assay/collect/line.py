"""The way of one line through the collector: the steps under a plan, and what every line must have at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.collect.enrich.scrub import BLOCKED
from assay.collect.salts import Salts
from assay.collect.steps import Context, run
from assay.collect.wire import Refusal, Request
from assay.model.errors import UsageError

if TYPE_CHECKING:
    from assay.collect.http import Source
    from assay.collect.trace import Trace
    from assay.collect.wire import Line
    from assay.plan.values import Plan

MOST = 32_768  # characters of one line
DETAILS = {
    "consent": "the visitor does not want to be counted (Global Privacy Control, Do Not Track, or consent denied)",
    "wrong_host": "the page's host is none of the site's domains",
    "bad_time": "before 1990, or later than tomorrow",
}


class Stepper:
    """What every line goes through under a plan.

    ``folder`` holds the salts of the days. ``again``: asked with every request for a plan that has changed meanwhile.
    ``trace``: told what each step did, while somebody watches. ``workspace``: where files are that the plan names.
    Raises UsageError where such a file cannot be read.
    """

    def __init__(
        self, plan: Plan, folder: Path, again: Callable[[], Plan | None] = lambda: None, trace: Trace | None = None,
        workspace: Path = Path(),
    ) -> None:  # fmt: skip
        self.workspace = workspace
        self.salts, self.again, self.trace = Salts(folder), again, trace
        self._set(plan)

    def _set(self, plan: Plan) -> None:
        self._base = context_of(plan, self.workspace)
        self._known: dict[Source, Context] = {}
        self._last: tuple[Request | None, Source | None, Context] = (None, None, self._base)

    def __call__(self, line: Line, request: Request, source: Source) -> Refusal | None:
        """Take one line through the steps, in place."""
        if self._last[0] is not request or self._last[1] is not source:
            changed = self.again()
            if changed is not None:
                with suppress(UsageError):  # a file it names is not there: the plan before goes on
                    self._set(changed)
            context = self._context(source).of(request, self.salts.of(request.received_at))
            self._last = (request, source, context)
        trace = self.trace if self.trace is not None and self.trace.wanted() else None
        note = trace.of(line) if trace is not None else None
        dropped = run(line, self._last[2], note=note)
        refusal = whole(line) if dropped is None else Refusal(
            0, dropped.reason, DETAILS.get(dropped.reason, dropped.reason)
        )  # fmt: skip
        if trace is not None:
            trace.end(line, refusal)
        return refusal

    def _context(self, source: Source) -> Context:
        if source not in self._known:
            hosts = tuple(host for host in (urlsplit(origin).hostname for origin in source.origins) if host)
            self._known[source] = replace(
                self._base, source=source.name, environment=source.environment, trusted=source.secret, hosts=hosts
            )
        return self._known[source]


def context_of(plan: Plan, workspace: Path) -> Context:
    """What steps know of a plan. Raises UsageError where the file of countries cannot be read."""
    from assay.collect.enrich.country import NoReader, reader

    rules = plan.collect
    countries = str(workspace / rules.countries) if rules.countries else None
    if countries is not None:
        try:
            reader(countries)
        except NoReader as error:
            raise UsageError(f"collect.countries: {error}") from error
    return Context(
        domains=tuple(plan.site.domains), internal_addresses=tuple(ip_network(one) for one in rules.addresses),
        internal=rules.internal, tests=rules.tests, orders=frozenset({plan.orders.event, plan.orders.refund_event}),
        planned=plan.events if rules.mode == "strict" else None,
        blocked=BLOCKED | {one.lower() for one in rules.blocked},
        scrubs=rules.scrub, honoured=frozenset(rules.honoured), consent_default=rules.consent,
        countries=countries,
    )  # fmt: skip


def whole(line: Line) -> Refusal | None:
    """A line that the store can take: id, name, time in a sane range, not larger than an event may be."""
    for name in ("id", "name"):
        if not isinstance(line.get(name), str) or not line[name]:
            return Refusal(0, "incomplete", f"{name} is missing")
    time = line.get("time")
    if not isinstance(time, int) or isinstance(time, bool) or not 0 < time < 4_102_444_800_000_000:
        return Refusal(0, "bad_time", "time is no moment between 1970 and 2100")
    if _size(line) > MOST:
        return Refusal(0, "too_large", f"an event has at most {MOST:,} characters")
    return None


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(str(k)) + _size(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return sum(_size(one) for one in value)
    return 8
