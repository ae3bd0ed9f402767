"""A real collector in a process of its own: signed deliveries → the store → revenue; the verbs ``assay webhook``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from deliveries import SECRET, change, order, refund, session, shop_refund, stripe_event

from assay.cli.run import run
from assay.workspace import Workspace
from serving import free_port

PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
events:
  renew: {description: A subscription was paid again, properties: {mrr: money}}
goals: {order: {event: purchase, kind: macro}}
metrics:
  net: {type: simple, sum: revenue.net}
  gross: {type: simple, sum: revenue.gross}
  orders: {type: simple, count: order}
webhooks:
  stripe: {kind: stripe, secret: env:TEST_STRIPE_SECRET}
  shop: {kind: shopify, secret: file:secrets/shop}
  hubspot: {kind: hubspot, secret: env:TEST_HUBSPOT_SECRET, url: "https://collect.shop.example/w/hubspot"}
"""
ENVIRONMENT = {"TEST_STRIPE_SECRET": SECRET, "TEST_HUBSPOT_SECRET": "app secret"}


class Running:
    """A workspace with its collector; the clock is the machine's, so that the tolerance is a real one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, int(time.time())
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        (folder / "secrets").mkdir()
        (folder / "secrets" / "shop").write_text("of the shop\n", encoding="utf-8")
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assay.cli", "collect", "-w", str(self.folder), "--port", str(self.port)],
            env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the collector does not listen")

    def stripe(self, kind: str, thing: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> int:
        """Sent with a header that Stripe's own library has made."""
        body = json.dumps(stripe_event(kind, thing, before, **{"created": self.now - 20, **more}))
        header = stripe.WebhookSignature.generate_signature_header(body, SECRET, self.now)
        return self.post("stripe", body.encode(), {"stripe-signature": header})

    def post(self, name: str, body: bytes, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/w/{name}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.end()


def figures(folder: Path, *names: str) -> list[str]:
    with Workspace(folder) as opened:
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 20))
        answer = opened.ask("metric", list(names), **{"from": day, "to": time.strftime("%Y-%m-%d", time.gmtime())})
        return [f"{next(iter(answer.column(name))):.2f}" for name in names]


