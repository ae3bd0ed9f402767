"""The sealed file: every answer in full, the report made from them, and a hash over all of it.

Who changes a figure breaks the hash; who makes a new hash is found out by making the report again from the answers
inside. The seal is no signature: who can rewrite answers, report and hash alike is not found out by the file alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from assay.model.answer import Answer
from assay.model.errors import DataError
from assay.report.brief import Brief
from assay.report.document import Document, Said
from assay.report.executive import document
from assay.report.exporters.json import document as answer_json
from assay.report.reading import answer_of, at

FORMAT = "assay report 1"


@dataclass(frozen=True)
class Made:
    """A report: what is shown, and the sealed values that it was made from. ``answers`` as they were given."""

    document: Document
    sealed: Mapping[str, Any]
    answers: Mapping[str, Answer]


def made(brief: Brief, answers: Mapping[str, Answer]) -> Made:
    """The report of these answers. What is shown is made from their JSON: nothing else can get into it."""
    held = _through_json({key: answer_json(one) for key, one in answers.items()})
    shown = document(brief, {key: answer_of(one) for key, one in held.items()})
    first = next(iter(held.values()))
    values = {
        "format": FORMAT,
        "assay": brief.version,
        "plan": brief.plan,
        "data": brief.data,
        "as_of": first["as_of"],
        "complete_through": first["complete_through"],
        "brief": brief.plain(),
        "document": plain(shown),
        "figures": list(figures(shown, held)),
        "answers": held,
    }
    values = _through_json(values)
    return Made(shown, {**values, "seal": seal(values)}, answers)


def _through_json(values: Any) -> Any:
    return json.loads(json.dumps(values, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """A document as JSON; each part says its kind."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        return {"kind": type(value).__name__.lower(), **found}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def figures(shown: Document, held: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each text of the report that stands in an answer: what is said, where, and the exact value there."""
    for said in _said(shown):
        if said.source:
            yield {"text": said.text, "note": said.note, "exact": {one: at(held, one) for one in said.source}}


def _said(value: Any) -> Iterator[Said]:
    if isinstance(value, Said):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _said(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for name in fields(value):
            yield from _said(getattr(value, name.name))


def canonical(values: Mapping[str, Any]) -> bytes:
    """The bytes that the seal is over: keys sorted, no spaces, UTF-8, without the seal itself."""
    rest = {key: value for key, value in values.items() if key != "seal"}
    return json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(values: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form."""
    return f"sha256:{hashlib.sha256(canonical(values)).hexdigest()}"


@dataclass(frozen=True)
class Checked:
    """What a check found. ``wrong`` is empty where all is as it was made."""

    figures: int
    answers: int
    wrong: tuple[str, ...]


def read(text: str, name: str) -> dict[str, Any]:
    """The values of a sealed file. Raises DataError where it is none."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: no JSON: {error}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataError(f"{name}: not a sealed report of assay")
    return values


def verified(values: Mapping[str, Any], version: str) -> Checked:
    """Check the seal, look every figure up in the answers inside, and make the document again from them."""
    try:
        wrong = [*_seal(values), *_figures(values), *_document(values, version)]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        wrong = [f"the file is damaged: {type(error).__name__} {error}"]
    return Checked(len(values.get("figures", ())), len(values.get("answers", ())), tuple(wrong))


def _seal(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("seal") != seal(values):
        yield "the seal does not fit: something in the file was changed after it was made"


def _figures(values: Mapping[str, Any]) -> Iterator[str]:
    for one in values["figures"]:
        for source, exact in one["exact"].items():
            try:
                held = at(values["answers"], source)
            except (KeyError, IndexError, ValueError):
                yield f"{one['text']!r} stands on {source}, which is not among the answers"
                continue
            if held != exact:
                yield f"{one['text']!r}: {source} is {held!r} in the answers, {exact!r} among the figures"


def _document(values: Mapping[str, Any], version: str) -> Iterator[str]:
    answers = {key: answer_of(one) for key, one in values["answers"].items()}
    again = document(Brief.of(values["brief"]), answers)
    note = ""
    if values["assay"] != version:
        note = f" (made by assay {values['assay']}, checked by {version}: words may differ)"
    for path, before, after in _differences(values["document"], _through_json(plain(again)), "document"):
        yield f"{path} says {before!r}; the answers say {after!r}{note}"
    held = list(_through_json(list(figures(again, values["answers"]))))
    if held != values["figures"]:
        yield f"the list of figures is not the one that the answers give{note}"


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for n, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}/{n}")
    elif one != other or type(one) is not type(other):
        yield path, one, other
