"""Answers as cards: findings short and in order, commands as links, tiles, funnels and verdicts in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import odd
from assay.model.answer import Answer, Column
from assay.model.finding import Finding
from assay.plan.load import loads
from assay.web.cards import shape
from assay.web.cards.links import of_cell, of_command, parsed, steps
from assay.web.cards.strip import strip
from assay.web.cards.telling import short
from assay.web.pages.base import Card, View

PLAN = loads(odd.PLAN)


def made(answer: Answer, view: str = "answer", **more: Any) -> Any:
    return shape(Card("x", answer.question, view=view, plan=PLAN, **more), answer, {}, "/shop/api/v1")


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("assay metric rpv --by channel --compare previous",
         ("metric", [("names", "rpv"), ("by", "channel"), ("compare", "previous")])),
        ("assay ask funnel checkout --lost 2", ("funnel", [("name", "checkout"), ("lost", "2")])),
        ("assay experiment readout banner --daily", ("experiment-readout", [("name", "banner"), ("daily", "true")])),
        ("assay sessions --segment \"device = 'mobile'\"", ("sessions", [("segment", "device = 'mobile'")])),
        ("assay metric a b", ("metric", [("names", "a"), ("names", "b")])),
        ("assay opportunity --to-backlog", None),  # it would write
        ("assay reconcile till.csv", None),  # a file of the server
        ("assay experiment decide banner ship", None),
        ("assay init --template shop", None),
        ("assay metric 'rpv", None),
        ("assay metric --by", None),
    ],
)  # fmt: skip
def test_a_command_is_a_question_or_stays_a_command(command: str, asked: Any) -> None:
    assert parsed(command) == asked
    step = of_command(command)
    assert (step.command, bool(step.href)) == (asked is None, asked is not None)


def test_a_link_says_what_it_shows() -> None:
    step = of_command("assay metric cart_abandonment rpv --grain week --by channel")
    assert step.text == "See cart abandonment, RPV by week by channel"
    assert step.href == "ask?question=metric&names=cart_abandonment%2Crpv&grain=week&by=channel"


def test_words_around_commands_stay() -> None:
    found = steps("repair the tag; assay quality shows the days")
    assert [one.text for one in found] == ["Repair the tag", "assay quality shows the days"]
    found = steps("look at the source; assay channels --by channel")
    assert [(one.text, one.href) for one in found] == [
        ("Look at the source", ""), ("See the channels by channel", "ask?question=channels&by=channel")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "href"),
    [
        ("visitor", "v/1 &?", "person?id=v%2F1+%26%3F&as=visitor"),
        ("order", "o1", "person?id=o1&as=order"),
        ("kpi", "revenue", "kpi?metric=revenue"),
        ("metric", "nothing", ""),
        ("experiment", "banner", "experiments?experiment=banner"),
        ("funnel", "buy", "funnels?funnel=buy"),
        ("name", "segment_001", "overview?segment=segment_001"),
        ("visitor", None, ""),
        ("page", "/p", ""),
    ],
)
def test_names_lead_to_their_pages(column: str, value: Any, href: str) -> None:
    assert of_cell(column, value, PLAN) == href


@pytest.mark.parametrize(
    ("text", "head", "rest"),
    [
        ("short", "short", ""),
        ("a" * 50 + "; " + "b" * 20, "a" * 50, "b" * 20),
        ("a" * 30 + " (b; " + "c" * 12 + "); " + "d" * 30, "a" * 30 + " (b; " + "c" * 12 + ")", "d" * 30),
        ("a" * 90, "a" * 90, ""),
        ("a; " + "b" * 90 + "; c", "a; " + "b" * 90, "c"),
    ],
)
def test_a_long_finding_is_cut_where_a_thought_ends(text: str, head: str, rest: str) -> None:
    assert short(text, 60) == (head, rest)


def test_what_matters_is_said_first_and_what_is_said_already_is_folded() -> None:
    texts = [("info", "a note"), ("good", "better"), ("bad", "broken"), ("warning", "late"), ("warning", "in a row"),
             ("warning", "as told")]  # fmt: skip
    answer = Answer(
        "metric", {}, (Column("what"),), (("in a row",),), sentence="It is so, as told.",
        findings=tuple(Finding("x", severity, text) for severity, text in texts),
    )  # fmt: skip
    card = made(answer)
    assert [one.text for one in card.loud] == ["Broken", "Late", "Better"]
    assert [one.text for one in card.quiet] == ["In a row", "As told", "A note"]


def test_tiles_say_the_change_in_words() -> None:
    first, second, guard = made(odd.overview(), "tiles").tiles
    assert (first.title, first.direction, first.judged, first.change, first.beside) == (
        "Bestellabschlussquote nach versandkostenfreigrenzenunterschreitung", "down", "bad", "0.08 points",
        "−0.16 to −0.02 points",
    )  # fmt: skip
    assert first.settled == "final up to 30 Oct; 1,234 since then are still open"
    assert dict(first.deeper)["only those whose time is over"] == "1.28 %"
    assert (second.beside, second.long, first.long) == ("+5.6 to +13 %", True, False)
    assert (guard.guardrail, guard.judged, guard.spark) == (True, "bad", "")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.015, 0.00099, "−1.5 to +0.1"),
        (0.065, 0.15, "+6.5 to +15"),
        (-1.2, -0.00001, "−120 to −0.001"),
        (0.001, 0.0094, "+0.10 to +0.94"),
    ],
)
def test_the_ends_of_an_interval_are_rounded_alike(low: float, high: float, words: str) -> None:
    answer = odd.overview()
    places = {column.name: n for n, column in enumerate(answer.columns)}
    row = list(answer.rows[0])
    row[places["difference_low"]], row[places["difference_high"]] = low, high
    shown = made(replace(answer, rows=(tuple(row),)), "tiles").tiles[0]
    assert shown.beside.removeprefix("ordinary noise, ") == f"{words} points"


def test_a_small_line_is_solid_then_dashed_with_its_target() -> None:
    tile = made(odd.overview(), "tiles").tiles[0]
    assert [part in tile.spark for part in ("spark-line", "spark-open", "spark-hatch", "spark-target")] == [True] * 4
    assert "style=" not in tile.spark
    assert "target 2.00 %" in tile.alt


def test_a_change_within_the_noise_says_so() -> None:
    answer = odd.overview()
    places = {column.name: n for n, column in enumerate(answer.columns)}
    row = list(answer.rows[0])
    row[places["difference_high"]], row[places["change"]] = 0.002, "0.08 points down, noise"
    tile = made(replace(answer, rows=(tuple(row),)), "tiles").tiles[0]
    assert (tile.direction, tile.judged, tile.change, tile.beside) == (
        "none", "", "0.08 points down", "ordinary noise, −0.16 to +0.20 points",
    )  # fmt: skip


def test_a_funnel_has_a_bar_per_group_and_who_is_lost_between() -> None:
    stages = made(odd.funnel(), "funnel").made.stages
    assert [[bar.share for bar in stage.bars] for stage in stages] == [[1000, 1000], [333, 317], [0, 0]]
    assert stages[0].between == ()
    assert [(one.on, one.lost, one.median) for one in stages[1].between] == [
        ("33.3 %", "82,304,526", "1.0 days"), ("33.3 %", "28", "1.0 days")
    ]  # fmt: skip
    assert [stage.number for stage in stages] == [1, 2, 3]


def test_a_list_of_people_is_no_funnel() -> None:
    answer = replace(odd.funnel(), chart={"kind": "list"})
    assert made(answer, "funnel").made is None


def test_a_verdict_needs_health() -> None:
    ship = made(odd.readout("ship"), "verdict").made
    (one,) = ship.treatments
    assert (ship.red, one.word, one.tone) == ((), "Ship", "ship")
    assert one.text == "Bestellabschlussquote nach versandkostenfreigrenzenunterschreitung is better"
    assert (one.primary.mark, one.guardrails[0].mark) == ("smallest effect wanted: +5 %", "may not pass +2 points")
    assert one.money.span == "98,800,000 ¥ to 988,000,000 ¥"
    assert (one.money.expected, one.money.loss) == ("87,700,000 ¥", "under 1 %")
    assert one.money.why.startswith("The range is what this test alone measured")
    assert one.money.why.endswith(
        "drawn toward what tests usually bring, so they are more cautious than the range: effects are small."
    )
    red = made(odd.readout("abstain", ("health", "the split is not the planned one")), "verdict").made
    assert (red.treatments, red.red) == ((), ("The split is not the planned one",))
    assert [(pill.tone, pill.word) for pill in red.health] == [("bad", "split not as planned")]


def test_a_strip_holds_everything_inside() -> None:
    text = strip(None, 0.2, 0.1, [(0.05, "strip-wanted")], "good")
    assert 'x="0.0"' in text
    assert 'class="strip good"' in text
    assert strip(None, None, None, [], "") == ""
    assert "style=" not in text


def test_a_table_says_days_as_people_do_and_cuts_after_two_hundred() -> None:
    answer = Answer(
        "x", {}, (Column("first", "day"), Column("visitor")),
        tuple((date(2026, 9, 3), f"v{n}") for n in range(202)), as_of=odd.AS_OF,
    )  # fmt: skip
    table = made(replace(answer, question="sessions")).table
    assert (len(table.rows), table.more) == (200, 2)
    assert [(cell.text, cell.href) for cell in table.rows[0]] == [("Thu 3 Sep", ""), ("v0", "person?id=v0&as=visitor")]
    found = made(replace(answer, question="sessions"), wanted="V201")
    assert ([row[1].text for row in found.table.rows], found.sentence) == (["v201"], "1 of 202 hold “V201”.")


def test_ready_ranges_and_days_of_ones_own_exclude_each_other() -> None:
    own = View.of({"range": "7d", "from": "2024-03-05", "to": "2024-03-09", "by": "device"})
    assert (own.query(), own.days) == ("from=2024-03-05&to=2024-03-09&by=device", "5 Mar 2024 – 9 Mar 2024")
    assert [one.words for one in own.ranges() if one.picked] == []
    assert own.ranges()[0].query == "range=7d&by=device"
    month = View.of({"range": "last-month", "compare": "none"})
    assert (month.days, [one.words for one in month.ranges() if one.picked]) == ("Last month", ["Last month"])
    assert month.ranges()[1].query == "compare=none"
    assert [one.words for one in month.compares() if one.picked] == ["No comparison"]


def test_an_own_segment_stands_among_the_named() -> None:
    found = View.of({"segment": "device = 'watch'"}).segments(["mobile"])
    assert [(one.words, one.picked) for one in found] == [
        ("Everybody", False), ("device = 'watch'", True), ("mobile", False)
    ]  # fmt: skip


def test_without_comparison_is_not_asked_of_what_always_compares() -> None:
    view = View.of({"compare": "none", "range": "7d"})
    assert Card("x", "why", {"name": "a"}).asked(view) == {"range": "7d", "name": "a"}
    assert Card("x", "metric", {"names": "a"}).asked(view) == {"range": "7d", "compare": "none", "names": "a"}
    assert Card("x", "backlog").asked(view) == {}
