from __future__ import annotations

import json
from typing import Any

import yaml

from assay.plan.kpis import TYPES
from assay.plan.schema import DRAFT, schema
from assay.plan.sections import SECTIONS


def options(node: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Every form that a value may have, references followed."""
    if "$ref" in node:
        return options(root["$defs"][node["$ref"].removeprefix("#/$defs/")], root)
    inner = [one for key in ("anyOf", "oneOf", "allOf") for part in node.get(key, []) for one in options(part, root)]
    return [node, *inner]


def unknown(value: Any, node: dict[str, Any], root: dict[str, Any], path: str = "") -> list[str]:
    """Keys of ``value`` that no form of ``node`` has."""
    forms = options(node, root)
    missing: list[str] = []
    for key, child in value.items() if isinstance(value, dict) else ():
        places = [form["properties"][key] for form in forms if key in form.get("properties", {})]
        places += [form["additionalProperties"] for form in forms if isinstance(form.get("additionalProperties"), dict)]
        closed = ("properties", "additionalProperties", "oneOf")
        free = any(form.get("type") == "object" and not any(one in form for one in closed) for form in forms)
        if not places and not free:
            missing.append(f"{path}.{key}")
        if places:
            missing += min((unknown(child, place, root, f"{path}.{key}") for place in places), key=len)
    for child in value if isinstance(value, list) else ():
        items = [form["items"] for form in forms if "items" in form]
        if items:
            missing += min((unknown(child, item, root, f"{path}[]") for item in items), key=len)
    return missing


def test_every_key_of_the_example_is_there(shop: str) -> None:
    made = schema()
    assert unknown(yaml.safe_load(shop), made, made) == []
    assert unknown({"site": {"zone": 1}, "metrics": {"m": {"typ": 1}}, "goals": {"g": {"evnt": 1}}}, made, made) == [
        ".site.zone", ".metrics.m.typ", ".goals.g.evnt",
    ]  # fmt: skip


def test_shape() -> None:
    made = schema()
    assert made["$schema"] == DRAFT
    assert json.loads(json.dumps(made)) == made
    assert set(made["properties"]) == {"include", *(section.name for section in SECTIONS)}
    references = json.dumps(made).split('"#/$defs/')[1:]
    assert {one.split('"')[0] for one in references} <= set(made["$defs"])


def test_defaults_are_written_as_in_yaml() -> None:
    session = schema()["$defs"]["SessionForm"]["properties"]
    assert session["timeout"]["default"] == "30m"
    assert schema()["$defs"]["OrdersForm"]["properties"]["refund_window"]["default"] == "30d"


def test_metric_types_are_told_apart_by_their_type() -> None:
    made = schema()
    types = options(made["properties"]["metrics"]["additionalProperties"], made)[1:]
    assert {one["properties"]["type"]["const"] for one in types if "properties" in one} == {one.name for one in TYPES}
