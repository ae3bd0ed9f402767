"""What a notebook shows: figures as people read them, nothing that a page would run."""

from __future__ import annotations

from decimal import Decimal

import assay.workspace  # noqa: F401 - it says how an answer becomes HTML
from assay.model.answer import Answer, Column
from assay.model.finding import Finding

COLUMNS = (
    Column("page"),
    Column("rate", "rate"),
    Column("rate_low", "rate"),
    Column("rate_high", "rate"),
    Column("revenue", "money", currency="EUR"),
    Column("open", "count", detail=True),
)


def test_figures_read_as_in_the_terminal() -> None:
    found = Finding("gap", "warning", "no events on Monday", {}, "assay quality")
    rows = (("/a", 0.22969238436098402, 0.2, 0.3, Decimal("1234.500000"), 3), ("/b", None, None, None, None, 0))
    html = Answer("x", {}, COLUMNS, rows, sentence="All < well.", findings=(found,), notes=("a note",))._repr_html_()
    for text in ("All &lt; well.", ">23.0 %<", ">20.0–30.0 %<", ">1,234 €<", ">–<", "warning: no events", "a note"):
        assert text in html
    assert "22969238" not in html
    assert "open" not in html


def test_values_cannot_become_tags() -> None:
    html = Answer("x", {}, (Column("page"),), (("<script>alert(1)</script>",),), sentence="")._repr_html_()
    assert "<script>" not in html


def test_many_rows_are_cut_and_said() -> None:
    html = Answer("x", {}, (Column("n", "count"),), tuple((n,) for n in range(1000)), sentence="")._repr_html_()
    assert html.count("<tr>") == 201
    assert "800 more rows" in html
