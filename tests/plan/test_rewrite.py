"""Entries changed and removed in a person's text: the rest stays to the letter, or it is refused."""

from __future__ import annotations

import pytest
import yaml

from assay.model.errors import UsageError
from assay.plan.rewrite import removed, replaced

TEXT = """\
# our plan
site: {name: A, timezone: UTC}   # the site
goals:
  # what pays
  order: {event: purchase, kind: macro}
  sign_up:
    event: sign_up   # by form
    kind: micro
  # what is read
  read:
    page:
      - /blog/*
      - /help/*

funnels: {buy: {steps: [view_item, purchase]}, look: {steps: [page_view, view_item]}}
segments:
  mobile: "device = 'mobile'"
"""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("goals", "order"), {"event": "purchase", "kind": "micro"}),
        (("goals", "sign_up"), {"event": "sign_up", "where": "country = 'DE'"}),
        (("goals", "read"), {"page": "/blog/*"}),
        (("goals", "read", "page"), ["/a", "/b"]),
        (("funnels", "buy"), {"steps": ["view_item", "add_to_cart", "purchase"], "window": "7d"}),
        (("funnels", "look", "steps"), ["x: y", "#no", "null", "ja", "1"]),
        (("segments", "mobile"), "device in ('mobile', 'tablet')"),
        (("site", "name"), "B: {"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_entry_changes(path: tuple[str, ...], value: object, end: str) -> None:
    text = TEXT.replace("\n", end)
    new = replaced(text, path, value)
    wanted = yaml.safe_load(text)
    place = wanted
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert yaml.safe_load(new) == wanted
    kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in new.splitlines() if line.lstrip().startswith("#")] == kept
    assert new.count("\r\n") == (0 if end == "\n" else new.count("\n"))


@pytest.mark.parametrize(
    "path",
    [
        ("goals", "order"),
        ("goals", "sign_up"),
        ("goals", "read"),
        ("funnels", "buy"),
        ("segments", "mobile"),
        ("site", "name"),
    ],
)
def test_an_entry_goes_and_nothing_else(path: tuple[str, ...]) -> None:
    wanted = yaml.safe_load(TEXT)
    del wanted[path[0]][path[1]]
    assert yaml.safe_load(removed(TEXT, path)) == {key: value for key, value in wanted.items() if value}


def test_what_is_not_there_or_stands_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match=r"funnels\.none is not in this file"):
        replaced(TEXT, ("funnels", "none"), {})
    with pytest.raises(UsageError, match="alias"):
        removed("a: &x {b: 1}\nc: *x\n", ("c",))
    with pytest.raises(UsageError):
        replaced("a: [1", ("a",), 1)


def test_changed_and_changed_back_is_the_same_plan() -> None:
    there = replaced(TEXT, ("goals", "sign_up"), {"event": "login"})
    back = replaced(there, ("goals", "sign_up"), {"event": "sign_up", "kind": "micro"})
    assert yaml.safe_load(back) == yaml.safe_load(TEXT)
