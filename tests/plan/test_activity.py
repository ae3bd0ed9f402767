"""The plan's ``activity``: events or a goal, with a condition; what is wrong with it is said."""

from __future__ import annotations

import pytest

from assay.model.errors import PlanError
from assay.plan.check import check
from assay.plan.load import loads
from assay.plan.measures import Select

GOALS = "goals: {bought: {event: purchase, where: \"device = 'mobile'\", kind: macro}, seen: {page: /x}}\n"


def test_events_or_a_goal() -> None:
    assert loads("").activity is None
    assert loads("activity: {}").activity is None
    assert loads("activity: {event: search}").activity == Select("event", ("search",))
    assert loads("activity: {event: [search, purchase]}").activity == Select("event", ("search", "purchase"))
    assert loads(GOALS + "activity: {goal: seen}").activity == Select("event", ("page_view",), ("/x",))
    made = loads(GOALS + "activity: {goal: bought, where: \"channel = 'Direct'\"}").activity
    assert made is not None
    assert made.where is not None
    assert made.where.names == ("channel", "device")


def test_an_id_changes_with_it_and_only_then() -> None:
    assert loads("").id == loads("activity: {}").id
    assert loads("").id != loads("activity: {event: search}").id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("activity: {goal: bougt}", "did you mean 'bought'"),
        ("activity: {goal: bought, event: search}", "choose one"),
        ("activity: {evnt: search}", "did you mean 'event'"),
        ("activity: {where: nope = 1}", "nope"),
        ("activity: [search]", "must be a mapping"),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        loads(GOALS + text)


def test_an_event_that_nobody_declared() -> None:
    found = [one for one in check(loads("activity: {event: serch}")) if one.code == "unknown_event"]
    assert ["did you mean 'search'" in one.text for one in found] == [True]
