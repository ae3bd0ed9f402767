"""The snippet in Chromium, from a page to the collector's segments and the answer of a funnel."""

from __future__ import annotations

import json
from typing import Any

from shops import Shop


def test_from_a_page_to_the_funnel(shop: Shop, tab: Any) -> None:
    shop.attributes = 'data-consent="granted"'
    tab.goto(shop.url + "/?utm_source=news&utm_medium=email&utm_campaign=may")
    tab.click("#next")
    tab.evaluate("assay('add_to_cart', {items: [{item_id: 'p1'}]})")
    tab.click("#buy")
    shop.wait(lambda: len(shop.named("purchase")) == 1 and len(shop.named("page_view")) == 2)
    first, second = sorted(shop.named("page_view"), key=lambda one: one["time"])
    assert (first["utm_source"], first["utm_medium"], first["utm_campaign"]) == ("news", "email", "may")
    assert (second["path"], second["referrer"].split("?")[0]) == ("/product.html", shop.url + "/")
    assert first["visitor"] == second["visitor"]
    (order,) = shop.named("purchase")
    assert (order["order_id"], order["amount"], order["currency"]) == ("A1", "20.5", "EUR")
    shop.stop()
    shop.run("load")
    answer = json.loads(
        shop.run("funnel", "checkout", "--from", "2020-01-01", "--to", "2100-01-01", "--format", "json")
    )
    units = [row[[c["name"] for c in answer["columns"]].index("units")] for row in answer["rows"]]
    assert units == [1, 1, 1]


def test_a_single_page_application(shop: Shop, tab: Any) -> None:
    tab.goto(shop.url)
    tab.click("#spa")
    tab.wait_for_timeout(20)
    tab.click("#spa")
    tab.evaluate("history.replaceState({}, '', location.href + '#part')")  # another part of the same page
    shop.wait(lambda: len(shop.named("page_view")) == 3)
    views = sorted(shop.named("page_view"), key=lambda one: one["time"])
    assert views[1]["path"].startswith("/spa/")
    assert views[2]["referrer"] == views[1]["url"]


def test_nothing_is_kept_before_consent(shop: Shop, tab: Any) -> None:
    tab.goto(shop.url)
    shop.wait(lambda: shop.named("page_view"))
    assert tab.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert tab.evaluate("assay.id() === undefined")
    tab.evaluate("assay.consent('granted')")
    tab.evaluate("assay('sign_up', {method: 'mail'})")
    shop.wait(lambda: shop.named("sign_up"))
    assert shop.named("sign_up")[0]["visitor"] == tab.evaluate("assay.id()")
    assert shop.named("sign_up")[0]["consent"] == "granted"
    tab.evaluate("assay.consent('denied')")
    assert tab.evaluate("localStorage.length") == 0


def test_a_page_that_closes_at_once_loses_nothing(shop: Shop, tab: Any) -> None:
    tab.goto(shop.url)
    tab.evaluate("document.getElementById('buy').click()")
    tab.close()
    shop.wait(lambda: len(shop.named("purchase")) == 1 and len(shop.named("page_view")) == 1)


def test_offline_and_online_again(shop: Shop, tab: Any) -> None:
    tab.goto(shop.url)
    shop.wait(lambda: shop.named("page_view"))
    tab.context.set_offline(True)
    tab.click("#buy")
    tab.wait_for_timeout(600)
    assert shop.named("purchase") == []
    tab.context.set_offline(False)
    shop.wait(lambda: len(shop.named("purchase")) == 1)


def test_a_collector_that_is_down_for_a_while(shop: Shop, tab: Any) -> None:
    shop.attributes = 'data-consent="granted"'
    tab.goto(shop.url)
    shop.wait(lambda: shop.named("page_view"))
    shop.stop()
    tab.click("#buy")
    tab.wait_for_timeout(300)
    shop.start()
    tab.goto(shop.url + "/product.html")  # the queue is on the device and goes on from there
    shop.wait(lambda: len(shop.named("purchase")) == 1)
    shop.wait(lambda: len(shop.named("page_view")) == 2)


def test_calls_before_the_script_has_loaded_are_kept(shop: Shop, tab: Any) -> None:
    tab.add_init_script(
        "window.assay = function (n, p) { (assay.q = assay.q || []).push([n, p]) }; assay('early', {a: 1})"
    )
    tab.goto(shop.url)
    shop.wait(lambda: shop.named("early"))


def test_who_is_known_is_told_with_every_event(shop: Shop, tab: Any) -> None:
    shop.attributes = 'data-consent="granted"'
    tab.goto(shop.url)
    tab.evaluate("assay.identify('user-1', 'company-1')")
    tab.click("#buy")
    shop.wait(lambda: shop.named("purchase") and shop.named("identify"))
    assert (shop.named("purchase")[0]["user"], shop.named("purchase")[0]["account"]) == ("user-1", "company-1")
    assert shop.named("identify")[0]["interactive"] is False
    tab.evaluate("assay.identify(); assay('after')")
    shop.wait(lambda: shop.named("after"))
    assert shop.named("after")[0].get("user") is None


def test_it_never_throws_into_the_page(shop: Shop, tab: Any) -> None:
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }});"
        "navigator.sendBeacon = () => { throw new Error('blocked') };"
    )
    shop.attributes = 'data-consent="granted"'
    tab.goto(shop.url)
    tab.evaluate(
        "assay(undefined, null); assay('odd', {f() {}}); assay.identify(); assay.consent('nonsense'); assay.page()"
    )
    tab.click("#spa")
    tab.goto(shop.url + "/product.html")


def test_back_to_a_page_that_the_browser_had_kept(shop: Shop, tab: Any) -> None:
    shop.attributes = 'data-consent="granted"'
    tab.goto(shop.url)
    shop.wait(lambda: shop.named("page_view"))
    tab.evaluate("addEventListener('pageshow', event => window.kept = event.persisted)")
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    shop.wait(lambda: len(shop.named("page_view")) == 2)
    assert {one["path"] for one in shop.named("page_view")} == {"/"}
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: false}))")
    tab.wait_for_timeout(600)
    assert len(shop.named("page_view")) == 2
