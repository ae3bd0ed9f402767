"""The snippet's modules in Chromium: what pages do by themselves, GA4's dataLayer, speed, clicks; and never a value."""

from __future__ import annotations

import json
from typing import Any

from shops import Shop

FORM = """
<form id="contact" name="lead" action="/thanks.html?token=t1" method="post">
<label>Name <input name="full_name"></label> <label>Password <input name="secret" type="password"></label>
<input name="hidden_one" type="hidden" value="HIDDENVALUE"> <label>Text <textarea name="message"></textarea></label>
<button id="send">Send</button></form>"""
LONG = '<div style="height:4000px"></div><p id="end">End</p>'
TYPED = ("Ann Example", "hunter2", "HIDDENVALUE", "Dear shop")


def props(lines: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one["props"].get(name) for name in names) for one in lines]


def test_scrolling_is_told_by_quarters_of_the_page(shop: Shop, tab: Any) -> None:
    shop.tag, shop.body = {"modules": ("auto",)}, LONG
    tab.goto(shop.url)
    tab.evaluate("scrollTo(0, document.documentElement.scrollHeight * 0.55 - innerHeight)")
    shop.wait(lambda: len(shop.named("scroll")) == 2)
    tab.evaluate("scrollTo(0, 1e6)")
    tab.evaluate("scrollTo(0, 0)")
    tab.evaluate("scrollTo(0, 1e6)")
    shop.wait(lambda: len(shop.named("scroll")) == 4)
    assert sorted(props(shop.named("scroll"), "percent_scrolled")) == [(25,), (50,), (75,), (90,)]
    assert {one["interactive"] for one in shop.named("scroll")} == {False}
    tab.evaluate("scrollTo(0, 0); history.pushState({}, '', '/other')")  # another page begins anew
    tab.wait_for_timeout(100)
    tab.evaluate("scrollTo(0, 1e6)")
    shop.wait(lambda: len([one for one in shop.named("scroll") if one["path"] == "/other"]) == 4)


def test_links_that_lead_away_and_downloads(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("auto",), "domains": "sister.example"}
    shop.body = """<a id="out" href="https://other.example/a?b=1">Out</a> <a id="sister" href="https://pay.sister.example/">S</a>
    <a id="file" href="/files/Price%20list.PDF?v=2">Price list</a> <a id="mail" href="mailto:ann@example.com">Mail</a>
    <a id="odd" href="/files/%E0%A4%A.zip">Odd</a>"""
    tab.goto(shop.url)
    tab.evaluate("document.addEventListener('click', event => event.preventDefault())")
    for name in ("out", "sister", "file", "mail", "odd", "next"):
        tab.click(f"#{name}")
    shop.wait(lambda: len(shop.named("file_download")) == 2 and shop.named("click"))
    names = ("outbound", "link_url", "link_domain", "link_id")
    assert props(shop.named("click"), *names) == [(True, "https://other.example/a?b=1", "other.example", "out")]
    downloads = props(shop.named("file_download"), "file_name", "file_extension", "link_url")
    assert downloads[0] == ("Price list.PDF", "pdf", shop.url + "/files/Price%20list.PDF?v=2")
    assert downloads[1][:2] == ("%E0%A4%A.zip", "zip")


def test_a_form_that_is_sent(shop: Shop, tab: Any) -> None:
    shop.tag, shop.body = {"modules": ("auto",)}, FORM
    tab.goto(shop.url + "/contact.html")
    tab.fill("[name=full_name]", TYPED[0])
    tab.fill("[name=secret]", TYPED[1])
    tab.click("#send")
    shop.wait(lambda: shop.named("form_submit") and len(shop.named("page_view")) == 2)
    names = ("form_id", "form_name", "form_destination", "form_length")
    wanted = [("contact", "lead", shop.url + "/thanks.html", 4)]
    assert props(shop.named("form_start"), *names) == wanted
    assert props(shop.named("form_submit"), *names) == wanted
    assert shop.named("form_abandon") == []


