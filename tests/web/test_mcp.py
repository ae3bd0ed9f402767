"""The Model Context Protocol, driven by the official client: over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from machined import DAYS, Served, get, made, served
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from assay.analyses import QUESTIONS
from assay.cli.run import run as command_line
from assay.report.exporters.json import document
from assay.web import mcp as ours
from assay.web.api import offered
from assay.workspace import Workspace
from serving import ASSAY
from support import NOW

ASKED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("metric", {"names": ["views", "rpv"], "by": ["device"], **DAYS}, ["views", "rpv", "--by", "device"]),
    ("metric", {"names": ["buyers"], "grain": "day", "segment": "mobile", **DAYS},
     ["buyers", "--grain", "day", "--segment", "mobile"]),
    ("funnel", {"name": "buy", **DAYS}, ["buy"]),
    ("overview", DAYS, []),
    ("catalog", {"kind": "metrics"}, ["--kind", "metrics"]),
]  # fmt: skip
OPTIONS = ["--from", "2024-03-01", "--to", "2024-03-02"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(made(tmp_path_factory.mktemp("mcp"))) as found:
        yield found


def over_http(shop: Served, work: Callable[[Client], Awaitable[Any]], mode: str = "auto", **headers: str) -> Any:
    async def run() -> Any:
        async with (
            httpx2.AsyncClient(headers={**shop.headers, **headers}, timeout=30) as http,
            Client(streamable_http_client(f"{shop.base}/mcp", http_client=http), mode=mode) as client,
        ):
            return await work(client)

    try:
        return asyncio.run(run())
    except BaseExceptionGroup as group:  # the client's task groups wrap what went wrong
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def call(shop: Served, name: str, values: dict[str, Any] | None = None, **more: Any) -> Any:
    return over_http(shop, lambda client: client.call_tool(name, values), **more)


def test_over_stdio_the_figures_are_those_of_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = made(tmp_path / "shop")
    command = StdioServerParameters(command=ASSAY[0], args=[*ASSAY[1:], "mcp", "-w", str(folder)], env=dict(os.environ))

    async def asked() -> tuple[list[str], list[Any], Any]:
        async with Client(command) as client:
            tools = [one.name for one in (await client.list_tools()).tools]
            answers = [await client.call_tool(name, values) for name, values, _ in ASKED]
            return tools, answers, await client.call_tool("funnel", {"name": "by"})

    tools, answers, wrong = asyncio.run(asked())
    assert tools == [one.name for one in QUESTIONS if offered(one)]
    for (name, _, words), answer in zip(ASKED, answers, strict=True):
        days = [] if name == "catalog" else OPTIONS
        capfd.readouterr()
        assert command_line([name, *words, *days, "--format", "json", "-w", str(folder)]) == 0
        assert {**json.loads(capfd.readouterr().out), "as_of": 0} == {**answer.structured_content, "as_of": 0}
        assert not answer.is_error
    assert wrong.is_error
    assert "did you mean 'buy'?" in wrong.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_http_the_figures_are_those_of_the_workspace(shop: Served, mode: str) -> None:
    async def all_of(client: Client) -> list[Any]:
        assert len((await client.list_tools()).tools) == sum(map(offered, QUESTIONS))
        return [await client.call_tool(name, values) for name, values, _ in ASKED]

    found = over_http(shop, all_of, mode, Host="numbers.example", Origin="https://numbers.example")
    assert shop.asker is not None
    with Workspace(shop.asker.folder, now=NOW) as ws:
        for (name, values, _), answer in zip(ASKED, found, strict=True):
            assert answer.structured_content == document(ws.ask(name, **values))


def test_a_result_says_everything_that_the_number_means(shop: Served) -> None:
    answer = call(shop, "metric", {"names": ["buyers"], **DAYS})
    text, exact = answer.content[0].text, answer.structured_content
    (definition,) = exact["definitions"]
    assert exact["rows"][0][:3] == [0.25, 5, 20]
    for part in (exact["sentence"], "| 25.0 % |", definition["denominator"], "time zone UTC", definition["id"]):
        assert part in text
    assert definition["numerator"].replace("(", "").split()[0] in text
    assert {"numerator", "denominator", "window", "zone", "id"} <= set(definition)


def test_tools_have_the_parameters_of_the_api(shop: Served) -> None:
    paths = get(f"{shop.base}/api/v1/openapi.json", headers=shop.headers).json()["paths"]
    tools = {one.name: one for one in over_http(shop, lambda client: client.list_tools()).tools}
    for name, tool in tools.items():
        wanted = {one["name"] for one in paths[f"/{name}"]["get"].get("parameters", ())}
        assert set(tool.input_schema["properties"]) == wanted, name
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 40
    schema = tools["metric"].input_schema
    assert schema["required"] == ["names"]
    assert schema["properties"]["grain"]["enum"][:2] == ["hour", "day"]
    assert tools["leaks"].input_schema["properties"]["depth"]["type"] == "integer"
    assert not {"plan", "to_backlog", "keep", "file"} & {
        p for one in tools.values() for p in one.input_schema["properties"]
    }


@pytest.mark.parametrize(
    ("name", "values", "code", "says"),
    [
        ("metric", {"names": ["viws"]}, "unknown_name", "did you mean 'views'?"),
        ("metric", {"names": ["views"], "form": "2024-01-01"}, "unknown_name", "did you mean 'from'?"),
        ("metric", {}, "usage", "names is missing"),
        ("metric", {"names": ["views"], "from": "yesterday"}, "usage", "from"),
        ("metric", {"names": ["views"], "limit": "many"}, "usage", "limit"),
        ("metric", {"names": {"a": {"b": []}}}, "usage", "names"),
        ("metric", {"names": ["views"], "grain": "fortnight"}, "usage", "grain"),
        ("metric", {"names": ["views"], "segment": "device = "}, "usage", "segment"),
        ("compare", {"name": "rpv", "plan": "/etc/passwd"}, "unknown_name", "plan"),
        ("leaks", {"name": "buy", "depth": 3}, "usage", "depth"),
        ("opportunity", {"name": "buy", "to_backlog": True}, "unknown_name", "to_backlog"),
        ("rollout", {"name": "rpv", "by": "device", "start": ["mobile"]}, "usage", "NAME=VALUE"),
        ("experiment-readout", {"name": "free_shipping"}, "unknown_name", "no experiment 'free_shipping'"),
    ],
)  # fmt: skip
def test_mistakes_are_told_so_that_they_can_be_mended(
    shop: Served, name: str, values: dict[str, Any], code: str, says: str
) -> None:
    found = call(shop, name, values)
    assert found.is_error
    assert found.structured_content["error"]["code"] == code
    assert says in found.content[0].text
    assert "Traceback" not in found.content[0].text


def test_what_there_is_no_answer_to_says_why(shop: Served) -> None:
    for name, values in (
        ("pace", {}),
        ("experiment", {}),
        ("metric", {"names": ["views"], "from": "2023-01-01", "to": "2023-01-02"}),
    ):
        found = call(shop, name, values)
        assert not found.is_error
        assert found.structured_content["empty"] or not found.structured_content["rows"]
        assert found.structured_content["sentence"] in found.content[0].text.replace("\\", "")


def test_an_unknown_tool_and_an_unknown_resource_are_errors_of_the_protocol(shop: Served) -> None:
    with pytest.raises(MCPError, match="did you mean 'metric'"):
        call(shop, "metrc")
    with pytest.raises(MCPError, match="reconcile"):
        call(shop, "reconcile", {"file": "/etc/passwd"})
    with pytest.raises(MCPError, match="assay://catalogue"):
        over_http(shop, lambda client: client.read_resource("assay://catalog"))


def test_the_plan_can_be_read(shop: Served) -> None:
    async def read(client: Client) -> list[str]:
        known = (await client.list_resources()).resources
        return [(await client.read_resource(str(one.uri))).contents[0].text for one in known]

    words, exact, guide = over_http(shop, read)
    assert "| KPI | rpv |" in words
    assert {one["metric"] for one in json.loads(exact)["definitions"]} >= {"rpv", "views", "buyers"}
    assert "- KPIs: rpv" in guide


def test_a_defect_shows_nothing_of_the_inside(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret path")

    monkeypatch.setattr(Workspace, "ask", broken)
    found = call(shop, "metric", {"names": ["views"], "from": "2024-02-28", "to": "2024-03-01"})
    assert found.is_error
    assert found.content[0].text == "a defect in assay (RuntimeError); the log of the server says where"


def test_a_long_table_is_cut_in_the_text_only(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "ROWS", 3)
    found = call(shop, "sessions", {**DAYS})
    assert found.content[0].text.count("\n| ") == 1 + 1 + 3  # heads, the line below them, rows
    more = len(found.structured_content["rows"]) - 3
    assert f"{more} more rows are not shown in this text" in found.content[0].text


def test_who_has_no_key_learns_nothing(shop: Served) -> None:
    for headers in ({}, {"Authorization": "Bearer ak_no"}):
        refused = httpx2.post(f"{shop.base}/mcp", json={}, headers=headers, timeout=60)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "unauthenticated"
    assert get(f"{shop.base}/mcp", headers=shop.headers).status_code == 405
    large = httpx2.post(
        f"{shop.base}/mcp",
        content=b'"' + b"x" * 1_100_000,
        headers={**shop.headers, "content-type": "application/json"},
    )
    assert large.status_code == 413


def test_what_nobody_waits_for_is_broken_off(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that goes away ends the query that its question runs."""
    from assay.store.engine import Statement

    began, ended = threading.Event(), threading.Event()

    def slow(self: Workspace, question: str, *args: Any, **params: Any) -> Any:
        began.set()
        try:
            return self.engine.run(
                Statement("SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = -1")
            )
        finally:
            ended.set()

    monkeypatch.setattr(Workspace, "ask", slow)
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "metric", "arguments": {"names": ["rpv"]}},
    }
    headers = {**shop.headers, "accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{shop.base}/mcp", json=body, headers=headers, timeout=1.5)
    assert began.is_set()
    assert ended.wait(20)


