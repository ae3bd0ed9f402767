"""The PDF: one page for executives, every KPI in its text, nothing beyond its margins, readable in black and white."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reported

from assay.cli.run import run
from assay.report.seal import Made
from assay.report.writers import BY_SUFFIX
from assay.workspace import Workspace

pytestmark = pytest.mark.soak

pdfium = pytest.importorskip("pypdfium2")
try:
    import weasyprint  # noqa: F401
except (ImportError, OSError) as error:  # OSError: Pango is not on this machine
    pytest.skip(f"PDF cannot be made here: {error}", allow_module_level=True)
MARGIN = 36.0  # points: the page's margins are wider


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = reported.shop(tmp_path_factory.mktemp("printed") / "shop", amount="98765.43")
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(ws: Workspace) -> Made:
    return reported.report(ws)


@pytest.fixture(scope="module")
def printed(made: Made) -> Any:
    return pdfium.PdfDocument(BY_SUFFIX["pdf"].write(made))


def words(page: Any) -> str:
    return " ".join(page.get_textpage().get_text_bounded().replace("\u00a0", " ").replace("\ufffe", "").split())


def joined(text: str) -> str:
    """Without spaces and hyphens: words may be broken at the end of a line."""
    return re.sub(r"[\s\u00a0-]", "", text).lower()


def test_the_first_page_is_one_page_and_each_kpi_has_its_own(printed: Any, made: Made) -> None:
    first, second = words(printed[0]), words(printed[1])
    assert "What we do next" in first
    assert "What experiments decided" in first
    assert second.startswith("Revenue")
    assert len(printed) == 2 + len([page for page in made.document.pages if page.name != "summary"])
    text = joined(" ".join(words(printed[n]) for n in range(1, len(printed))))
    for page in made.document.pages[1:]:
        assert joined(page.title) in text
    assert "1 of 5" in first


def test_text_holds_every_figure_of_the_first_page(printed: Any, made: Made) -> None:
    text = joined(words(printed[0]))
    for name in (
        "15,400,000 €",
        "22,900 €",
        "23.2 %",
        "55,600,000 €",
        "off track",
        "not shown",
        "+31 (+26 to +35) points",
    ):
        assert joined(name) in text
    assert "ةوهقلا" in text or "القهوة" in text  # what is read from right to left, in one order or the other


def test_nothing_stands_beyond_the_margins_and_pictures_are_not_empty(printed: Any) -> None:
    for page in printed:
        width, _ = page.get_size()
        text = page.get_textpage()
        for n in range(text.count_rects()):
            left, _, right, _ = text.get_rect(n)
            assert left > MARGIN
            assert right < width - MARGIN
        grey = page.render(scale=1, grayscale=True).to_numpy()
        assert grey.min() < 90  # ink is dark enough without colour
        assert (grey > 250).mean() > 0.5


def test_it_is_tagged_titled_and_has_bookmarks(printed: Any) -> None:
    assert printed.get_metadata_value("Title") == reported.HOSTILE
    assert printed.is_tagged()
    marks = [joined(mark.get_title()) for mark in printed.get_toc()]
    for name in ("Revenue", "RPV", reported.LONG, "Definitions and footnotes", "What changed, and why"):
        assert joined(name) in marks


def test_many_kpis_still_leave_one_first_page(tmp_path: Path) -> None:
    head, rest = reported.plan().split("\nfunnels:")
    more = "\n".join(
        f"  k{n}_{reported.LONG}: {{objective: grow, target: 90% by 2026-06-30}}" for n in range(9)
    )  # fmt: skip
    metrics = "\n".join(f"  k{n}_{reported.LONG}: {{type: conversion, goal: order, per: visitor}}" for n in range(9))
    text = f"{head}\n{more}\nfunnels:{rest}".replace("\nkpis:", f"\n{metrics}\nkpis:")
    from support import workspace

    with workspace(tmp_path / "shop", text, reported.events()[:900], now=reported.NOW) as ws:
        (ws.folder / "logo.svg").write_text(reported.LOGO, encoding="utf-8")
        made = reported.report(ws)
    document = pdfium.PdfDocument(BY_SUFFIX["pdf"].write(made))
    assert "What we do next" in words(document[0])
    assert "On pages of their own" in words(document[0])
    assert words(document[1]).startswith("Revenue")


def test_without_the_extra_it_says_what_to_install(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert run(["report", "-w", str(ws.folder), "--out", str(tmp_path / "r.pdf")]) == 2
    assert 'pip install "assay[pdf]"' in capsys.readouterr().err
    assert not (tmp_path / "r.pdf").exists()
