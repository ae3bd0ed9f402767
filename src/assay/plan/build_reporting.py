"""The section ``report``: the values made from it."""

from __future__ import annotations

from pathlib import PurePosixPath

from assay.model.errors import suggestion
from assay.plan.draft import Draft, Place
from assay.plan.reporting import WEEKDAYS, Hook, Mail, Reporting, Schedule
from assay.plan.reporting_forms import ReportForm, ScheduleForm
from assay.plan.validate import check


def report(draft: Draft) -> None:
    """Every receiver is a mail address or a hook that exists; mail needs a server."""
    form = check(ReportForm, draft.raw.get("report"), ("report",), draft.report)
    if form is None:
        return
    place = Place(draft, ("report",))
    if form.logo and PurePosixPath(form.logo).suffix.lower() not in (".png", ".svg"):
        place.problem(f"{form.logo} is neither .png nor .svg", "logo", code="value")
    if form.link and not form.link.startswith(("https://", "http://")):
        place.problem(f"{form.link!r} is no address; it begins with https://", "link", code="value")
    for at, one in enumerate(form.schedules):
        _receivers(form, one, place.at("schedules", at))
    mail = (
        None
        if form.mail is None
        else Mail(form.mail.host, form.mail.from_, form.mail.port, form.mail.tls, form.mail.user, form.mail.password)
    )
    hooks = {name: Hook(name, one.kind, one.url) for name, one in form.hooks.items()}
    schedules = tuple(map(_schedule, form.schedules))
    draft.set(report=Reporting(form.title, form.for_, form.logo, form.link, mail, hooks, schedules))


def _receivers(form: ReportForm, one: ScheduleForm, place: Place) -> None:
    for name in one.to:
        if "@" in name:
            if form.mail is None:
                text = "mail needs a server; write report: mail: {host: …, from: …}"
                place.problem(text, "to", code="missing_key")
        elif name not in form.hooks:
            text = f"{name} is neither a mail address nor a hook of the report{suggestion(name, form.hooks)}"
            place.problem(text, "to", code="unknown_hook")


def _schedule(form: ScheduleForm) -> Schedule:
    word, _, clock = form.every.partition(" ")
    hour, _, minute = clock.partition(":")
    day: int | str = WEEKDAYS.index(word) if word in WEEKDAYS else word
    return Schedule(form.every, day, int(hour) * 60 + int(minute), tuple(dict.fromkeys(form.to)), form.format)
