"""The report says what its answers say, in every format; names cannot become tags; nothing hidden gets out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import reported
from reported import CURRENCIES, HOSTILE, LONG

from assay.cli.run import run
from assay.decide.words import show
from assay.model.answer import Column
from assay.report.document import Items, Said, Table
from assay.report.reading import answer_of, at
from assay.report.seal import Made, figures, seal, verified
from assay.report.view import rounded
from assay.report.writers import BY_SUFFIX
from assay.workspace import Workspace, unfinished
from support import workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = reported.shop(tmp_path_factory.mktemp("reported") / "shop", amount="98765.43")
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(ws: Workspace) -> Made:
    return reported.report(ws)


class Words(HTMLParser):
    """The text that a browser shows, and the tags that it makes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.shown: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", " ".join(self.shown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def shown_in(made: Made, suffix: str) -> str:
    text = BY_SUFFIX[suffix].write(made).decode()
    return Words(text).text if suffix == "html" else re.sub(r"\\(.)", r"\1", text)


def cells(sealed: Any) -> list[tuple[str, Any, dict[str, Any]]]:
    """Text, exact value and row of every KPI's figure of the days, looked up in the sealed answers."""
    overview = sealed["answers"]["overview"]
    names = [column["name"] for column in overview["columns"]]
    found = []
    for row in overview["rows"]:
        record = dict(zip(names, row, strict=True))
        value = answer_of(overview).rows[overview["rows"].index(row)][names.index("value")]
        column = Column("value", record["kind"], currency="EUR")
        short = rounded(value) if record["kind"] == "money" else value  # type: ignore[arg-type]
        found.append((show(short, column), record["value"], record))
    return found


def test_figures_in_html_and_markdown_are_the_cells_of_the_sealed_answers(made: Made) -> None:
    shown = {suffix: shown_in(made, suffix).replace("\u00a0", " ") for suffix in ("html", "md")}
    assert len(cells(made.sealed)) == 3
    for text, _, record in cells(made.sealed):
        for suffix, words in shown.items():
            assert text in words, (suffix, record["kpi"])
    for one in made.sealed["figures"]:
        for suffix, words in shown.items():
            assert " ".join(one["text"].split()) in " ".join(words.replace("*", "").split()), (suffix, one)


def test_each_figure_keeps_its_exact_value(made: Made) -> None:
    values = made.sealed["figures"]
    assert len(values) > 60
    for one in values:
        for source, exact in one["exact"].items():
            assert at(made.sealed["answers"], source) == exact
    exact = [value for one in values for source, value in one["exact"].items() if source == "overview/rows/0/value"]
    assert exact[0] == cells(made.sealed)[0][1]
    assert re.fullmatch(r"\d{8}\.\d\d", exact[0])


def test_names_cannot_become_tags(made: Made) -> None:
    page = Words(BY_SUFFIX["html"].write(made).decode())
    assert HOSTILE in page.text
    assert "script" not in page.tags
    assert page.tags.count("img") == 1  # the logo
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    fetched = [value for name, value in page.attributes if name in ("src", "href") and value]
    assert [one for one in fetched if not one.startswith(("data:image/", "#"))] == []
    markdown = BY_SUFFIX["md"].write(made).decode()
    assert "<script" not in markdown.replace("\\<script", "")
    assert "<img" not in markdown.replace("\\<img", "")


def test_a_test_with_a_broken_split_shows_no_effect(ws: Workspace, made: Made) -> None:
    one = reported.report(ws, "crooked")
    text = shown_in(one, "md")
    assert "The split is not the planned one" in text
    assert "Effect of treatment: *not shown*" in text
    assert not re.search(r"[+−][\d.]+ \([+−]", text)
    first = made.document.pages[0]
    (table,) = [b for b in first.blocks if isinstance(b, Table) and b.titles[0] == "Test"]
    effects = {row[0].text: row[2].text for row in table.rows}
    assert effects["Crooked"] == "not shown"
    assert effects["Big button"].startswith("+")
    (asked,) = [b for b in first.blocks if isinstance(b, Items) and b.call]
    assert asked.items[0].text.startswith("Crooked: no verdict is possible.")
    assert asked.items[1].text.startswith("Big button waits for a decision. Ship the new variant")


def test_a_decision_is_no_longer_asked_for(tmp_path: Path) -> None:
    with reported.shop(tmp_path / "shop") as ws:
        ws.decide_experiment("big_button", "ship", "more buy")
        made = reported.report(ws)
        (asked,) = [b for b in made.document.pages[0].blocks if isinstance(b, Items) and b.call]
        assert not any("Big button" in one.text for one in asked.items)
        text = shown_in(reported.report(ws, "big_button"), "md")
    assert "more buy" in text
    assert "| Ship" in text or "ship" in text


def test_rates_are_told_in_points_never_in_percent(made: Made) -> None:
    overview = made.sealed["answers"]["overview"]
    names = [column["name"] for column in overview["columns"]]
    kinds = {row[names.index("kpi")]: row[names.index("kind")] for row in overview["rows"]}
    assert kinds[LONG] == "rate"
    (board,) = [
        b for b in made.document.pages[0].blocks if isinstance(b, Table) and len(b.titles) == 5 and b.right == (1,)
    ]
    change = next(row[2] for row in board.rows if row[0].text.lower() == LONG)
    assert "%" not in change.text


