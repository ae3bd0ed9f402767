"""JSON Schema (draft 2020-12) of the plan, for editors: made from the forms and tables that ``load`` checks with."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from assay.plan import kpis, literals
from assay.plan.forms import Form
from assay.plan.includes import INCLUDE
from assay.plan.sections import SECTIONS, Section
from assay.plan.values import Share

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MODE: JsonSchemaMode = "validation"


def schema() -> dict[str, Any]:
    """The whole schema as plain JSON values."""
    forms: list[type[Form]] = [section.form for section in SECTIONS if section.form]
    models = [(form, _MODE) for form in (*forms, *(type_.keys for type_ in kpis.TYPES))]
    places, definitions = models_json_schema(models, by_alias=True, ref_template="#/$defs/{model}")
    refs = {model: ref for (model, _), ref in places.items()}
    sections = {section.name: _section(section, refs) for section in SECTIONS}
    defs = definitions.get("$defs", {})
    for type_ in kpis.TYPES:
        own = defs[refs[type_.keys]["$ref"].removeprefix("#/$defs/")]
        own["title"], own["description"] = type_.name, type_.help
        own["properties"]["type"] = {"const": type_.name, "description": type_.help}
    _write_defaults(defs)
    include = {
        "type": ["string", "array"],
        "items": {"type": "string"},
        "description": "Further files, as names or globs.",
    }
    return {
        "$schema": DRAFT,
        "title": "assay measurement plan",
        "type": "object",
        "properties": {INCLUDE: include, **sections},
        "additionalProperties": False,
        "$defs": {name: one for name, one in defs.items() if name != Share.__name__},
    }


def _write_defaults(node: Any) -> None:
    """Defaults as YAML holds them: durations as text, none for whole mappings."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _write_defaults(child)
    if isinstance(node, dict):
        default = node.get("default")
        if isinstance(default, dict):
            del node["default"]
        elif isinstance(default, int) and "pattern" in node:
            node["default"] = literals.compact(default)


def _section(section: Section, refs: dict[Any, Any]) -> dict[str, Any]:
    entry = refs[section.form] if section.form else {"type": "object"}
    text_or_list = {"type": ["string", "array"], "items": {"type": "string"}}
    shapes: dict[str, dict[str, Any]] = {
        "one": {"anyOf": [entry, {"type": "null"}]},
        "named": {"type": ["object", "null"], "additionalProperties": {"anyOf": [entry, {"type": "null"}]}},
        "list": {"type": ["array", "null"], "items": entry},
        "text": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "raw": {"type": ["object", "null"], "additionalProperties": {"type": "object"}},
        "pages": {"type": ["object", "null"], "properties": {"_clean": entry}, "additionalProperties": text_or_list},
        "metrics": {
            "type": ["object", "null"],
            "additionalProperties": {
                "type": "object",
                "required": ["type"],
                "oneOf": [refs[type_.keys] for type_ in kpis.TYPES],
            },
        },
    }
    return {**shapes[section.shape], "description": section.help}
