"""docs/wire-formats.md names every reason, route and short key that there is."""

import re
from pathlib import Path

import assay.collect
from assay.collect.protocols import PROTOCOLS
from assay.collect.protocols.own import SHORT

ROOT = Path(assay.collect.__file__).parent
TEXT = (Path(__file__).parents[2] / "docs" / "wire-formats.md").read_text(encoding="utf-8")
SOURCES = [
    *ROOT.glob("protocols/*.py"),
    *ROOT.glob("enrich/*.py"),
    ROOT / "bodies.py",
    ROOT / "ecommerce.py",
    ROOT / "steps.py",
]


def test_every_reason_is_explained() -> None:
    found = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:Refused|BadRequest|Refusal)\(\s*(?:n, )?"(\w+)"', text))
    found |= {"consent", "wrong_host", "internal", "bad_time"}
    assert len(found) > 20
    assert sorted(reason for reason in found if f"`{reason}`" not in TEXT) == []


def test_every_endpoint_is_named() -> None:
    last = {path.rstrip("/*").rpartition("/")[2] for protocol in PROTOCOLS for _, path in protocol.routes}
    assert sorted(name for name in last if not re.search(rf"\b{name}\b", TEXT)) == []


def test_every_short_key_is_listed() -> None:
    assert [short for short, name in SHORT.items() if f"| `{short}` | {name} |" not in TEXT] == []