def test_a_form_that_is_left_says_where_and_never_a_value(shop: Shop, tab: Any) -> None:
    shop.tag, shop.body = {"modules": ("auto", "autocapture", "vitals")}, FORM
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    tab.goto(shop.url + "/contact.html")
    tab.wait_for_function("assay._.parts.autocapture")
    tab.click("[name=full_name]")
    tab.keyboard.type(TYPED[0])
    tab.click("[name=secret]")
    tab.keyboard.type(TYPED[1])
    tab.click("[name=message]")
    tab.keyboard.type(TYPED[3])
    tab.click("#next")
    shop.wait(lambda: shop.named("form_abandon") and len(shop.named("page_view")) == 2)
    (left,) = shop.named("form_abandon")
    told = props([left], "form_id", "last_field", "fields_touched")
    assert (told, left["interactive"], left["path"]) == ([("contact", "message", 3)], False, "/contact.html")
    assert len(shop.named("form_start")) == 1
    assert shop.named("form_submit") == []
    assert len(sent) > 3
    assert [one for one in [*sent, json.dumps(shop.raw())] if any(value in one for value in TYPED)] == []


def test_a_form_that_is_left_for_another_page_of_the_application(shop: Shop, tab: Any) -> None:
    shop.tag, shop.body = {"modules": ("auto",)}, FORM
    tab.goto(shop.url + "/contact.html")
    tab.fill("[name=full_name]", "x")
    tab.click("#spa")
    shop.wait(lambda: shop.named("form_abandon"))
    assert [one["path"] for one in shop.named("form_abandon")] == ["/contact.html"]


def test_marked_elements_in_view_and_clicked(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("auto",)}
    shop.body = """<button data-assay-view="cta" data-assay-click="cta" data-assay-prop-price-group="b">Try</button>
    <div style="height:4000px"></div><p id="low" data-assay-view="low">Low</p>"""
    tab.goto(shop.url)
    tab.click("[data-assay-click]")
    shop.wait(lambda: shop.named("element_view") and shop.named("element_click"))
    for name in ("element_view", "element_click"):
        assert props(shop.named(name), "element", "price_group") == [("cta", "b")]
    assert [shop.named(name)[0].get("interactive") for name in ("element_view", "element_click")] == [False, None]
    tab.evaluate("scrollTo(0, 1e6)")
    tab.wait_for_timeout(300)
    tab.evaluate("scrollTo(0, 0)")  # less than a second is no view
    tab.wait_for_timeout(1500)
    tab.evaluate("document.querySelector('main').insertAdjacentHTML('afterbegin', '<b data-assay-view=added>New</b>')")
    shop.wait(lambda: len(shop.named("element_view")) == 2)
    assert [one["props"]["element"] for one in shop.named("element_view")] == ["cta", "added"]


def test_the_data_layer_before_and_after(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("datalayer",)}
    shop.early = """<script>window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }
    gtag('js', new Date()); gtag('consent', 'default', {analytics_storage: 'denied'});
    gtag('config', 'G-1', {user_id: 'u1', send_page_view: true}); dataLayer.push({event: 'gtm.js', 'gtm.start': 1});
    gtag('event', 'page_view', {}); dataLayer.push({event: 'page_view'});
    dataLayer.push({event: 'view_item', ecommerce: {currency: 'EUR', value: 9.5, items: [{item_id: 'p1', price: 9.5}]}});
    </script>"""
    tab.goto(shop.url)
    tab.evaluate("dataLayer.push({ecommerce: null})")
    tab.evaluate(
        "window.given = {event: 'purchase', page: document.body, user_data: {email: 'ann@example.com'}, 'gtm.uniqueEventId': 4,"
        " ecommerce: {transaction_id: 77, value: '19.90', currency: 'EUR', coupon: 'MAY', items: [{item_id: 'p1', quantity: 2}]}};"
        "window.length_ = dataLayer.push(given)"
    )
    tab.evaluate("gtag('event', 'sign_up', {method: 'mail', send_to: 'G-1', event_callback() {}})")
    tab.evaluate("dataLayer.push({event: 'gtm.click'}, {event: 'two', a: 1}, 'text', null, 7)")
    shop.wait(
        lambda: shop.named("sign_up") and shop.named("purchase") and shop.named("two") and shop.named("view_item")
    )
    assert tab.evaluate("[window.length_ === 9, 'transaction_id' in given.ecommerce]") == [True, True]
    assert sorted(one["name"] for one in shop.lines()) == [
        "identify", "page_view", "purchase", "sign_up", "two", "view_item",
    ]  # fmt: skip
    (order,) = shop.named("purchase")
    assert (order["order_id"], order["amount"], order["currency"]) == ("77", "19.9", "EUR")
    assert (order["items"], order["props"]) == ([{"item_id": "p1", "quantity": 2}], {"coupon": "MAY"})
    assert (order["user"], order["consent"]) == ("u1", "unknown")
    (item,) = shop.named("view_item")
    assert (item["currency"], item["props"], item["items"]) == (
        "EUR", {"value": 9.5}, [{"item_id": "p1", "price": 9.5}],
    )  # fmt: skip
    assert shop.named("sign_up")[0]["props"] == {"method": "mail"}
    assert tab.evaluate("assay.id() === undefined")
    tab.evaluate("gtag('consent', 'update', {analytics_storage: 'granted'})")
    assert tab.evaluate("assay.id().length") > 20
    tab.evaluate("gtag('consent', 'update', {analytics_storage: 'denied'})")
    assert tab.evaluate("[assay.id() === undefined, localStorage.length]") == [True, 0]


