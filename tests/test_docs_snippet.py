"""The snippet's guide names everything that it does, its plan loads and its sizes are those of the built files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from assay.collect.scripts import CORE, LATER, MODULES, built, script

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "guide" / "snippet.md").read_text(encoding="utf-8")
SOURCES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in (ROOT / "frontend" / "tracker" / "src").rglob("*.ts")
    if path.stem != "assign"
}


def test_every_event_attribute_call_and_module_is_named() -> None:
    text = "\n".join(SOURCES.values())
    events = set(re.findall(r'put\("([a-z_$]+)"', text)) - {"page_view", "user_engagement", "identify"}
    attributes = {f"data-{name}" for name in re.findall(r"\bdata\.([a-z]+)", text)} | {f"data-{name}" for name in LATER}
    calls = {f"assay.{name}(" for name in re.findall(r"\bassay\.([a-z]+) =", SOURCES["core"])}
    marks = set(re.findall(r"data-assay-[a-z]+", text))
    assert {"scroll", "form_abandon", "$autocapture"} <= events
    assert {"data-key", "data-mode", "data-layer"} <= attributes
    assert {"assay.variant(", "assay.consent("} <= calls
    names = events | attributes | calls | marks | set(MODULES) | set(LATER)
    assert sorted(name for name in names if name not in GUIDE) == []


def test_every_property_is_named() -> None:
    parts = ("auto", "vitals", "autocapture")
    written = [
        re.findall(r"(?:props|found)\.([a-z_]+) =|\{? ([a-z]+_[a-z_]+):|whole\(\"(\w+)\"", SOURCES[one])
        for one in parts
    ]
    names = {name for found in written for groups in found for name in groups if name}
    assert {"percent_scrolled", "last_field", "lcp_ms", "field_type"} <= names
    assert sorted(name for name in names if f"`{name}`" not in GUIDE) == []


def test_its_plan_loads() -> None:
    from assay.plan.load import loads

    block = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)[0]
    assert list(loads(block).metrics) == ["lcp_p75"]


@pytest.mark.skipif(script() is None, reason="the snippet is not built: Node was not there")
def test_its_sizes_are_real() -> None:
    rows = dict(re.findall(r"^\| (?:core, )?`([^`]+)`[^|]*\| ([\d,]+) \|", GUIDE, re.M))
    core = script()
    assert core
    found = {"/assay.js": len(gzip.compress(core, 9))}
    for name in (*MODULES, *LATER):
        text = built(name) if name in LATER else script((name,))
        assert text
        found[name] = len(gzip.compress(text, 9)) - (found["/assay.js"] if name in MODULES else 0)
    assert set(rows) == set(found) - {CORE}
    assert {name: abs(int(rows[name].replace(",", "")) - size) <= 20 for name, size in found.items()} == dict.fromkeys(
        found, True
    ), found
