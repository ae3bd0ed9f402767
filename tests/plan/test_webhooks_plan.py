"""Webhooks in the plan: paths, conditions, and mistakes with file, line and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from assay.model.errors import PlanError
from assay.plan.check import check
from assay.plan.diff import diff
from assay.plan.load import loads, loads_with_lines
from assay.plan.paths import PathError, condition, place

DOCUMENT: dict[str, Any] = {
    "type": "deal.won", "n": 3, "text": "12.50", "yes": True, "no": False, "nothing": None, "list": [{"a": 1}, {"a": "x"}],
    "deep": {"er": {"est": "it's"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("type", "deal.won"), ("list.1.a", "x"), ("list[0].a", 1), ("deep.er.est", "it's"), ("'a ''text'''", "a 'text'"),
        ("list.7.a", None), ("type.deeper", None), ("list.a", None), ("missing", None), (" n ", 3),
    ],
)  # fmt: skip
def test_a_path_finds_its_value(text: str, value: Any) -> None:
    assert place(text).of(DOCUMENT) == value


@pytest.mark.parametrize("text", ["", "a..b", ".a", "a.", "a b", "'", "a[x]", "1", "a()", "a;b"])
def test_what_is_no_path_is_said(text: str) -> None:
    with pytest.raises(PathError, match="is no path"):
        place(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("type = 'deal.won'", True), ("type = 'deal.lost'", False), ("type != 'deal.lost'", True), ("type <> 'deal.won'", False),
        ("n = 3", True), ("n > 2 and n <= 3", True), ("n < -1", False), ("text > 12", True), ("text = 12.5", True), ("text = '12.5'", False),
        ("type in ('a', 'deal.won')", True), ("type not in ('a', 'b')", True), ("n in (1, 2)", False),
        ("nothing is null", True), ("missing is null", True), ("type is not null", True), ("missing is not null", False),
        ("yes", True), ("no", False), ("not no", True), ("yes = true and no = false", True), ("not (yes and no)", True),
        ("n = 1 or type = 'deal.won'", True), ("yes or no and no", True), ("(yes or no) and no", False), ("TYPE = 'x' OR yes", True),
        ("list[1].a = 'x'", False), ("list.1.a = 'x'", True), ("'deal.won' = type", True),
        # What is missing or of another kind makes a comparison unknown, and its contrary too.
        ("missing = 'x'", False), ("missing != 'x'", False), ("not missing = 'x'", False), ("not (missing in ('x'))", False),
        ("missing = 'x' or yes", True), ("type > 3", False), ("deep = 'x'", False), ("n", False), ("yes > 0", False), ("list = 1", False),
    ],
)  # fmt: skip
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    if "[" in text:
        with pytest.raises(PathError):
            condition(text)
        return
    assert condition(text).holds(DOCUMENT) is holds


@pytest.mark.parametrize(
    "text", ["", "type =", "= 'x'", "type = 'x", "type = deal won", "(type = 'x'", "type in 'x'", "type in ()", "a and", "not", "a is 3",
             "a = 1 = 2", "a like 'x'", "a; drop", "and", "a not 3", "(" * 3000, "not " * 600 + "a", "a" * 3000],
)  # fmt: skip
def test_a_condition_that_cannot_be_read_is_said(text: str) -> None:
    try:
        made = condition(text)
    except PathError as error:
        assert str(error)  # noqa: PT017
    else:
        assert made.holds({}) is False
        assert text.startswith("not not")


def generic(more: str = "", rule: str = "event: login") -> str:
    return (
        f"webhooks: {{g: {{kind: generic, secret: env:S, header: X, events: [{{{rule}}}]{', ' * bool(more)}{more}}}}}"
    )


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("webhooks: {s: {kind: strpe, secret: env:S}}", "did you mean 'stripe'?"),
        ("webhooks: {s: {kind: stripe, secret: whsec_123}}", "a secret never stands in the plan; write env:NAME"),
        ("webhooks: {s: {kind: stripe}}", "needs the key 'secret'"),
        ("webhooks: {s: {kind: stripe, secret: []}}", "must not be empty"),
        ("webhooks: {S p: {kind: stripe, secret: env:S}}", "the name is part of an address"),
        ("webhooks: {s: {kind: stripe, secret: env:S, header: X}}", "only a webhook of kind generic has it"),
        ("webhooks: {s: {kind: shopify, secret: env:S, refunds: charge}}", "only a webhook of kind stripe has it"),
        ("webhooks: {s: {kind: hubspot, secret: env:S}}", "hubspot signs the address; write url"),
        ("webhooks: {g: {kind: generic, secret: env:S, header: X}}", "needs events"),
        ("webhooks: {g: {kind: generic, secret: env:S, events: [{event: login}]}}", "needs header"),
        (generic("signed: '{timestamp}'"), "the body itself is not signed"),
        (generic("signed: '{body}', timestamp_header: T"), "the moment is not signed"),
        (generic("signed: '{timestamp}{body}'"), "{timestamp} needs timestamp_header"),
        (generic("signed: '{url}{body}'"), "{url} needs url"),
        (generic("tolerance: 5"), "is not a duration"),
        (generic("each: a..b"), "is no path"),
        (generic("map: {revenue: a, amount_minor: b}"), "revenue and amount_minor at once"),
        (generic(rule="event: login, whn: a"), "did you mean 'when'?"),
        (generic(rule="event: login, when: a ="), "ends too early"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_write(plan: str, said: str) -> None:
    with pytest.raises(PlanError) as found:
        loads(plan)
    assert said in str(found.value)
    assert "whsec_123" not in str(found.value)
    assert "assay.yaml:1: error: webhooks." in str(found.value)


def test_a_whole_one_loads() -> None:
    plan = loads(generic("timestamp_header: T, tolerance: 10m, secret_encoding: hex, map: {user: [a.b, \"'x'\"]}"))
    made = plan.webhooks["g"]
    assert (made.signature.signed, made.signature.timestamp_header, made.tolerance) == ("{timestamp}.{body}", "t", 600)
    assert [one.of({"a": {"b": 1}}) for one in made.map["user"]] == [1, "x"]
    assert loads("").webhooks == {}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("event: generate_led", "did you mean 'generate_lead'"), ("event: won", "which is not declared"),
        ("event: purchase, map: {oder_id: a}", "did you mean 'order_id'?"), ("event: login, map: {zz_top: a}", "declare it under events"),
        ("event: purchase, map: {coupon: a, revenue: b, id: c}", ""),
    ],
)  # fmt: skip
def test_check_names_events_and_fields_that_nobody_declared(rule: str, said: str) -> None:
    found = [one.text for one in check(*loads_with_lines(generic(rule=rule)))]
    assert ([said in one for one in found] == [True]) if said else found == []


def test_diff_says_what_changed_and_nothing_where_nothing_did() -> None:
    a, again, b = (loads(generic(rule=f"event: login, when: \"t = '{x}'\", map: {{user: a.b}}")) for x in "xxy")
    assert diff(a, again) == []
    (one,) = diff(a, b)
    assert (one.section, one.name) == ("webhooks", "g")
    assert "t = 'x' → t = 'y'" in one.text
