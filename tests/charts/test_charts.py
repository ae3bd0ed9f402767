"""Each kind of chart against figures by hand: what is drawn, what the words say, and what is not drawn."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.charts import KINDS, WITHOUT, Chart, chart, spark
from assay.model.answer import Answer, Column
from assay.workspace import Workspace

DAYS = {"from_": date(2024, 1, 1), "to": date(2024, 1, 3)}


def drawn(answer: Answer) -> Chart:
    made = chart(answer)
    assert made is not None
    json.dumps(asdict(made), allow_nan=False)  # plain JSON
    assert made.title == answer.sentence
    assert made.alt
    assert made.subtitle
    return made


def series(made: Chart, kind: str) -> list[dict[str, Any]]:
    return [one for one in made.option["series"] if one["type"] == kind or one.get("renderItem") == kind]


def values(one: dict[str, Any]) -> list[Any]:
    return [point["value"] for point in one["data"]]


def made_up(spec: dict[str, Any], columns: list[Column], rows: list[tuple[Any, ...]]) -> Answer:
    return Answer("made-up", {}, tuple(columns), tuple(rows), sentence="As it is.", chart=spec)


def test_every_kind_of_the_analyses_is_drawn_or_known_to_have_no_picture() -> None:
    asked = set()
    for path in (Path(assay.__file__).parent / "analyses").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "chart" and isinstance(node.value, ast.Dict):
                asked |= {
                    text.value
                    for key, value in zip(node.value.keys, node.value.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "kind"
                    for text in ast.walk(value)
                    if isinstance(text, ast.Constant) and text.value is not None
                }
    assert asked - {kind.KIND for kind in KINDS} - set(WITHOUT) == set()
    assert len(asked) > 12


def test_each_file_says_its_kind_once() -> None:
    names = [kind.KIND for kind in KINDS]
    assert len(set(names)) == len(names)
    assert [kind.__name__.rpartition(".")[2] for kind in KINDS] == names


def test_a_line_by_day_with_a_mark(shop: Workspace) -> None:
    made = drawn(shop.ask("metric", names=["rate"], grain="day", **DAYS))
    (line,) = series(made, "line")
    assert values(line) == [25.0, 50.0, 0.0]
    assert made.option["xAxis"][0]["data"] == ["1 Jan", "2 Jan", "3 Jan"]
    assert [(m["xAxis"], m["label"]["formatter"]) for m in line["markLine"]["data"]] == [(1, "New checkout")]
    assert "first 25.0 % (1 Jan), last 0 % (3 Jan)" in made.alt
    assert "highest 2 Jan with 50.0 %, lowest 3 Jan with 0 %" in made.alt
    assert series(made, "band")


def test_groups_have_names_at_their_ends(shop: Workspace) -> None:
    made = drawn(shop.ask("metric", names=["rate"], grain="day", by=["device"], **DAYS))
    (names,) = series(made, "ends")
    found = dict(zip(names["itemPayload"]["texts"], names["data"], strict=True))
    assert found == {"mobile": [2, 0.0], "desktop": [2, 0.0]}
    assert {line["name"]: values(line) for line in series(made, "line")}["mobile"] == [50.0, 100.0, 0.0]
    assert not series(made, "band")  # bands of several would hide each other


def test_a_week_that_is_not_whole_is_dashed(shop: Workspace) -> None:
    made = drawn(shop.ask("metric", names=["rate"], grain="week", **DAYS))
    solid, dashed = series(made, "line")
    assert values(solid) == [None]
    assert values(dashed) == [25.0]  # two of eight
    assert "dashed: not over yet" in made.subtitle


def test_bars_begin_at_zero(shop: Workspace) -> None:
    made = drawn(shop.ask("metric", names=["rate"], by=["device"], **DAYS))
    (bars,) = series(made, "bar")
    assert dict(zip(made.option["yAxis"]["data"], values(bars), strict=True)) == {"mobile": 50.0, "desktop": 0.0}
    assert made.option["xAxis"]["min"] == 0
    assert "highest mobile with 50.0 %, lowest desktop with 0 %" in made.alt


def test_one_row_is_one_bar(shop: Workspace) -> None:
    made = drawn(shop.ask("metric", names=["revenue"], **DAYS))
    assert values(series(made, "bar")[0]) == [80.0]
    assert made.alt == "Bars: revenue: 80.00 €."


def test_no_rows_no_chart(shop: Workspace) -> None:
    assert chart(shop.ask("metric", names=["rate"], grain="day", from_=date(2023, 1, 1), to=date(2023, 1, 3))) is None
    assert chart(made_up({"kind": "bars", "x": "a", "y": "b"}, [Column("a"), Column("b", "count")], [])) is None
    assert chart(made_up({"kind": "table"}, [Column("a")], [("x",)])) is None


def test_two_hundred_segments_are_cut_and_counted() -> None:
    rows = [(f"segment {n}", n) for n in range(200, 0, -1)]
    made = drawn(made_up({"kind": "bars", "x": "s", "y": "n"}, [Column("s"), Column("n", "count")], rows))
    assert len(values(series(made, "bar")[0])) == 15
    assert "and 185 more in the table" in made.subtitle
    assert "lowest segment 1 with 1" in made.alt


def test_nine_digits_of_money_are_millions_on_the_axis_and_whole_in_words() -> None:
    columns = [Column("s"), Column("r", "money", currency="EUR")]
    made = drawn(made_up({"kind": "bars", "x": "s", "y": "r"}, columns, [("all", Decimal("987654321.00"))]))
    assert values(series(made, "bar")[0]) == [987.654321]
    assert "million EUR" in made.subtitle
    assert "987,654,321 €" in made.alt


def test_a_funnel(shop: Workspace) -> None:
    made = drawn(shop.ask("funnel", name="shop", **DAYS))
    assert values(series(made, "bar")[0]) == [8.0, 2.0]
    assert made.alt == "Funnel. view_item 8, purchase 2 (25.0 %)."
    compared = drawn(shop.ask("funnel", name="shop", by=["device"], **DAYS))
    assert {one["name"]: values(one) for one in series(compared, "bar")} == {
        "mobile": [100.0, 50.0],
        "desktop": [100.0, 0.0],
    }


def test_parts_of_a_waterfall_begin_where_the_one_before_ends() -> None:
    columns = [Column("part"), Column("value"), Column("adds", "points")]
    rows = [("all", "rate", -0.03), ("mix", "by device", -0.04), ("rate", "within", 0.01), ("device", "mobile", -0.03)]
    made = drawn(made_up({"kind": "waterfall", "x": "value", "y": "adds"}, columns, rows))
    assert values(series(made, "span")[0]) == [[0, 0.0, -4.0], [1, -4.0, -3.0], [2, 0.0, -3.0]]
    assert "by device −4.0 points; within +1.0 points; together −3.0 points" in made.alt


@pytest.mark.parametrize(("low", "high", "tone"), [(0.01, 0.05, "@accent"), (-0.01, 0.07, "@surface")])
def test_a_difference_that_may_be_noise_is_hollow(low: float, high: float, tone: str) -> None:
    columns = [Column("s"), *(Column(n, "points") for n in ("difference", "difference_low", "difference_high"))]
    made = drawn(made_up({"kind": "whiskers", "x": "s", "y": "difference"}, columns, [("mobile", 0.03, low, high)]))
    (point,) = series(made, "scatter")[0]["data"]
    assert (point["value"], point["itemStyle"]["color"]) == ([3.0, 0], tone)
    assert series(made, "whisker")[0]["data"][0]["value"] == pytest.approx([0, low * 100, high * 100])


def test_an_interval_far_out_is_an_arrow_at_the_edge() -> None:
    columns = [Column("metric"), *(Column(n, "number") for n in ("lift_value", "lift_low", "lift_high"))]
    rows = [("a", 0.1, 0.05, 0.2), ("b", -0.1, -0.2, 0.02), ("c", 5.0, 2.0, 9.0)]
    spec = {"kind": "intervals", "x": "lift_value", "low": "lift_low", "high": "lift_high", "y": "metric"}
    made = drawn(made_up(spec, columns, rows))
    assert [(p["value"][0], p["symbol"]) for p in series(made, "scatter")[0]["data"]][2] == (40.0, "triangle")
    assert "c 500 % (200 % to 900 %)" in made.alt


def test_a_way_back_is_no_circle() -> None:
    columns = [Column("depth", "count"), Column("from"), Column("to"), Column("units", "count", "visitors")]
    rows = [(1, "/", "/a", 5), (2, "/a", "/", 3), (1, "(other)", "(other)", 9)]
    spec = {"kind": "sankey", "from": "from", "to": "to", "value": "units", "depth": "depth"}
    (flow,) = drawn(made_up(spec, columns, rows)).option["series"]
    assert [(one["source"], one["target"], one["value"]) for one in flow["links"]] == [
        ("1 /", "2 /a", 5),
        ("2 /a", "3 /", 3),
    ]


def test_a_sequence_names_the_first_day_away_from_zero() -> None:
    columns = [Column("day", "day"), Column("variant"), *(Column(n, "figure") for n in ("difference", "low", "high"))]
    rows = [(date(2024, 1, 1), "b", 1.0, -4.0, 6.0), (date(2024, 1, 2), "b", 2.0, 0.5, 3.5)]
    spec = {"kind": "sequence", "x": "day", "y": "difference", "low": "low", "high": "high", "by": "variant"}
    made = drawn(made_up(spec, columns, rows))
    assert series(made, "band")[0]["data"] == [[0, -4.0, 6.0], [1, 0.5, 3.5]]
    assert "last 2.00 (0.500 to 3.50), away from zero first on 2024-01-02" in made.alt


def test_retention_and_lifecycle_and_time(shop: Workspace) -> None:
    grid = drawn(shop.ask("retention", period="day", periods=2, **DAYS))
    assert series(grid, "cell")[0]["data"][0]["value"] == [0, 0, 0.0]  # nobody comes back on the next day
    cycle = drawn(shop.ask("lifecycle", period="day", **DAYS))
    new = next(one for one in series(cycle, "bar") if one["name"] == "new")
    assert values(new) == [4.0, 2.0, 2.0]
    steps = drawn(shop.ask("time-to", name="order", **DAYS))
    assert values(series(steps, "line")[0])[-1][1] == 25.0
    marks = drawn(shop.ask("changes", **DAYS))
    assert values(series(marks, "scatter")[0]) == [[1, 0]]


def test_tiles_and_pace() -> None:
    names = ("before", "difference", "difference_low", "difference_high")
    tiles = [Column("kpi"), Column("change"), *(Column(n, "figure") for n in names)]
    made = drawn(made_up({"kind": "tiles", "metrics": ["a"]}, tiles, [("a", "up", 10.0, 1.0, 0.5, 1.5)]))
    assert series(made, "scatter")[0]["data"][0]["value"] == [10.0, 0]
    told = [Column(n) for n in ("kpi", "target_words", "now", "should_words", "end", "interval", "standing")]
    figures = [Column(n, "figure") for n in ("so_far", "should", "target", "expected", "low", "high")]
    row = ("a", "20", "10", "15", "18", "16 to 22", "off track", 10.0, 15.0, 20.0, 18.0, 16.0, 22.0)
    pace = drawn(made_up({"kind": "pace", "metrics": ["a"]}, [*told, *figures], [row]))
    assert values(series(pace, "bar")[0]) == [50.0]
    assert series(pace, "whisker")[0]["data"][0]["value"] == [0, 80.0, 110.0]


def test_a_sparkline(shop: Workspace) -> None:
    answer = shop.ask("metric", names=["rate"], grain="day", **DAYS)
    made = spark(answer, "rate", target=0.4)
    assert made is not None
    assert made.alt.startswith("rate: first 25.0 % (1 Jan), last 0 % (3 Jan)")
    assert re.search(r'spark-line" d="M3\.0 20\.0L80\.0 3\.0L157\.0 37\.0"', made.svg)
    assert "style=" not in made.svg
    assert spark(answer, "unknown") is None


def test_colours_are_tokens(shop: Workspace) -> None:
    text = json.dumps(drawn(shop.ask("funnel", name="shop", by=["device"], **DAYS)).option)
    assert "#" not in text
    assert "@series" in text


def test_columns_stay_slim_and_a_single_day_is_told_by_a_bar_for_each_term() -> None:
    columns = [Column("day", "day"), Column("stored", "count"), Column("rejected", "count"), Column("spool", "count")]
    spec = {"kind": "bars", "x": "day", "y": ["stored", "rejected", "spool"]}
    rows = [(date(2024, 1, 1), 900, 7, 0), (date(2024, 1, 2), 40, 0, 0)]
    made = drawn(made_up(spec, columns, rows))
    assert [one["barMaxWidth"] for one in series(made, "bar")] == [24, 24]
    single = drawn(made_up(spec, columns, rows[:1]))
    assert single.option["yAxis"]["data"] == ["stored", "rejected"]
    assert [values(one) for one in series(single, "bar")] == [[900.0, 7.0]]
    assert single.subtitle == "all of it on 1 Jan"


def test_months_are_called_by_their_names() -> None:
    columns = [Column("month", "day"), Column("rate", "rate")]
    rows = [(date(2023, 12, 1), 0.1), (date(2024, 1, 1), 0.2)]
    bars = drawn(made_up({"kind": "bars", "x": "month", "y": "rate"}, columns, rows))
    line = drawn(made_up({"kind": "line", "x": "month", "y": ["rate"]}, columns, rows))
    for made in (bars, line):
        axis = made.option["xAxis"] if made is bars else made.option["xAxis"][0]
        assert axis["data"] == ["Dec 2023", "Jan 2024"]
        assert "Jan 2024" in made.alt
    assert bars.subtitle == "rate by month"