def test_without_a_plan_nothing_is_served(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command_line(["mcp", "-w", str(tmp_path)]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert "assay.yaml" in told.err
    with served(tmp_path, planned=False) as bare:
        found = httpx2.post(f"{bare.base}/mcp", json={}, headers=bare.headers)
    assert (found.status_code, found.json()["error"]["message"]) == (409, "this workspace has no plan yet")


def test_the_extra_is_asked_for_in_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.streamable_http_manager", None)
    assert command_line(["mcp"]) == 2
    assert "pip install 'assay[mcp]'" in capfd.readouterr().err


@pytest.mark.soak
@pytest.mark.parametrize("way", ["stdin", "interrupt"])
def test_it_ends_at_once_also_in_the_middle_of_a_question(tmp_path: Path, way: str) -> None:
    folder = made(tmp_path / "shop")
    with subprocess.Popen(
        [*ASSAY, "mcp", "-w", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None

        def send(method: str, **params: Any) -> None:
            print(
                json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                file=running.stdin,
                flush=True,
            )

        send("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"})
        assert "assay" in running.stdout.readline()
        send("tools/call", name="patterns", arguments={})
        if way == "interrupt":
            running.send_signal(signal.SIGINT)
        else:
            running.stdin.close()
        assert running.wait(15) == (-signal.SIGINT if way == "interrupt" else 0)
        assert "Traceback" not in running.stderr.read()  # type: ignore[union-attr]
