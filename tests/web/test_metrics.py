"""``/metrics``: figures that the server keeps anyway, in Prometheus's own words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from machined import DAYS, EVENTS, PLAN, Served, get, made, served
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly_read
from prometheus_client.parser import text_string_to_metric_families

from assay.model.errors import MachineError
from assay.plan.reporting import Schedule
from assay.report import outbox
from assay.web import metrics
from assay.web.counting import BOUNDS, Counts
from assay.workspace import Workspace
from serving import wait_for
from support import NOW

SECOND = 1_000_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A load notes the real time, so the clock is the real one."""
    with served(made(tmp_path_factory.mktemp("metrics")), None) as found:
        yield found


@pytest.fixture
def folder(shop: Served) -> Path:
    assert shop.asker is not None
    return shop.asker.folder


def scraped(shop: Served, **headers: str) -> dict[tuple[str, ...], float]:
    """Sample and labels, without the workspace's, → value."""
    found = get(f"{shop.base}/metrics", headers={**shop.headers, **headers})
    assert found.status_code == 200, found.text
    values = {}
    for family in text_string_to_metric_families(found.text):
        for one in family.samples:
            labels = {**one.labels}
            assert labels.pop("workspace", "shop") == "shop"
            values[(one.name.removeprefix("assay_"), *(labels[name] for name in sorted(labels, reverse=True)))] = (
                one.value
            )
    return values


def test_questions_are_counted_by_what_became_of_them(shop: Served) -> None:
    def ask(path: str, **more: str) -> int:
        return get(f"{shop.base}/api/v1/{path}", params={**DAYS, **more}, headers=shop.headers).status_code

    assert [ask("metric", names="views"), ask("metric", names="views"), ask("metric", names="viws")] == [200, 200, 404]
    found = scraped(shop)
    counted = {key[1:]: n for key, n in found.items() if key[0] == "questions_total" and key[1] != "ledger"}
    assert counted == {("metric", "answered"): 1, ("metric", "kept"): 1, ("metric", "refused"): 1}
    assert found["question_seconds_count", "metric"] == found["question_seconds_bucket", "metric", "+Inf"] == 1
    assert 0 < found["question_seconds_sum", "metric"] < 60
    within = [found["question_seconds_bucket", "metric", repr(bound)] for bound in BOUNDS]
    assert within == sorted(within)
    assert found["questions_working",] == 0


def test_data_spool_and_outbox_are_told(shop: Served, folder: Path) -> None:
    before = scraped(shop)
    assert (
        before["events_stored",]
        == before["ledger_lines", "received"]
        == before["ledger_lines", "stored"]
        == len(EVENTS)
    )
    assert (before["ledger_lines", "difference"], before["segments_loaded",]) == (0, 1)
    assert 0 < before["last_load_age_seconds",] < 3_600
    assert (before["spool_segments",], before["spool_oldest_seconds",], before["outbox_reports", "waiting"]) == (
        0,
        0,
        0,
    )
    intake, now = folder / "assay-data" / "intake" / "c0", time.time_ns() // 1000
    intake.mkdir(parents=True)
    (intake / f"{now - 50 * SECOND}-c0-1.web.own.ndjson").write_text('{"id": "a"}\n')
    (intake / f"{now - 10 * SECOND}-c0-2.web.own.ndjson.open").write_text('{"id": "b"}\n')
    schedule = Schedule("monday 08:00", 0, 480, ("ann@example.org", "bo@example.org"), "pdf")
    outbox.put(shop.state, outbox.Slot("2025-01-06T08:00", schedule), list(schedule.to), "r.pdf", "text", now)
    row = next(outbox.claim(shop.state, now))
    outbox.settle(shop.state, row, outbox.GIVEN_UP, "no such address", now)
    after = scraped(shop)
    assert (after["spool_segments",], after["spool_bytes",]) == (2, 24)
    assert 50 <= after["spool_oldest_seconds",] < 110
    assert [after["outbox_reports", state] for state in ("given_up", "waiting", "sent")] == [1, 1, 0]


def test_a_plan_with_mistakes_is_seen(shop: Served, folder: Path) -> None:
    assert scraped(shop)["plan_readable",] == 1
    assert shop.asker is not None
    shop.asker._watched.every = 0
    (folder / "assay.yaml").write_text("metrics: {", encoding="utf-8")
    assert scraped(shop)["plan_readable",] == 0
    (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
    assert scraped(shop)["plan_readable",] == 1


def test_a_busy_store_does_not_hold_the_scrape_up(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Workspace.ask

    def slow(self: Workspace, question: str, *args: Any, **params: Any) -> Any:
        time.sleep(2.0)
        return real(self, question, *args, **params)

    assert shop.asker is not None
    shop.asker._kept.clear()
    monkeypatch.setattr(Workspace, "ask", slow)
    monkeypatch.setattr(metrics, "PATIENCE", 0.1)
    began = time.monotonic()
    found = scraped(shop)
    assert time.monotonic() - began < 2.0
    assert found["ledger_readable",] == 0
    assert ("events_stored",) not in found
    assert found["questions_working",] == 1
    wait_for(lambda: scraped(shop).get(("events_stored",)) == len(EVENTS))  # the question went on


def test_the_formats_are_prometheus_own_and_nothing_is_global(shop: Served) -> None:
    before = [one.name for one in REGISTRY.collect()]
    plain = get(f"{shop.base}/metrics", headers=shop.headers)
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    newer = {"accept": "application/openmetrics-text; version=1.0.0"}
    exact = get(f"{shop.base}/metrics", headers={**shop.headers, **newer})
    assert exact.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in strictly_read(exact.text)}
    assert {"assay", "assay_questions", "assay_ledger_lines", "assay_outbox_reports"} <= names
    assert [one.name for one in REGISTRY.collect()] == before
    assert get(f"{shop.base}/metrics").status_code == 401


def test_two_workspaces_are_told_apart_and_hostile_names_escaped() -> None:
    def one(name: str) -> metrics.Measured:
        counts = Counts()
        counts.kept("overview")
        return metrics.Measured(name, NOW, counts, 0, True, None, metrics.Waiting(), {})

    text, _ = metrics.exposition([one("a"), one('b"\n\\')])
    (family,) = (f for f in text_string_to_metric_families(text.decode()) if f.name == "assay_questions")
    assert [sample.labels["workspace"] for sample in family.samples] == ["a", 'b"\n\\']


@pytest.mark.parametrize(
    ("error", "broken", "outcome"),
    [(MachineError("full"), False, "failed"), (ValueError(), False, "failed"), (MachineError("x"), True, "broken_off")],
)
def test_a_failure_is_not_a_mistake_of_who_asks(error: Exception, broken: bool, outcome: str) -> None:
    done: Any = SimpleNamespace(cancelled=lambda: False, exception=lambda: error)
    counts = Counts()
    counts.ended("metric", done, broken, 0.2)
    assert dict(counts.outcomes) == {("metric", outcome): 1}
    assert counts.durations == {}


def test_a_question_that_is_broken_off_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.web.asking import Asker

    asker = Asker(made(tmp_path), clock=NOW)
    monkeypatch.setattr(Workspace, "ask", lambda *_, **__: time.sleep(0.5))

    async def cancelled() -> None:
        task = asyncio.create_task(asker.ask("metric", {"names": "views"}))
        await asyncio.sleep(0.2)
        task.cancel()
        while asker.working:
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(cancelled(), 20))
    asker.close()
    assert dict(asker.counts.outcomes) == {("metric", "broken_off"): 1}
