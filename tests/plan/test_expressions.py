from __future__ import annotations

import pytest

from assay.plan.expressions import ExpressionError, arithmetic, both, parse
from assay.plan.measures import Expression

NAMES = {
    "device": "text",
    "country": "text",
    "duration": "number",
    "is_new": "boolean",
    "seen": "timestamp",
    "items": "items",
    "order": "text",
}


@pytest.mark.parametrize(
    ("text", "normal", "names"),
    [
        ("device='mobile'", "device = 'mobile'", ("device",)),
        ("  device  ==  'mobile'  ", "device = 'mobile'", ("device",)),
        ("(device = 'mobile')", "device = 'mobile'", ("device",)),
        ("device in ('a','b') AND NOT is_new", "device IN ('a', 'b') AND NOT is_new", ("device", "is_new")),
        (
            "duration between 1 and 2 or country is not null",
            "duration BETWEEN 1 AND 2 OR NOT country IS NULL",
            ("country", "duration"),
        ),
        ("starts_with(lower(country), 'd')", "STARTS_WITH(LOWER(country), 'd')", ("country",)),
        (
            "contains(country, 'x') and country not like '%y'",
            "CONTAINS(country, 'x') AND country NOT LIKE '%y'",
            ("country",),
        ),
        ("coalesce(duration, 0) * 2 + 1 > -3", "COALESCE(duration, 0) * 2 + 1 > -3", ("duration",)),
        ("seen > '2026-01-01'", "seen > '2026-01-01'", ("seen",)),
        ("is_new", "is_new", ("is_new",)),
        ("is_new = true", "is_new = TRUE", ("is_new",)),
        ("\"order\" = 'x' /* why */", "\"order\" = 'x'", ("order",)),
    ],
)
def test_normal_form(text: str, normal: str, names: tuple[str, ...]) -> None:
    assert parse(text, NAMES) == Expression(normal, names)
    assert parse(normal, NAMES) == Expression(normal, names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devise = 'x'", "did you mean 'device'"),
        ("Device = 'x'", "did you mean 'device'"),
        ("device = mobile", "no dimension or declared property 'mobile'"),
        ('device = "mobile"', "single quotes"),
        ("device", "not a condition"),
        ("duration + 1", "not a condition"),
        ("duration = 'x'", "compares"),
        ("duration in (1, 'x')", "compares"),
        ("duration between 'a' and 'b'", "compares"),
        ("coalesce(duration, 'x') = 1", "compares"),
        ("lower(duration) = 'x'", "takes text"),
        ("duration like 'x'", "takes text"),
        ("device + 1 = 2", "takes a number"),
        ("device and is_new", "takes a boolean"),
        ("not device", "takes a boolean"),
        ("device = null", "is null"),
        ("device is true", "null only"),
        ("null", "always null"),
        ("items = 'x'", "item_id"),
        ("e.device = 'x'", "has a dot"),
        ("a.b.c = 'x'", "has a dot"),
        ("device in (select 1)", "list of values"),
        ("device in ()", "list of values"),
        ("device in country", "list of values"),
        ("exists(select 1)", "no place"),
        ("(select true)", "no place"),
        ("is_new; drop table events", "no place"),
        ("is_new union select true", "no place"),
        ("upper(device) = 'x'", "no place"),
        ("read_text('/etc/passwd') = 'x'", "no place"),
        ("count(*) > 1", "no place"),
        ("cast(device as int) = 1", "no place"),
        ("device::int = 1", "no place"),
        ("device->>'x' = 'a'", "no place"),
        ("device[1] = 'a'", "no place"),
        ("device || 'x' = 'a'", "no place"),
        ("device ilike 'x'", "no place"),
        ("duration // 2 = 1", "no place"),
        ("case when is_new then true end", "no place"),
        ("device = ?", "no place"),
        ("device = $1", "no place"),
        ("*", "no place|something is missing"),
        ("x -> x", "no place"),
        ("is_new as y", "no place"),
        ("current_date = seen", "no place"),
        ("device = ", "something is missing"),
        ("device = 'x", "quotation mark"),
        ("", "nothing in it"),
        ("and", "cannot read"),
        ("(" * 500 + "is_new" + ")" * 500, "too deeply"),
        ("not " * 900 + "is_new", "too deeply"),
        ("is_new or " * 900 + "is_new", "longer than"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text, NAMES)


def test_nested_coalesce_is_quick() -> None:
    parse("coalesce(" * 30 + "duration" + ", 1)" * 30 + " = 1", NAMES)


def test_arithmetic() -> None:
    assert (
        arithmetic("contribution/revenue", {"contribution": "number", "revenue": "number"}).text
        == "contribution / revenue"
    )
    with pytest.raises(ExpressionError, match="not a number"):
        arithmetic("a > 1", {"a": "number"})


def test_both_keeps_each_side_together() -> None:
    a, b = Expression("x OR y", ("x", "y")), Expression("z", ("z",))
    assert both(a, b) == Expression("(x OR y) AND (z)", ("x", "y", "z"))
    assert both(a, None) == both(None, a) == both(a, a) == a
    assert both(None, None) is None
