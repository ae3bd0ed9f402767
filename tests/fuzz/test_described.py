"""The OpenAPI document of the collector against the collector: schemathesis makes the requests, good and bad."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hostile import Running
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from assay.collect.http import MOST_BODY
from assay.collect.openapi import described
from assay.collect.protocols import PROTOCOLS

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install --group fuzz)")

DOCUMENT = json.loads(described(PROTOCOLS, MOST_BODY))
KEYS = {"key": "pk_test", "api_key": "pk_test", "writeKey": "pk_test", "api_secret": "pk_test", "domain": "shop.example",
        "website": "11111111-2222-4333-8444-555555555555"}  # fmt: skip


def keyed(value: Any) -> Any:
    """The document with the keys that the collector knows, so that requests get beyond them."""
    if isinstance(value, list):
        return [keyed(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: keyed(one) for name, one in value.items()}
    if isinstance(made.get("properties"), dict):
        made["properties"] |= {name: {"enum": [key]} for name, key in KEYS.items() if name in made["properties"]}
    if made.get("in") == "query" and made.get("name") in KEYS:
        made |= {"schema": {"enum": [KEYS[made["name"]]]}, "required": True}
    return made


schema = schemathesis.openapi.from_dict(keyed(DOCUMENT))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("described"))
    yield made
    made.stop()
    assert made.log.read_text() == ""


def answered(running: Running, path: str, method: str, examples: int) -> None:
    """Requests that the document allows, and such that it does not."""
    seen: Counter[int] = Counter()
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
        cases = schema[path][method].as_strategy(generation_mode=mode)

        @settings(
            max_examples=examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            database=None,
        )
        @given(case=cases)
        def asked(case: Any) -> None:
            answer = case.call(base_url=running.url, timeout=10)
            assert answer.status_code < 500, answer.text
            assert str(answer.status_code) in DOCUMENT["paths"]["/e"]["post"]["responses"]
            seen[answer.status_code] += 1

        with suppress(Unsatisfiable):  # nothing about it can be wrong: any text is a path
            asked()
    assert sum(seen.values()) > 0


MAIN = ["/e", "/batch/", "/v1/batch", "/mp/collect", "/api/event", "/api/send"]
ALL = [(path, method.upper()) for path, one in DOCUMENT["paths"].items() for method in one]


@pytest.mark.parametrize("path", MAIN)
def test_some(running: Running, path: str) -> None:
    answered(running, path, "POST", 8)


@pytest.mark.soak
@pytest.mark.parametrize(("path", "method"), ALL)
def test_many(running: Running, path: str, method: str) -> None:
    answered(running, path, method, 40)


def test_the_collector_serves_the_same(running: Running) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{running.url}/openapi.json", timeout=10) as answer:
        assert json.load(answer) == DOCUMENT
    assert Path(running.folder, "assay-data").is_dir()
