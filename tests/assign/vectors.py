"""The vectors that every implementation of the assignment must give: ``python tests/assign/vectors.py`` writes them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from assay.assign import assigned, bucket, config, forced_by, murmur3
from assay.plan.load import loads
from assay.plan.values import Plan

FILE = Path(__file__).parent.parent / "data" / "assign-vectors.json"
TODAY = date(2026, 8, 1)
PLAN = """
metrics: {rpv: {type: simple, sum: revenue.net, per: visitor}}
holdout: {share: 5%}
experiments:
  plain: {primary: rpv, start: 2026-07-01}
  three: {primary: rpv, start: 2026-07-01, end: 2026-08-31, variants: {control: 1, a: 1, b: 1}, traffic: 1/3}
  named: {primary: rpv, start: 2026-07-01, variants: {control: 10, off: 0, "größer": 3, last: 0}, salt: "s:1", unit: user}
  first: {primary: rpv, start: 2026-06-01, layer: checkout, traffic: 40%}
  second: {primary: rpv, start: 2026-07-01, layer: checkout, traffic: 30%, exposure: {event: page_view, value: exp-2}}
  gone: {primary: rpv, start: 2026-05-01, end: 2026-06-30, layer: checkout, traffic: 60%}
  third: {primary: rpv, start: 2026-07-02, layer: checkout, traffic: 30%}
  nobody: {primary: rpv, start: 2026-07-01, traffic: 0%}
  draft: {primary: rpv}
""".replace("1/3", repr(1 / 3))
TEXTS = [
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "Hello, world!",
    "größer",
    "日本語",
    "🛒🛒",
    "The quick brown fox jumps over the lazy dog",
    "x" * 300,
]
UNITS = [
    *(str(n) for n in range(40)),
    *(f"user-{n:05d}" for n in range(40)),
    "", " ", "a:b", "größer", "日本語", "🛒", "\ud83d", "x\ude00y", "Ann@Example.com",
    "6f1c1f3a-5b7e-4d7a-9a3b-0c1d2e3f4a5b", "9b2d8c44-1e0f-4a5b-8c6d-7e8f9a0b1c2d", "GA1.2.1234567890.1700000000",
]  # fmt: skip
QUERIES = [
    "", "?", "?assay_variant=plain:treatment", "assay_variant=plain:control&assay_variant=three:b&x=1",
    "?assay_variant=plain:a&assay_variant=plain:treatment", "?assay_variant=plain", "?assay_variant=:a", "?assay_variant=plain:",
    "?assay_variant=named:gr%C3%B6%C3%9Fer&utm=+", "?assay_variant=a+b:c%3Ad", "?other=plain:treatment", "?assay_variant",
]  # fmt: skip


def plan() -> Plan:
    return loads(PLAN)


def vectors() -> dict[str, Any]:
    """Everything, as plain JSON values."""
    made, names = plan(), [one["name"] for one in config(plan(), TODAY)["experiments"]]
    asked: list[tuple[str, str, dict[str, str], list[str | None]]] = [(n, u, {}, []) for n in names for u in UNITS]
    asked += [
        ("plain", "1", {"plain": "treatment"}, []), ("plain", "1", {"plain": "treatment"}, ["control"]),
        ("plain", "1", {"plain": "none", "three": "b"}, []), ("named", "1", {"named": "off"}, []),
        ("nobody", "1", {"nobody": "control"}, []), ("plain", "1", {}, ["control"]), ("plain", "1", {}, ["treatment"]),
        ("plain", "2", {}, [None, "removed", "treatment", "control"]), ("plain", "2", {}, ["removed"]),
        ("plain", "2", {}, [None]), ("nobody", "3", {}, ["treatment"]),
    ]  # fmt: skip
    assignments = []
    for name, unit, forced, previous in asked:
        one = assigned(made, name, unit, forced, previous)
        given = {"experiment": name, "unit": unit, "forced": forced, "previous": previous}
        assignments.append({**given, "variant": one.variant, "reason": one.reason, "bucket": one.bucket})
    return {
        "about": "Assignment of units to variants: made by tests/assign/vectors.py, to be met by every implementation.",
        "hashes": [
            {"text": text, "seed": seed, "hash": murmur3(text.encode(), seed)}
            for text in TEXTS
            for seed in (0, 1, 0x9747B28C)
        ],
        "buckets": [
            {"salt": s, "unit": u, "bucket": bucket(s, u)} for s in ("", "variant:plain", "größer") for u in UNITS
        ],
        "config": config(made, TODAY),
        "assignments": assignments,
        "queries": [{"query": query, "forced": forced_by(query)} for query in QUERIES],
    }


def text() -> str:
    """The file: one vector a line."""
    lines = []
    for key, value in vectors().items():
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(one) for one in value)
            lines.append(f"{json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
