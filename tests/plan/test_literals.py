from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assay.plan import literals
from assay.plan.values import Share, Target


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), (" 7 d ", 604_800)],
)
def test_duration(text: str, seconds: int) -> None:
    assert literals.duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["7", "7 days", "-7d", "0d", "1.5h", "", "none", 30, None, True, [], "9999999999d", "999999999d", "٧d"]
)
def test_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        literals.duration(value)


def test_none_is_a_duration_only_where_allowed() -> None:
    assert literals.duration_or_none("none") is None
    assert literals.duration_or_none("1h") == 3600


@pytest.mark.parametrize(
    ("text", "value", "relative"),
    [
        ("+10% by 2026-12-31", 0.1, True),
        ("-5% by 2026-12-31", -0.05, True),
        ("2.5 by 2026-12-31", 2.5, False),
        ("2.5% by 2026-12-31", 0.025, False),
    ],
)
def test_target(text: str, value: float, relative: bool) -> None:
    assert literals.target(text) == Target(pytest.approx(value), relative, date(2026, 12, 31), text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["+10 by 2026-12-31", "10%", "10% by Christmas", "+10% by 2026-02-30", 10, None])
def test_no_target(text: object) -> None:
    with pytest.raises(ValueError):
        literals.target(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        (2026, date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-07-01..2026-09-30", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026-07-01 to 2026-09-30", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026-07..2026-09", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026-07-01", date(2026, 7, 1), date(2026, 7, 1)),
    ],
)
def test_baseline(text: object, first: date, last: date) -> None:
    assert literals.baseline(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["2026-Q5", "2026-13", "26", "", "last month", "2026-09..2026-07", "0000", "9999", None, [], True, 1e9]
)
def test_no_baseline(text: object) -> None:
    with pytest.raises(ValueError):
        literals.baseline(text)


def test_share_is_a_rate_or_a_property() -> None:
    assert literals.share("55%") == Share(rate=Decimal("0.55"))
    assert literals.share(0.55) == Share(rate=Decimal("0.55"))
    assert literals.share("shipping") == Share(property="shipping")
    for wrong in ("155%", "x%", 55, -0.1, None, [], ""):
        with pytest.raises(ValueError):
            literals.share(wrong)


def test_words() -> None:
    assert [literals.words(s) for s in (604_800, 5400, 90, 7200)] == ["7 d", "90 min", "90 s", "2 h"]
    assert [literals.compact(s) for s in (604_800, 5400, 90)] == ["7d", "90m", "90s"]
