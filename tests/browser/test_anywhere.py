"""Where the snippet must work or at least do no harm: policies, blockers, old browsers, signals, other domains, axe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from shops import Shop

from assay.collect.snippet import Tag
from serving import free_port

AXE = Path(__file__).parent.parent.parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
ALL = ("experiments", "auto", "datalayer", "vitals", "autocapture")
# What came to browsers after ES2017, and what some of 2017 do not have: gone before any script runs.
LATER = """
for (const name of ["flat", "flatMap", "at", "findLast", "toSorted"]) delete Array.prototype[name];
for (const name of ["replaceAll", "matchAll", "at", "trimStart"]) delete String.prototype[name];
for (const name of ["fromEntries", "hasOwn", "groupBy"]) delete Object[name];
delete Promise.allSettled; delete Promise.any; delete Promise.prototype.finally;
for (const name of ["structuredClone", "queueMicrotask", "requestIdleCallback", "IntersectionObserver", "PerformanceObserver",
  "BigInt", "scheduler"]) delete window[name];
delete Navigator.prototype.sendBeacon; delete Navigator.prototype.userAgentData; delete Crypto.prototype.randomUUID;
"""
BLOCKED = """
for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {get() { throw new Error("blocked") }});
Object.defineProperty(Document.prototype, "cookie", {get() { throw new Error("blocked") }});
"""
CALLS = """() => {
  const round = {}; round.round = round;
  const all = [() => assay(), () => assay("early"), () => assay("round", round), () => assay("odd", {f() {}, n: 10n}),
    () => assay("odd", 7), () => assay(null, null), () => assay.identify(), () => assay.identify("u"), () => assay.consent("nonsense"),
    () => assay.consent("granted"), () => assay.page(), () => assay.id(), () => assay.variant("x"), () => assay.variant(),
    () => window.dataLayer && dataLayer.push(null, {event: round}, {event: "e", r: round})];
  return all.map(one => { try { one() } catch (error) { return String(error) } }).filter(Boolean) }"""


def policy(shop: Shop, **tag: Any) -> str:
    made = Tag(shop.collecting, shop.key, **tag).policy
    return "default-src 'none'; " + "; ".join(f"{name} {sources}" for name, sources in made.items())


@pytest.mark.parametrize("tag", [{}, {"nonce": "abc123"}, {"stub": False}], ids=["hash", "nonce", "without"])
def test_a_strict_policy(shop: Shop, tab: Any, tag: dict[str, Any]) -> None:
    shop.tag = {"modules": ALL, **tag}
    shop.headers = {"content-security-policy": policy(shop, **tag)}
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(shop.url)
    tab.wait_for_function("() => window.assay && assay._ && assay._.parts.vitals && assay._.parts.autocapture")
    shop.wait(lambda: shop.named("page_view"))
    refused = [one for one in said if "Content Security Policy" in one and "icon" not in one and "onclick" not in one]
    assert [one for one in refused if "event handler" not in one] == []  # the shop's own buttons


def test_a_policy_that_forbids_everything_breaks_nothing(shop: Shop, tab: Any) -> None:
    shop.headers = {
        "content-security-policy": f"default-src 'none'; script-src {shop.collecting}"
    }  # nothing may be sent
    tab.goto(shop.url)
    tab.wait_for_function("() => window.assay && assay._")
    assert tab.evaluate(CALLS) == []
    assert shop.lines() == []


@pytest.mark.parametrize("blocked", ["script", "endpoint"])
@pytest.mark.parametrize("modules", [(), ("experiments", "auto", "datalayer")], ids=["core", "modules"])
def test_a_blocker(shop: Shop, tab: Any, blocked: str, modules: Sequence[str]) -> None:
    shop.tag = {"modules": tuple(modules)}
    shop.head = "<script>window.variant = assay.variant('any'); assay.consent('granted'); assay('early')</script>"
    nowhere = f"http://127.0.0.1:{free_port()}"
    if blocked == "script":
        shop.host = nowhere
    else:
        shop.attributes = f'data-host="{nowhere}"'
    tab.goto(shop.url)
    assert tab.evaluate(CALLS) == []
    tab.click("#buy")
    tab.click("#spa")
    tab.goto(shop.url + "/product.html")
    assert tab.evaluate("window.variant === undefined")
    assert shop.lines() == []
    shop.host = shop.attributes = ""
    tab.goto(shop.url + "/again.html")
    shop.wait(lambda: "/again.html" in [one["path"] for one in shop.named("page_view")])
    # With consent, what could not be sent is on the device and goes now; without the script nobody kept it.
    assert len(shop.named("purchase")) == (blocked == "endpoint")


def test_a_script_that_is_not_there(shop: Shop, tab: Any) -> None:
    shop.early = ""
    tab.route("**/assay.js", lambda route: route.fulfill(status=404, body="no"))
    tab.goto(shop.url)
    assert tab.evaluate(CALLS) == []


def test_an_old_browser(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ALL, "mode": "consented"}
    shop.body = '<form id="f"><label>A <input name="a"></label></form><p data-assay-view="x">x</p>'
    tab.add_init_script(LATER)
    tab.goto(shop.url)
    gone = "[typeof navigator.sendBeacon, typeof IntersectionObserver, typeof [].flat, typeof Object.fromEntries]"
    assert tab.evaluate(gone) == ["undefined"] * 4
    assert tab.evaluate(CALLS) == []
    tab.wait_for_function("assay._.parts.autocapture && assay._.parts.vitals")
    tab.evaluate("document.querySelector('[name=a]').dispatchEvent(new Event('input', {bubbles: true}))")
    tab.click("#buy")
    tab.click("#next")
    shop.wait(lambda: shop.named("purchase") and shop.named("form_start") and shop.named("$autocapture"))
    shop.wait(lambda: shop.named("form_abandon") and len(shop.named("page_view")) == 2)
    assert len({one["visitor"] for one in shop.named("page_view")}) == 1


def test_storage_that_throws(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ALL, "mode": "consented"}
    tab.add_init_script(BLOCKED)
    tab.goto(shop.url)
    assert tab.evaluate(CALLS) == []
    tab.click("#buy")
    shop.wait(lambda: shop.named("purchase") and shop.named("page_view"))


def test_storage_that_somebody_else_has_written(shop: Shop, tab: Any) -> None:
    shop.tag = {"mode": "consented"}
    for n, text in enumerate(("no json", "7", "null", "[]", '{"q": 7}', '{"v": 7, "q": {}}', '{"q": [null, 7]}')):
        tab.goto(shop.url)
        tab.evaluate("text => { assay.consent('denied'); localStorage.setItem('assay', text) }", text)
        tab.goto(f"{shop.url}/p{n}.html")
        tab.evaluate("assay('mark')")
        shop.wait(lambda n=n: f"/p{n}.html" in [one["path"] for one in shop.named("mark")])


def test_global_privacy_control_is_honoured_and_counted(shop: Shop, chromium: Any, tab: Any) -> None:
    shop.tag = {"modules": ("experiments", "auto"), "mode": "consented"}
    tab.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    tab.goto(shop.url)
    tab.evaluate("assay.consent('granted')")
    tab.click("#buy")
    assert tab.evaluate("[assay.id() === undefined, localStorage.length, document.cookie]") == [True, 0, ""]
    shop.wait(lambda: len(shop.raw()) >= 2)
    shop.stop()
    assert {one.get("refused") for one in shop.raw()} == {"consent"}
    assert [one for one in shop.raw() if set(one) - {"refused", "name", "received_at"}] == []
    shop.run("load")
    answer = json.loads(shop.run("ledger", "--format", "json"))
    columns = [one["name"] for one in answer["columns"]]
    (row,) = [dict(zip(columns, one, strict=True)) for one in answer["rows"]]
    assert row["received"] == row["consent"] >= 2  # the page view and the purchase
    assert (row["stored"], row["difference"]) == (0, 0)


def test_consent_that_is_withdrawn_takes_everything_off_the_device(shop: Shop, tab: Any) -> None:
    shop.tag = {"mode": "consented"}
    tab.goto(shop.url)
    tab.evaluate("assay.identify('user-1', 'company-1')")
    first = tab.evaluate("assay.id()")
    tab.evaluate("assay.consent('denied')")
    assert tab.evaluate("[localStorage.length, assay.id() === undefined]") == [0, True]
    tab.evaluate("assay('after')")
    shop.wait(lambda: [one for one in shop.raw() if one.get("refused") == "consent" and one["name"] == "after"])
    tab.evaluate("assay.consent('granted')")
    assert tab.evaluate("assay.id()") != first


def test_consent_that_is_withdrawn_in_another_tab(shop: Shop, tab: Any) -> None:
    shop.tag = {"mode": "consented"}
    tab.goto(shop.url)
    shop.tag = {}
    other = tab.context.new_page()
    other.goto(shop.url)
    assert other.evaluate("assay.id()") == tab.evaluate("assay.id()")
    other.evaluate("assay.consent('denied')")
    tab.evaluate("assay('after')")  # not written back, and not counted
    shop.wait(lambda: [one for one in shop.raw() if one.get("refused") == "consent" and one["name"] == "after"])
    assert tab.evaluate("[localStorage.length, assay.id() === undefined]") == [0, True]
    tab.evaluate("assay.consent('granted')")
    assert tab.evaluate("JSON.parse(localStorage.assay).v === assay.id()")


def test_events_wait_for_the_answer_where_the_site_wants_it(shop: Shop, tab: Any) -> None:
    shop.attributes = 'data-wait="on"'
    tab.goto(shop.url)
    tab.click("#buy")
    tab.wait_for_timeout(1000)
    assert shop.lines() == []
    tab.evaluate("assay.consent('granted')")
    shop.wait(lambda: shop.named("page_view") and shop.named("purchase"))
    assert {one["visitor"] for one in shop.lines()} == {tab.evaluate("assay.id()")}
    tab.evaluate("assay.consent('unknown')")
    tab.goto(shop.url + "/product.html")
    tab.goto(shop.url + "/third.html")
    shop.wait(lambda: "/product.html" in [one["path"] for one in shop.named("page_view")])
    last = shop.named("page_view")[-1]
    assert (last["path"], last["visitor"][:4], last["consent"]) == ("/product.html", "day-", "unknown")


def test_a_known_user_by_the_tag(shop: Shop, tab: Any) -> None:
    shop.tag, shop.attributes = {"mode": "identified"}, 'data-user="user-1" data-account="company-1"'
    tab.goto(shop.url)
    tab.goto(shop.url + "/product.html")
    shop.wait(lambda: len(shop.named("page_view")) == 2)
    assert {(one["user"], one["account"]) for one in shop.lines()} == {("user-1", "company-1")}
    assert len(shop.named("identify")) == 1  # not on every page


def test_the_visitor_comes_over_to_another_domain(shop: Shop, tab: Any) -> None:
    shop.tag = {"mode": "consented", "domains": "localhost"}
    tab.goto(shop.url)
    visitor = tab.evaluate("assay.id()")
    tab.click("#away")
    tab.wait_for_url("**/other.html")  # the parameter is gone from the address
    assert tab.evaluate("[location.hostname, assay.id()]") == ["localhost", visitor]
    shop.wait(lambda: len(shop.named("page_view")) == 2)
    assert [one["visitor"] for one in shop.named("page_view")] == [visitor] * 2
    assert "_as" not in json.dumps(shop.raw())
    tab.goto(f"http://localhost:{shop.port}/old.html?_as=someone.k1")  # an old link is nobody's
    assert tab.evaluate("assay.id()") == visitor


def test_the_visitor_comes_over_and_consents_there(shop: Shop, tab: Any) -> None:
    shop.tag = {"mode": "consented", "domains": "localhost"}
    tab.goto(shop.url)
    visitor = tab.evaluate("assay.id()")
    shop.tag["mode"] = ""
    tab.click("#away")
    tab.wait_for_url("**/other.html")
    assert tab.evaluate("assay.id() === undefined")
    tab.evaluate("assay.consent('granted')")
    assert tab.evaluate("assay.id()") == visitor


def test_calls_through_the_function_that_was_there_before(shop: Shop, tab: Any) -> None:
    shop.head = """<script>assay.identify('user-1', 'company-1'); assay('early', {a: 1}); assay.consent('granted');
    window.kept = window.assay</script>"""
    tab.goto(shop.url)
    tab.wait_for_function("assay._")
    tab.evaluate("kept('late', {b: 2})")
    shop.wait(lambda: shop.named("early") and shop.named("late"))
    assert [(one["props"], one["user"]) for one in (*shop.named("early"), *shop.named("late"))] == [
        ({"a": 1}, "user-1"), ({"b": 2}, "user-1"),
    ]  # fmt: skip
    assert shop.named("late")[0]["visitor"] == tab.evaluate("assay.id()")


def test_the_tag_twice_counts_once(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("auto", "datalayer")}
    shop.head = Tag(shop.collecting, shop.key, ("auto", "datalayer")).html
    shop.body = '<a id="file" href="/price.pdf" download>Price</a>'
    tab.goto(shop.url)
    tab.click("#file")
    tab.evaluate("dataLayer.push({event: 'one'})")
    shop.wait(lambda: shop.named("one") and shop.named("file_download"))
    tab.wait_for_timeout(500)
    assert sorted(one["name"] for one in shop.lines() if one["name"] != "user_engagement") == [
        "file_download", "one", "page_view",
    ]  # fmt: skip


def test_events_too_large_for_a_beacon_go_all_the_same(shop: Shop, tab: Any) -> None:
    tab.goto(shop.url)
    tab.evaluate("for (let n = 0; n < 15; n++) assay('big', {text: 'x'.repeat(9000), n})")
    shop.wait(lambda: len(shop.named("big")) == 15)


def test_axe_finds_nothing(shop: Shop, tab: Any) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    shop.tag, shop.body = {"modules": ALL, "mode": "consented"}, '<p data-assay-view="x" data-assay-click="x">Offer</p>'
    tab.goto(shop.url)
    tab.wait_for_function("assay._.parts.vitals && assay._.parts.autocapture")
    tab.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = tab.evaluate(
        "axe.run().then(all => [all.passes.length, all.violations.map(one => [one.id, one.nodes.map(n => n.html)])])"
    )
    assert found[0] > 10
    assert found[1] == []