def test_a_tag_manager_that_takes_over_push_still_gets_everything(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("datalayer",)}
    tab.goto(shop.url)
    tab.evaluate(
        "window.heard = []; const before = dataLayer.push;"
        "dataLayer.push = function (...all) { heard.push(...all); return before.apply(this, all) }; 0"
    )
    tab.evaluate("dataLayer.push({event: 'one'})")
    shop.wait(lambda: shop.named("one"))
    assert tab.evaluate("[heard.length, dataLayer.length]") == [1, 1]


def test_web_vitals_once_when_the_page_is_left(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("vitals",)}
    tab.goto(shop.url + "/product.html")
    tab.wait_for_function("assay._.parts.vitals")
    tab.click("#spa")  # an interaction, for INP
    tab.wait_for_timeout(300)
    tab.goto(shop.url + "/next.html")
    tab.wait_for_function("assay._.parts.vitals")
    shop.wait(lambda: shop.named("web_vitals"))
    (told,) = [one for one in shop.named("web_vitals") if one["path"] == "/product.html"]
    found = told["props"]
    assert {"lcp_ms", "fcp_ms", "ttfb_ms", "cls"} <= set(found)
    assert 0 < found["fcp_ms"] <= found["lcp_ms"] < 30_000
    assert 0 <= found["ttfb_ms"] <= found["fcp_ms"]
    assert 0 <= found["cls"] < 1
    assert told["interactive"] is False


def test_autocapture_names_what_was_clicked(shop: Shop, tab: Any) -> None:
    shop.tag = {"modules": ("autocapture",)}
    shop.body = """<section id="offer"><p class="row wide third"><button>  Try   it\nnow </button></p></section>
    <label>Mail <input name="mail" type="email" value="ann@example.com"></label>
    <div data-assay-ignore><button id="quiet">Account of Ann</button></div>"""
    tab.goto(shop.url)
    tab.wait_for_function("assay._.parts.autocapture")
    tab.click("#offer button")
    tab.click("[name=mail]")
    tab.click("#quiet")
    tab.click("h1")
    tab.click("#spa")
    shop.wait(lambda: len(shop.named("$autocapture")) == 3)
    names = ("element", "selector", "link_text", "field", "field_type")
    assert props(shop.named("$autocapture"), *names) == [
        ("button", "section#offer > p.row.wide > button", "Try it now", None, None),
        ("input", "main > label > input", None, "mail", "email"),
        ("button", "button#spa", "Go on", None, None),
    ]
    first = shop.named("$autocapture")[0]["props"]
    box = tab.locator("#offer button").bounding_box()
    assert box["x"] <= first["x"] <= box["x"] + box["width"]
    assert box["y"] <= first["y"] <= box["y"] + box["height"]
    assert "ann@example.com" not in json.dumps(shop.raw())
