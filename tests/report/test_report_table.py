"""The terminal's table: what it says, how wide it is, how figures stand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.cells import cell_len

from assay.model.answer import Answer, Cell, Column
from assay.model.finding import Finding
from assay.report import Layout, grid, render
from assay.report.exporters.table import bar
from assay.report.words import interval


def answer(columns: tuple[Column, ...], *rows: tuple[Cell, ...], **more: object) -> Answer:
    return Answer("metric", {}, columns=columns, rows=rows, **more)  # type: ignore[arg-type]


def table(one: Answer, width: int = 100) -> list[str]:
    return render(one, "table", Layout(width)).splitlines()


def test_the_sentence_stands_first_and_next_last() -> None:
    found = Finding("gap", "warning", "no events on Monday", {}, "assay quality")
    lines = table(
        answer((), sentence="All is well.", findings=(found,), notes=("a note",), next=("assay a", "assay b"))
    )
    assert lines == [
        "All is well.",
        "",
        "warning: no events on Monday → assay quality",
        "",
        "a note",
        "",
        "next: assay a",
        "      assay b",
    ]


def test_details_are_one_click_down_and_intervals_one_column() -> None:
    columns = (
        Column("channel"),
        Column("rate", "rate"),
        Column("rate_low", "rate"),
        Column("rate_high", "rate"),
        Column("open", "count", detail=True),
    )
    lines = table(answer(columns, ("Direct", 0.0241, 0.0231, 0.0252, 7), ("Email", None, None, None, 0)))
    assert [line.split("  ")[0] for line in lines] == ["channel", "───────", "Direct", "Email"]
    assert "95 % interval" in lines[0]
    assert "open" not in lines[0]
    assert "2.31–2.52 %" in lines[2]
    assert lines[3].split() == ["Email", "–", "–"]


@pytest.mark.parametrize(
    ("low", "high", "column", "text"),
    [
        (0.0231, 0.0252, Column("a", "rate"), "2.31–2.52 %"),
        (-0.001, 0.003, Column("a", "rate"), "−0.100 to 0.300 %"),
        (Decimal("1.5"), Decimal(12), Column("a", "money", currency="EUR"), "1.50–12.00 €"),
        (10.0, 200.0, Column("a", "duration"), "10 s to 3 min 20 s"),
        (None, 0.5, Column("a", "rate"), "up to 50.0 %"),
        (None, None, Column("a", "rate"), "–"),
    ],
)
def test_intervals_say_their_unit_once(low: Cell, high: Cell, column: Column, text: str) -> None:
    assert interval(low, high, column) == text


def test_decimal_points_stand_under_each_other() -> None:
    texts = grid.align(["2.41 %", "0.853 %", "100 %", "–", "1,234.5 %"])
    points = {text.index(".") for text in texts if "." in text}
    assert len(points) == 1
    assert texts[2].index("100") + 3 == points.pop()
    assert len({len(text) for text in texts}) == 1


def test_funnels_have_bars() -> None:
    columns = (Column("step"), Column("units", "count"), Column("from_start", "rate"))
    one = answer(columns, ("view", 200, 1.0), ("cart", 50, 0.25), ("order", 0, 0.0), chart={"kind": "funnel"})
    lines = table(one)
    assert [line.count("█") for line in lines[2:]] == [24, 6, 0]


@pytest.mark.parametrize(
    ("share", "text"), [(0, ""), (0.0001, "▏"), (0.5, "██"), (1, "████"), (7, "████"), (0.28, "█▏")]
)
def test_a_bar_shows_eighths(share: float, text: str) -> None:
    assert bar(share, 4) == text


WIDE = (
    Column("page", label="page of the site"),
    *(Column(f"metric_number_{n}", "money", currency="EUR") for n in range(14)),
)


@pytest.mark.parametrize("width", [100, 80, 60])
def test_nothing_is_wider_than_the_width_and_no_figure_is_cut(width: int) -> None:
    path = "/a/very/long/path/that/never/ends/" + "x" * 120
    money = Decimal("123456789.12")
    one = answer(
        WIDE, (path, *([money] * 14)), ("日本語のとても長いページ名" * 6, *([None] * 14)), sentence="word " * 60
    )
    lines = table(one, width)
    assert max(cell_len(line) for line in lines) <= width
    assert sum(line.count("123,456,789 €") for line in lines) == 14


def test_long_meanings_wrap() -> None:
    one = answer((Column("name"), Column("meaning")), ("rate", "orders by sessions " * 20))
    lines = table(one)
    assert max(map(len, lines)) <= 100
    assert len(lines) > 5
    assert " ".join(" ".join(line[6:] for line in lines[2:]).split()) == ("orders by sessions " * 20).strip()


def test_colour_changes_nothing_but_colour() -> None:
    import re

    one = answer(
        (Column("a"),),
        ("x",),
        sentence="Said.",
        findings=(Finding("c", "bad", "broken"),),
        notes=("n",),
        next=("assay a",),
    )
    plain, coloured = (render(one, "table", Layout(colour=c)) for c in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_values_cannot_steer_the_terminal() -> None:
    out = render(answer((Column("page"),), ("a\x1b[2J\x07b\u202ec\nd",), sentence="s\x1b[31m"), "table")
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\u202e" not in out


def test_an_empty_answer_is_its_sentence_and_what_to_do() -> None:
    one = answer((), empty="no events yet", sentence="There are no events.", next=("assay demo DIR",))
    assert table(one) == ["There are no events.", "", "next: assay demo DIR"]


def test_words_stay_whole_and_figures_keep_their_unit() -> None:
    columns = (Column("metric"), Column("range"), Column("objective"))
    lines = table(answer(columns, ("contribution_per_visitor", "3.33 € to 18.16 €", "Grow with a profit " * 4)), 60)
    text = " ".join(" ".join(lines).split())
    assert "contribution_per_visitor" in text
    assert "3.33 €" in text
    assert "18.16 €" in text
    assert max(map(len, lines)) <= 60


def test_signed_intervals_and_instants() -> None:
    from datetime import UTC, datetime

    assert interval("+1.8 points", "+4.6 points", Column("a")) == "+1.8 to +4.6 points"
    assert (
        "Fri 1 Mar 2024 07:00 UTC" in table(answer((Column("hour", "day"),), (datetime(2024, 3, 1, 7, tzinfo=UTC),)))[2]
    )


def test_beside_thousands_hundreds_have_no_cents() -> None:
    column = Column("revenue", "money", currency="EUR")
    rows = ((Decimal("12826.18"),), (Decimal("853.09"),), (Decimal("9.10"),))
    assert [line.strip() for line in table(answer((column,), *rows))[2:5]] == ["12,826 €", "853 €", "9.10 €"]
    assert table(answer((column,), rows[1]))[2] == "853.09 €"


def test_a_long_list_is_cut_and_says_where_the_rest_is() -> None:
    columns = (Column("visitor"), Column("started", "moment"))
    rows = [(f"v{i}", "2026-09-03T02:34:30.120+02:00") for i in range(100)]
    lines = table(answer(columns, *rows, chart={"kind": "list"}))
    assert lines[2].endswith("Thu 3 Sep 2026 02:34")
    assert lines[-1] == "… and 60 more; --format csv has them all"
    assert render(answer(columns, *rows, chart={"kind": "list"}), "csv", Layout()).count("\n") == 101
