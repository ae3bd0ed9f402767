"""The OpenAPI document of the questions against the API: schemathesis makes the requests, good and bad."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from assay.analyses import QUESTIONS
from assay.web.api import offered
from support import NOW, bought, view, workspace

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install --group fuzz)")
sys.path.insert(0, str(Path(__file__).parent.parent / "web"))

PLAN = """
site: {name: Asked, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics: {rate: {type: conversion, goal: order, per: visitor, direction: up}}
funnels: {buy: {steps: [page_view, purchase]}}
"""
STATUSES = {200, 404, 422, 503}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from browsing import browsing

    folder = tmp_path_factory.mktemp("described")
    with workspace(
        folder, PLAN, [view("v1", "2024-03-01 10:00"), bought("v1", "2024-03-01 10:05", "o1", "9", currency="EUR")]
    ):
        pass
    with browsing(folder, NOW) as made:
        yield made


@pytest.fixture(scope="module")
def schema(client: Any) -> Any:
    """The document, read once: it takes longer than a request."""
    return schemathesis.openapi.from_dict(client.get("/shop/api/v1/openapi.json").json())


def answered(client: Any, schema: Any, question: str, form: str, examples: int) -> None:
    """Requests that the document allows, and such that it does not."""
    path = f"/{question}{form}"
    seen: Counter[int] = Counter()
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
        cases = schema[path]["GET"].as_strategy(generation_mode=mode)

        @settings(
            max_examples=examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            database=None,
        )
        @given(case=cases)
        def asked(case: Any) -> None:
            answer = client.get(f"/shop/api/v1{path}", params=case.query or {})
            assert answer.status_code in STATUSES, (case.query, answer.text[:500])
            if answer.status_code != 200:
                error = json.loads(answer.text)["error"]
                assert error["message"]
                assert "Traceback" not in answer.text
            seen[answer.status_code] += 1

        with suppress(Unsatisfiable):
            asked()
    assert sum(seen.values()) > 0


@pytest.mark.parametrize("question", ["metric", "funnel", "overview"])
def test_some(client: Any, schema: Any, question: str) -> None:
    answered(client, schema, question, "", 10)


@pytest.mark.soak
@pytest.mark.parametrize("form", ["", ".csv", ".md"])
@pytest.mark.parametrize("question", [one.name for one in QUESTIONS if offered(one)])
def test_many(client: Any, schema: Any, question: str, form: str) -> None:
    answered(client, schema, question, form, 40 if not form else 10)