def test_a_sound_file_is_verified_and_every_tampering_found(made: Made) -> None:
    text = json.dumps(made.sealed)
    assert verified(json.loads(text), made.sealed["assay"]).wrong == ()

    def tampered(change: Any, again: bool = True) -> tuple[str, ...]:
        values = json.loads(text)
        change(values)
        if again:
            values["seal"] = seal(values)
        return verified(values, made.sealed["assay"]).wrong

    def headline(values: Any) -> None:
        values["document"]["pages"][0]["blocks"][0]["said"]["text"] = "All is well."

    def number(values: Any) -> None:
        place = [c["name"] for c in values["answers"]["overview"]["columns"]].index("value")
        values["answers"]["overview"]["rows"][0][place] = "99999999.00"

    def exact(values: Any) -> None:
        source = next(iter(values["figures"][3]["exact"]))
        values["figures"][3]["exact"][source] = "1.00"

    assert any("All is well." in one for one in tampered(headline))
    assert any("overview/rows/0/value" in one for one in tampered(number))
    assert any("'1.00'" in one for one in tampered(exact))
    assert tampered(lambda v: v.update(data="other"), again=False) == (
        "the seal does not fit: something in the file was changed after it was made",
    )
    assert "damaged" in tampered(lambda v: v["answers"].pop("overview"))[0]


def test_the_verb_checks_a_file(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(BY_SUFFIX["json"].write(made))
    assert run(["report", "verify", str(path)]) == 0
    assert "the seal fits" in capsys.readouterr().out
    path.write_text(path.read_text(encoding="utf-8").replace("15407407", "15407408", 1), encoding="utf-8")
    assert run(["report", "verify", str(path)]) == 1
    assert "the seal does not fit" in capsys.readouterr().out
    path.write_text("{}", encoding="utf-8")
    assert run(["report", "verify", str(path)]) == 2


SHORT = ("EUR", "JPY", "KWD")  # two, no and three places; with a sign and with none


@pytest.mark.parametrize(
    "currency", [one if one in SHORT else pytest.param(one, marks=pytest.mark.soak) for one in CURRENCIES]
)
def test_money_has_its_currency_and_three_figures(tmp_path: Path, currency: str) -> None:
    with reported.shop(tmp_path / "shop", currency, "765432.10", more=" ") as ws:
        text = shown_in(reported.report(ws), "md")
    sign = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}.get(currency, currency)
    assert re.search(rf"\| 1\d\d,000,000 {re.escape(sign)} \|", text)


def test_nothing_is_said_of_nothing(tmp_path: Path) -> None:
    with workspace(tmp_path / "none", reported.plan()) as ws:
        (ws.folder / "logo.svg").write_text(reported.LOGO, encoding="utf-8")
        made = reported.report(ws)
    text = shown_in(made, "md")
    assert "There are no events in this workspace yet." in text
    assert "assay import SOURCE FILE" in text
    assert "NaN" not in text
    assert verified(json.loads(json.dumps(made.sealed)), made.sealed["assay"]).wrong == ()
    with workspace(tmp_path / "plain", "", reported.events()[:1], now=reported.NOW) as ws:
        text = shown_in(reported.report(ws), "md")
    assert "The plan has no KPIs yet." in text
    assert "under kpis in the plan" in text


def test_a_logo_outside_of_the_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text("<svg/>", encoding="utf-8")
    plan = reported.plan().replace("logo.svg", "../secret.svg")
    with workspace(tmp_path / "shop", plan) as ws, pytest.raises(Exception, match="outside of the workspace"):
        reported.report(ws)


def test_the_verb_writes_what_the_suffix_says(
    ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(ws.folder)
    assert run(["report", "-w", folder, "--out", str(tmp_path / "deep" / "r.html")]) == 0
    assert (tmp_path / "deep" / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert run(["report", "verify", str(tmp_path / "deep" / "r.json")]) == 0
    capsys.readouterr()
    assert run(["report", "-w", folder, "--out", str(tmp_path / "r.docx")]) == 2
    assert ".html, .pdf, .md, .json" in capsys.readouterr().err
    assert run(["report", "-w", folder, "--experiment", "crook"]) == 2
    assert "crooked" in capsys.readouterr().err
    assert run(["report", "-w", folder, "--from", "2026-04-06", "--to", "2026-04-19"]) == 0
    assert "6 to 19 Apr 2026" in capsys.readouterr().out


def test_figures_of_a_document_are_all_found(made: Made) -> None:
    """A figure that is put into the document without an answer behind it is noticed."""
    page = made.document.pages[0]
    extra = replace(page, blocks=(*page.blocks, Items((Said("9,999", ("overview/rows/77/value",)),))))
    with pytest.raises(KeyError):
        list(figures(replace(made.document, pages=(extra,)), made.sealed["answers"]))


def test_a_report_from_a_half_moved_workspace_says_so_once(tmp_path: Path) -> None:
    with reported.shop(tmp_path / "shop") as ws:
        unfinished.begin(ws.data, "/srv/elsewhere")
        found = reported.report(ws)
    (decisions,) = [block for block in found.document.pages[0].blocks if isinstance(block, Items) and block.call]
    assert len(decisions.items) > 1
    assert decisions.items[0].text.startswith("No number can be trusted now")
    for suffix in ("html", "md"):
        text = shown_in(found, suffix)
        assert text.count("No number can be trusted now: Events may be missing") == 1
        assert text.lower().count("events may be missing") == 1
        assert "/srv/elsewhere" not in text
