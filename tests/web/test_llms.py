"""``llms.txt``: everything that can be asked is in it, and the addresses lead somewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from machined import Served, get, made, served

from assay.analyses import QUESTIONS
from assay.web import llms

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(made(tmp_path_factory.mktemp("llms"))) as found:
        yield found


def test_it_names_every_question_and_what_the_plan_defines(shop: Served) -> None:
    found = get(f"{shop.base}/llms.txt", headers=shop.headers)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    for question in QUESTIONS:
        assert len(re.findall(rf"^- .*\b{question.name}\b.*: {re.escape(question.summary)}", found.text, re.M)) == 1
    for part in ("# assay: Asked\n", "- KPIs: rpv\n", "- funnels: buy\n", "- segments: mobile\n", "money in EUR"):
        assert part in found.text


def test_its_addresses_lead_somewhere(shop: Served) -> None:
    text = get(f"{shop.base}/llms.txt", headers=shop.headers).text
    addresses = re.findall(rf"\(({re.escape(shop.base)}/[^)]+)\)", text)
    assert len(addresses) == len(QUESTIONS)  # all but one question, and the description of the API
    description = get(addresses.pop(0), headers=shop.headers).json()
    assert {urlsplit(one).path.removeprefix("/shop/api/v1") for one in addresses} == {
        path for path in description["paths"] if "." not in path
    }
    assert f"`{shop.base}/mcp`" in text
    assert get(f"{shop.base}/mcp", headers=shop.headers).status_code == 405


def test_without_a_plan_it_tells_what_assay_is(tmp_path: Path) -> None:
    with served(tmp_path, planned=False) as bare:
        text = get(f"{bare.base}/llms.txt", headers=bare.headers).text
        assert get(f"{bare.base}/llms.txt").headers["location"].endswith("/login?next=/shop/llms.txt")
    assert text == llms.text(None, bare.base)


def test_the_file_of_the_docs_is_the_same_with_every_page() -> None:
    """``ASSAY_WRITE=1`` writes it again."""
    pages = re.findall(r"^- \[.*$", (DOCS / "README.md").read_text(encoding="utf-8"), re.M)
    text = f"{llms.text()}\n## Documentation\n\n" + "\n".join(pages) + "\n"
    if os.environ.get("ASSAY_WRITE"):
        (DOCS / "llms.txt").write_text(text, encoding="utf-8")
    assert (DOCS / "llms.txt").read_text(encoding="utf-8") == text, "ASSAY_WRITE=1 pytest tests/web/test_llms.py"
