"""``assay snippet``: the tag of a workspace and its options; what ``assay serve`` says of the first event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Assay

from assay.collect.arriving import Arriving

PLAN = "site: {name: Shop, timezone: UTC, currency: EUR, domains: [shop.example, pay.example]}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "assay.yaml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def test_the_tag_has_the_first_public_key_and_the_sites_domains(assay: Assay, shop: Path) -> None:
    assay("key", "add", "server", "--secret", "-w", shop)
    first = assay("snippet", "-w", shop, "--host", "https://c.example/")
    made = json.loads(assay("snippet", "-w", shop, "--host", "c.example", "--auto", "--vitals", "--format", "json").out)
    assert first.code == 0
    assert made["key"].startswith("pk_")
    assert f'src="https://c.example/assay.js" data-key="{made["key"]}" data-domains="pay.example"' in first.out
    assert "add: script-src https://c.example 'sha256-" in first.out
    assert (made["src"], made["modules"]) == ("https://c.example/assay.auto.js", ["auto", "vitals"])
    assert made["policy"]["connect-src"] == "https://c.example"
    assert 'data-vitals="on"' in made["html"]


def test_consent_is_a_mode(assay: Assay, shop: Path) -> None:
    said = [assay("snippet", "-w", shop, *words).out for words in ([], ["--consent"], ["--mode", "identified"])]
    assert ['data-mode="consented"' in one for one in said] == [False, True, False]
    assert ['data-mode="identified"' in one for one in said] == [False, False, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "jsn"], "--format 'jsn' is not known; did you mean 'json'?"),
        (["--mode", "consent"], "--mode 'consent' is not known; did you mean 'consented'?"),
        (["--host", "ftp://c.example"], "--host 'ftp://c.example': an address such as https://collect.example"),
        (["--nonce", 'a"b'], "--nonce 'a\"b': letters, digits"),
        (["--key", "pk_unknown"], "--key 'pk_unknown' is no key in use"),
    ],
)
def test_what_cannot_be(assay: Assay, shop: Path, words: list[str], said: str) -> None:
    ran = assay("snippet", "-w", shop, *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"assay: {said}")


def test_a_secret_key_never_stands_in_a_page(assay: Assay, shop: Path) -> None:
    key = assay("key", "add", "server", "--secret", "-w", shop).out.split()[0]
    ran = assay("snippet", "-w", shop, "--key", key)
    assert (ran.code, ran.out, key in ran.err) == (2, "", False)
    assert "a secret key never stands in a page" in ran.err


def test_the_first_event_is_told_once(tmp_path: Path) -> None:
    looking = Arriving(tmp_path, "web.own")
    assert looking.look() is None
    folder = tmp_path / "c0"
    folder.mkdir()
    (folder / "1-c0-1.server.own.ndjson").write_text('{"id":"a","name":"sale"}\n', encoding="utf-8")
    assert looking.look() is None  # another source
    segment = folder / "2-c0-2.web.own.ndjson.open"
    segment.write_text('{"refused":"consent","name":"page_view"}\n{"id":"half', encoding="utf-8")
    assert looking.look() == "an event came and was refused (consent); assay ledger counts them\n"
    assert looking.look() is None
    segment.write_text('{"id":"a","name":"page_view","url":"https://shop.example/"}\n', encoding="utf-8")
    assert looking.look() == "the tag works: page_view of https://shop.example/ is here\n"
    assert looking.look() is None
