"""The examples of the guides run, and say what the guides say that they say."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from machined import Served, made, served

from support import bought, event

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PLAN = """
site: {name: Example shop, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor}
  purchase_rate: {type: conversion, goal: order, per: visitor}
funnels: {checkout: {steps: [view_item, purchase], per: visitor, window: 1d}}
"""
DEVICES = ("desktop", "mobile")
EVENTS = [
    *(event(f"v{n}", "view_item", f"2024-03-0{day} 10:{n:02}", device=DEVICES[n % 2])
      for day in (1, 2) for n in range(10)),
    *(bought(f"v{n}", f"2024-03-02 11:{n:02}", f"o{n}", amount, currency="EUR", device=DEVICES[n % 2])
      for n, amount in ((1, "5.00"), (2, "6.00"), (3, "5.00"), (5, "7.00"))),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(made(tmp_path_factory.mktemp("docs"), PLAN, EVENTS)) as found:
        yield found


def examples(page: str) -> list[tuple[str, str, str | None]]:
    """Language, code, and what it is to say (None: anything) of a page's examples."""
    blocks = BLOCK.findall((GUIDE / page).read_text(encoding="utf-8"))
    found = []
    for place, (language, code) in enumerate(blocks):
        follows = blocks[place + 1] if place + 1 < len(blocks) else ("", "")
        if language in ("sh", "python") and "export BASE" not in code:
            found.append((language, code, follows[1] if follows[0] == "text" else None))
    return found


@pytest.mark.parametrize(("page", "least"), [("api.md", 6), ("mcp.md", 1)])
def test_the_examples_run_and_say_what_the_page_says(
    shop: Served, page: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == "mcp.md":
        pytest.importorskip("mcp")
    monkeypatch.setenv("BASE", shop.base)
    monkeypatch.setenv("KEY", shop.key)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    ran = 0
    for language, code, says in examples(page):
        said = shell(code) if language == "sh" else python(code)
        assert said.strip(), code
        if says is not None:
            assert said.replace("\r", "").rstrip() == says.rstrip(), code
        ran += 1
    assert ran >= least


def shell(code: str) -> str:
    done = subprocess.run(["sh", "-ec", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


def python(code: str) -> str:
    """In this process, as ``__main__`` of its own: what it prints."""
    with redirect_stdout(io.StringIO()) as said:
        exec(compile(code, "example", "exec"), {"__name__": "__main__"})
    return said.getvalue()


def test_every_json_and_yaml_example_can_be_read() -> None:
    import json

    import yaml

    for page in ("api.md", "mcp.md", "watching-the-server.md", "container.md"):
        for language, code in BLOCK.findall((GUIDE / page).read_text(encoding="utf-8")):
            if language == "json":
                json.loads(code)
            if language == "yaml":
                assert yaml.safe_load(code)
