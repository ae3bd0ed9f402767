"""docs/wire-formats.md names every reason, route and short key that there is."""

import re
from pathlib import Path

import assay.collect
from assay.collect.protocols import PROTOCOLS
from assay.collect.protocols.own import SHORT
from assay.collect.webhooks import hubspot, shopify, stripe
from assay.plan.load import loads
from assay.plan.validate import keys
from assay.plan.webhook_forms import RuleForm, WebhookForm
from assay.plan.webhooks import FIELDS

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


GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "webhooks.md").read_text(encoding="utf-8")


def test_the_guide_of_webhooks_names_every_key_reason_and_event() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("webhooks/*.py"))
    reasons = set(re.findall(r'(?:Refused|BadRequest)\(\s*"(\w+)"', text))
    assert {"not_mapped", "bad_money"} <= reasons
    assert sorted(one for one in reasons if f"`{one}`" not in GUIDE + TEXT) == []
    named = {
        *keys(WebhookForm),
        *keys(RuleForm),
        *(one for one in FIELDS if not one.startswith("utm_")),
        *shopify._TOPICS,
        *hubspot._STAGES,
    }
    assert sorted(one for one in named if not re.search(rf"\b{re.escape(one)}\b", GUIDE)) == []
    last = {name.rpartition(".")[2] for name in stripe._EVENTS}
    assert sorted(one for one in last if one not in GUIDE) == []


def test_the_plans_of_the_guide_load() -> None:
    blocks = re.findall(r"```yaml\n(webhooks:.*?)```", GUIDE, re.S)
    assert [len(loads(block).webhooks) for block in blocks] == [3, 1, 1]
