"""The API: every question by its own parameters, the same figures as everywhere, one shape of errors."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from assay.analyses import QUESTIONS
from assay.report import render
from assay.web.api import api, offered
from assay.web.asking import Asker
from assay.workspace import Workspace
from support import NOW, bought, view, workspace

PLAN = """
site: {name: Asked, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics:
  views: {type: simple, count: page_view}
  rpv: {type: simple, sum: revenue.net, per: visitor}
funnels: {buy: {steps: [page_view, purchase]}}
"""
EVENTS = [*(view(f"v{n}", f"2024-03-01 10:0{n}", device="mobile" if n % 2 else "desktop") for n in range(5)),
          bought("v1", "2024-03-01 10:30", "o1", "12.50", currency="EUR")]  # fmt: skip
RANGE = "from=2024-03-01&to=2024-03-01"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    from starlette.testclient import TestClient

    folder = tmp_path_factory.mktemp("api")
    with workspace(folder, PLAN, EVENTS):
        pass
    asker = Asker(folder, clock=NOW)

    async def found(_request: Any) -> Asker:
        return asker

    with TestClient(api(found)) as made:
        made.folder = folder
        yield made
    asker.close()


def test_every_question_has_a_path_but_those_that_need_a_file(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert (
        {q.name for q in QUESTIONS if f"/{q.name}" not in paths}
        == {"reconcile"}
        == {q.name for q in QUESTIONS if not offered(q)}
    )
    named = {one["name"] for one in paths["/metric"]["get"]["parameters"]}
    assert {"names", "from", "to", "by", "compare", "segment", "as_of"} <= named
    assert not {"to_backlog", "keep"} & {
        one["name"] for path in paths.values() for one in path["get"].get("parameters", ())
    }


@pytest.mark.parametrize(
    ("path", "question", "values"),
    [
        (f"/metric?names=views,rpv&{RANGE}&by=device", "metric", {"names": ["views", "rpv"], "by": ["device"]}),
        (f"/metric?names=views&names=rpv&{RANGE}&by=device", "metric", {"names": ["views", "rpv"], "by": ["device"]}),
        (f"/funnel?name=buy&{RANGE}", "funnel", {"name": "buy"}),
        (f"/overview?{RANGE}", "overview", {}),
    ],
)
def test_the_figures_are_those_of_the_workspace(client: Any, path: str, question: str, values: dict[str, Any]) -> None:
    with Workspace(client.folder, now=NOW) as ws:
        answer = ws.ask(question, **values, **{"from": "2024-03-01", "to": "2024-03-01"})
    found = client.get(path)
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert found.json() == json.loads(render(answer, "json"))
    name, _, query = path.partition("?")
    table = list(csv.reader(io.StringIO(client.get(f"{name}.csv?{query}").text)))
    assert table == list(csv.reader(io.StringIO(render(answer, "csv"))))
    assert client.get(f"{name}.md?{query}").text == render(answer, "md")


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        ("/metric?names=viws", 404, "unknown_name", "did you mean 'views'"),
        ("/metric?names=views&form=2024-01-01", 404, "unknown_name", "did you mean 'from'"),
        ("/metric?names=views&from=yesterday", 422, "usage", "from"),
        ("/metric?names=views&compare=last", 422, "usage", "compare"),
        ("/metric", 422, "usage", "names"),
        ("/rollout?name=rpv&by=device&start=mobile", 422, "usage", "NAME=VALUE"),
        ("/compare?name=rpv&plan=/etc/passwd", 404, "unknown_name", "plan"),
        ("/opportunity?name=buy&to_backlog=true", 404, "unknown_name", "to_backlog"),
        ("/reconcile?file=/etc/passwd", 404, "unknown_name", "the API has no question 'reconcile'"),
        ("/metrc.csv?names=views", 404, "unknown_name", "did you mean 'metric'"),
    ],
)
def test_mistakes_have_one_shape(client: Any, path: str, status: int, code: str, says: str) -> None:
    found = client.get(path)
    assert found.status_code == status, found.text
    assert found.json()["error"]["code"] == code
    assert says in found.json()["error"]["message"]


def test_questions_are_asked_by_get_and_refusals_have_the_same_shape(client: Any) -> None:
    posted = client.post("/metric?names=views")
    assert (posted.status_code, posted.json()["error"]["code"]) == (405, "not_possible")
    assert posted.headers["allow"] == "GET"


def test_no_state_is_written_by_asking(client: Any) -> None:
    for question in QUESTIONS:
        client.get(f"/{question.name}")
    with Workspace(client.folder, now=NOW) as ws:
        assert ws.state.read("backlog") == []