def test_signed_deliveries_become_revenue_and_refunds_reduce_it(
    running: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    paid, back = "checkout.session.completed", "refund.created"
    said = [
        running.stripe(paid, session()),
        running.stripe(paid, session()),  # told again
        running.stripe(
            paid,
            session(id="cs_2", payment_intent="pi_2", amount_total=10_000, currency="jpy", livemode=False),
            livemode=False,
        ),
        running.stripe(paid, session(id="cs_3", payment_intent="pi_3", amount_total=4001)),
        running.stripe(back, refund(created=running.now - 10)),  # 20.00 of pi_1
        running.stripe(
            "refund.updated", refund(created=running.now - 10), id="evt_9"
        ),  # the same refund by another event
        running.stripe(back, refund(id="re_2", payment_intent="pi_3", amount=4001, created=running.now - 10)),
        running.stripe(
            "refund.failed",
            refund(id="re_2", payment_intent="pi_3", amount=4001, status="failed"),
            {"status": "succeeded"},
        ),
        running.stripe("charge.captured", {"id": "ch_1"}),
        running.post("stripe", b"{}", {"stripe-signature": "t=1,v1=00"}),
    ]
    assert said == [200] * 9 + [401]
    running.end()
    assert run(["load", "-w", str(running.folder)]) == 0
    # 59.99 + 40.01; 20.00 given back, 40.01 given back and taken back; yen of the test mode are in no number
    assert figures(running.folder, "gross", "net", "orders") == ["100.00", "80.00", "2.00"]
    with Workspace(running.folder) as opened:
        ledger = opened.ask("ledger")
        (row,) = ledger.rows
        assert [finding.code for finding in ledger.findings] == ["refused_lines"]
    told = dict(zip((column.name for column in ledger.columns), row, strict=True))
    assert {key: told[key] for key in ("source", "wire", "received", "stored", "duplicate", "rejected", "difference", "reasons")} == {
        "source": "stripe", "wire": "webhook", "received": 9, "stored": 6, "duplicate": 2, "rejected": 1, "difference": 0,
        "reasons": "not_mapped 1",
    }  # fmt: skip
    capfd.readouterr()


def test_a_replay_after_loading_counts_nothing_again(running: Running) -> None:
    assert running.stripe("checkout.session.completed", session()) == 200
    running.end()
    assert run(["load", "-w", str(running.folder)]) == 0
    running.start()
    assert running.stripe("checkout.session.completed", session()) == 200
    running.end()
    assert run(["load", "-w", str(running.folder)]) == 0
    assert figures(running.folder, "gross", "orders") == ["59.99", "1.00"]
    with Workspace(running.folder) as opened:
        ledger = opened.ask("ledger")
    totals = [
        sum(row[n] for row in ledger.rows)
        for n, column in enumerate(ledger.columns)
        if column.name in ("received", "stored", "duplicate", "difference")
    ]
    assert totals == [2, 1, 1, 0]


def test_the_verbs_show_and_try_each_webhook(
    running: Running, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = running.folder
    bodies = {
        "stripe": stripe_event("checkout.session.completed", session(), created=running.now),
        "shop": order(processed_at=running.now), "hubspot": [change("lead", occurredAt=running.now * 1000)],
    }  # fmt: skip
    for name, body in bodies.items():
        (folder / f"{name}.json").write_text(json.dumps(body), encoding="utf-8")
    (folder / "refund.json").write_text(json.dumps(shop_refund()), encoding="utf-8")

    def assay(*words: str) -> tuple[int, str, str]:
        code = run(["webhook", *words, "-w", str(folder)])
        return (code, *capfd.readouterr())

    dry(assay, folder)
    code, out, err = assay("list")
    assert (code, out.count("NO SECRET"), "TEST_STRIPE_SECRET is not set; export" in err) == (1, 2, True)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    address = f"http://127.0.0.1:{running.port}"
    for name in bodies:
        code, out, err = assay("test", name, str(folder / f"{name}.json"), "--send", address)
        assert (code, out.startswith('200 {"ok":1')) == (0, True), (out, err)
    monkeypatch.setenv("TEST_STRIPE_SECRET", "another")
    code, out, err = assay("test", "stripe", str(folder / "stripe.json"), "--send", address)
    assert (code, "answered 401" in err, "bad_signature" in err) == (1, True, True)
    running.end()
    code, out, err = assay("test", "stripe", str(folder / "stripe.json"), "--send", address)
    assert (code, "does not answer" in err) == (3, True)
    assert run(["load", "-w", str(folder)]) == 0
    capfd.readouterr()
    code, out, err = assay("list", "--host", "https://collect.shop.example/")
    assert (code, "https://collect.shop.example/w/stripe" in out, out.count("secret is there"), out.count("never")) == (
        0,
        True,
        3,
        0,
    )


def dry(assay: Callable[..., tuple[int, str, str]], folder: Path) -> None:
    """Without a collector and without the secrets."""
    code, out, _ = assay("test", "stripe", str(folder / "stripe.json"))
    assert (code, json.loads(out)["amount"], json.loads(out)["source"]) == (0, "59.99", "stripe")
    code, out, _ = assay("test", "shop", str(folder / "refund.json"), "--header", "X-Shopify-Topic=refunds/create")
    assert (code, json.loads(out)["name"]) == (0, "refund")
    code, out, _ = assay("test", "shop", str(folder / "refund.json"))
    assert (code, "refused: orders/create: not_mapped: the body is no order" in out) == (0, True)
    for words, said in (
        (("test", "strpe", str(folder / "stripe.json")), "did you mean 'stripe'?"),
        (("test", "stripe", str(folder / "nothing.json")), "cannot be read"),
        (("test", "stripe", str(folder / "secrets" / "shop")), "bad_json"),
        (("test", "shop", str(folder / "shop.json"), "--header", "x"), "write NAME=VALUE"),
        (("test", "shop", str(folder / "shop.json"), "--send", "localhost"), "write an address such as http"),
    ):
        code, _, err = assay(*words)
        assert (code, said in err, "Traceback" in err) == (2, True, False), err


@pytest.mark.parametrize("verb", ["collect", "serve"])
def test_without_its_secret_nothing_starts(tmp_path: Path, capfd: pytest.CaptureFixture[str], verb: str) -> None:
    (tmp_path / "assay.yaml").write_text(PLAN.replace("TEST_STRIPE_SECRET", "TEST_NOT_THERE"), encoding="utf-8")
    assert run([verb, "-w", str(tmp_path), "--port", "1"]) == 2
    assert (
        "the webhook stripe has no secret: the environment variable TEST_NOT_THERE is not set; export"
        in capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "option", "said"),
    [
        (None, "", "cannot be read"),
        ("  \n", "", "is empty"),
        ("key!", "base64", "is not base64"),
        ("zz", "hex", "is not hex"),
    ],
)
def test_a_file_without_a_secret_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str | None, option: str, said: str
) -> None:
    more = f", secret_encoding: {option}" if option else ""
    plan = f"webhooks: {{g: {{kind: generic, secret: 'file:key', header: X, events: [{{event: login}}]{more}}}}}"
    (tmp_path / "assay.yaml").write_text(plan, encoding="utf-8")
    if text is not None:
        (tmp_path / "key").write_text(text, encoding="utf-8")
    assert run(["collect", "-w", str(tmp_path), "--port", "1"]) == 2
    assert said in capfd.readouterr().err
