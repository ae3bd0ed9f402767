"""Situations on the way in: pages, forms and ads. Planted they are found with figures counted by hand, else they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from situated import MARCH, PLAN, costs, doing, group, looked, moments, state

from assay.model.errors import UnknownName
from support import Event, event, view, workspace

# -- expectation_gap --------------------------------------------------------------------------------------------------


def _ads(promo_wins: int) -> list[Event]:
    return [
        *group("b", 500, 50, utm_campaign="brand", utm_source="google", utm_medium="cpc"),
        *group("s", 500, 50, utm_campaign="shop", utm_source="google", utm_medium="cpc"),
        *group("p", 800, promo_wins, utm_campaign="promo", utm_source="google", utm_medium="cpc"),
        *group("n", 500, 200, utm_campaign="letter", utm_source="news", utm_medium="email"),
    ]


CLICKS = [
    ("2024-03-02", "Paid Search", "brand", 100, 10_000, 200),
    ("2024-03-02", "Paid Search", "shop", 100, 10_000, 200),
    ("2024-03-02", "Paid Search", "promo", 100, 10_000, 600),
    ("2024-02-02", "Paid Search", "shop", 100, 10_000, 9_000),  # before the range
]
HEADER = "date,channel,campaign,spend,impressions,clicks"


def test_an_ad_that_promises_too_much(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, PLAN, _ads(8), engine=engine)
    costs(ws, CLICKS, HEADER)
    said, (case,) = looked(ws, "expectation_gap")
    assert said == "found"
    assert (case["campaign"], case["ctr"], case["conversion"]) == ("promo", 0.06, 0.01)
    assert case["others"] == pytest.approx(100 / 1000)  # brand and shop; nobody clicks an ad to come by letter


def test_an_ad_that_nobody_buys_from(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, _ads(0))
    costs(ws, CLICKS, HEADER)
    assert looked(ws, "expectation_gap")[1][0]["conversion"] == 0.0


@pytest.mark.parametrize("promo", [80, 60])  # as others; 7.5 %: less, and not far below them
def test_an_ad_that_keeps_its_promise(tmp_path: Path, promo: int) -> None:
    ws = workspace(tmp_path, PLAN, _ads(promo))
    costs(ws, CLICKS, HEADER)
    assert looked(ws, "expectation_gap") == ("not found", [])


def test_no_order_of_a_hundred_visits_says_little_where_two_are_usual(tmp_path: Path) -> None:
    events = [
        *group("b", 3000, 60, utm_campaign="brand"),
        *group("s", 3000, 60, utm_campaign="shop"),
        *group("p", 100, 0, utm_campaign="promo"),
    ]
    ws = workspace(tmp_path, PLAN, events)
    costs(ws, CLICKS, HEADER)
    assert looked(ws, "expectation_gap") == ("not found", [])


def test_ads_need_clicks(tmp_path: Path) -> None:
    assert state(tmp_path, "expectation_gap", _ads(8)).startswith(
        "cannot be seen: fewer than three campaigns with impressions and clicks"
    )


# -- landing_bounce ---------------------------------------------------------------------------------------------------


def _landed(name: str, path: str, many: int, bounced: int, **told: str) -> list[Event]:
    stayed = group(f"{name}-stay", many - bounced, 0, (path, "/next"), **told)
    return group(f"{name}-go", bounced, 0, (path,), **told) + stayed


def test_a_landing_page_that_bounces(tmp_path: Path, engine: str) -> None:
    events = [*_landed("a", "/a", 400, 200), *_landed("b", "/b", 400, 200), *_landed("c", "/c", 400, 340)]
    ws = workspace(tmp_path, PLAN, events, engine=engine)
    said, (case,) = looked(ws, "landing_bounce")
    assert said == "found"
    assert (case["page"], case["bounce_rate"], case["landings"]) == ("/c", 0.85, 400)
    assert case["expected"] == pytest.approx((400 + 740 / 1200) / 801)  # the other pages, and one at the site's rate


def test_a_landing_page_as_its_channels_let_expect(tmp_path: Path) -> None:
    ads, news = ({"utm_source": s, "utm_medium": m} for s, m in (("x", "cpc"), ("y", "email")))
    same = [_landed(p, f"/{p}", 400, 200) for p in "abc"]
    assert state(tmp_path / "same", "landing_bounce", *same) == "not found"
    mixed = [
        *(_landed("aa", "/a", 200, 180, **ads), _landed("an", "/a", 400, 80, **news)),
        *(_landed("ca", "/c", 400, 360, **ads), _landed("cn", "/c", 200, 40, **news)),
    ]
    assert state(tmp_path / "mixed", "landing_bounce", *mixed) == "not found"  # 66.7 and 43.3 %, by channel alike


def test_a_few_landings_elsewhere_do_not_say_what_is_usual(tmp_path: Path) -> None:
    """Of 200 landings from a channel half bounce; elsewhere it brought a single visit that did not."""
    odd = {"utm_source": "x", "utm_medium": "cpc"}
    worlds = [_landed("a", "/a", 400, 200), _landed("b", "/b", 200, 100, **odd), _landed("c", "/a", 1, 0, **odd)]
    assert state(tmp_path, "landing_bounce", *worlds) == "not found"


def test_one_landing_page_is_no_comparison(tmp_path: Path) -> None:
    reason = "cannot be seen: fewer than two landing pages with 150 sessions"
    assert state(tmp_path, "landing_bounce", _landed("a", "/a", 400, 300), _landed("b", "/b", 149, 10)) == reason


# -- slow_pages -------------------------------------------------------------------------------------------------------

SPEED = PLAN + "events: {page_view: {properties: {lcp_ms: number}}}\n"


def _paints(slow: int, slow_wins: int, fast: int, fast_wins: int, **told: str) -> list[Event]:
    return [
        *group("q", 300, 30, ("/a",), props={"lcp_ms": 900}),
        *group("s", slow, slow_wins, ("/b",), props={"lcp_ms": 4000}, **told),
        *group("f", fast, fast_wins, ("/b",), props={"lcp_ms": 1000}),
    ]


def test_a_slow_page_and_what_those_who_wait_do(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, SPEED, _paints(180, 9, 120, 12, device="mobile"), engine=engine)
    said, (case,) = looked(ws, "slow_pages")
    assert said == "found"
    assert case == {"page": "/b", "p75_ms": 4000.0, "views": 300, "slow": 9 / 180, "fast": 12 / 120}
    assert looked(ws, "slow_pages", segment="coalesce(device, '') <> 'mobile'") == ("not found", [])
    assert looked(ws, "slow_pages", segment="device = 'mobile'")[1][0]["views"] == 180


def test_the_tag_says_once_per_page_how_fast_it_was(tmp_path: Path) -> None:
    plan = PLAN + "events: {web_vitals: {properties: {lcp_ms: number}}}\n"
    views = [{**one, "props": {}} for one in _paints(180, 9, 120, 12)]
    told = [
        {**one, "id": f"{one['id']}-vitals", "name": "web_vitals", "interactive": False}
        for one in _paints(180, 9, 120, 12) if one.get("props")
    ]  # fmt: skip
    said, (case,) = looked(workspace(tmp_path, plan, [*views, *told]), "slow_pages")
    assert said == "found"
    assert case == {"page": "/b", "p75_ms": 4000.0, "views": 300, "slow": 9 / 180, "fast": 12 / 120}


@pytest.mark.parametrize("slow", [70, 90])  # of 300: fewer than one in four; more, and within noise
def test_fast_enough_pages(tmp_path: Path, slow: int) -> None:
    assert state(tmp_path, "slow_pages", _paints(slow, 1, 300 - slow, 9), plan=SPEED) == "not found"


def test_one_visitor_who_waits_often_is_one_visitor(tmp_path: Path) -> None:
    waits = [view("w", t, "/b", props={"lcp_ms": 9000}) for t in moments(120)]
    assert state(tmp_path, "slow_pages", _paints(0, 0, 200, 0), waits, plan=SPEED) == "not found"


def test_speed_needs_measured_views(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "slow_pages", _paints(180, 9, 120, 12)) == (
        "cannot be seen: no declared property lcp_ms or lcp"
    )
    few = group("q", 99, 9, ("/a",), props={"lcp_ms": 9000})
    assert state(tmp_path / "b", "slow_pages", few, plan=SPEED) == "cannot be seen: no page with 100 measured views"


# -- pricing_exits ----------------------------------------------------------------------------------------------------


def _tours(left: int) -> list[Event]:
    return [
        *group("x", left, 0, ("/", "/pricing")),
        *group("y", 400 - left, 0, ("/", "/pricing", "/docs")),
        *group("z", 400, 0, ("/", "/docs", "/about")),
        *group("w", 200, 0, ("/", "/about")),
    ]


def test_people_leave_at_the_price(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, PLAN, _tours(300), engine=engine)
    said, (case,) = looked(ws, "pricing_exits")
    assert (said, case["page"], case["exit_rate"]) == ("found", "/pricing", 0.75)
    assert case["others"] == pytest.approx((0 + 100 + 600) / (1000 + 500 + 600))  # /, /docs, /about
    ws.close()
    ws = workspace(tmp_path, PLAN + "pages: {prices: /pricing, home: /, more: [/docs, /about]}\n", engine=engine)
    said, (case,) = looked(ws, "pricing_exits")
    assert (said, case["page"], case["exit_rate"]) == ("found", "prices", 0.75)


def test_people_go_on_from_the_price(tmp_path: Path) -> None:
    assert state(tmp_path, "pricing_exits", _tours(120)) == "not found"


def test_exits_need_a_price_list_and_pages_beside_it(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "pricing_exits", group("z", 400, 0, ("/", "/docs", "/about"))).startswith(
        "cannot be seen: no pricing page"
    )
    only = "cannot be seen: fewer than three pages with 50 sessions"
    assert state(tmp_path / "b", "pricing_exits", group("z", 400, 0, ("/", "/pricing"))) == only
    assert state(tmp_path / "c", "pricing_exits", group("z", 400, 0, ("/pricing", "/plans", "/tarife"))) == only


# -- form_abandonment -------------------------------------------------------------------------------------------------

FORM = PLAN + "events: {form_input: {properties: {form_field: string}}, generate_lead: {}}\n"


def _form(stops: tuple[int, int, int], many: int = 300, send: str = "generate_lead", **told: str) -> list[Event]:
    """Visitors go through three fields; so many stop at each, the rest sends."""
    events: list[Event] = []
    for n, t in enumerate(moments(many)):
        left = n
        for k, (field, stop) in enumerate(zip(("name", "mail", "phone"), stops, strict=True)):
            at_field = event(f"v{n}", "form_input", t + k * 5_000_000, props={"form_field": field}, **told)
            events.append(at_field)
            if left < stop:
                break
            left -= stop
        else:
            events.append(event(f"v{n}", send, t + 60_000_000))
    return events


def test_a_field_where_people_give_up(tmp_path: Path, engine: str) -> None:
    ws = workspace(tmp_path, FORM, _form((30, 27, 120), device="mobile"), engine=engine)
    said, (case,) = looked(ws, "form_abandonment")
    assert said == "found"
    assert case == {"field": "phone", "rate": 120 / 243, "others": pytest.approx(57 / 570), "reached": 243}
    assert looked(ws, "form_abandonment", segment="device = 'mobile'")[1] == [case]
    assert looked(ws, "form_abandonment", segment="device = 'desktop'")[0].startswith("cannot be seen: ")


def test_the_only_field_where_anybody_stops(tmp_path: Path) -> None:
    ws = workspace(tmp_path, FORM, _form((0, 0, 100)))
    assert looked(ws, "form_abandonment")[1] == [{"field": "phone", "rate": 1 / 3, "others": 0.0, "reached": 300}]


def test_an_even_form(tmp_path: Path) -> None:
    assert state(tmp_path, "form_abandonment", _form((30, 27, 24)), plan=FORM) == "not found"


def test_who_comes_back_and_sends_has_not_given_up(tmp_path: Path) -> None:
    later = [event(f"v{n}", "generate_lead", "2024-04-02 10:00") for n in range(57, 177)]  # those who stopped at phone
    assert state(tmp_path, "form_abandonment", _form((30, 27, 120)), later, plan=FORM) == "not found"


def test_forms_need_fields_and_a_word_that_they_were_sent(tmp_path: Path) -> None:
    assert state(tmp_path / "a", "form_abandonment", _form((30, 27, 120))).startswith(
        "cannot be seen: no declared property form_field"
    )
    assert state(tmp_path / "b", "form_abandonment", _form((30, 27, 120), send="thanks"), plan=FORM).startswith(
        "cannot be seen: no event generate_lead"
    )
    few = "cannot be seen: fewer than three form fields with enough visitors"
    assert state(tmp_path / "c", "form_abandonment", _form((30, 27, 12), many=80), plan=FORM) == few


# -- weak_checkout ----------------------------------------------------------------------------------------------------


def _checkout(orders: int, carts: int = 200) -> list[Event]:
    return [
        *group("v", 1000, 0),
        view("late", "2024-04-05 10:00"),  # so that a day has gone by since every checkout
        *doing("v", carts, "add_to_cart"),
        *doing("v", 150, "begin_checkout"),
        *(event(f"v{n}", "purchase", t + 90_000_000, order_id=f"o{n}") for n, t in enumerate(moments(1000)[:orders])),
    ]


def test_a_full_cart_and_a_weak_checkout(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, _checkout(40))
    said, (case,) = looked(ws, "weak_checkout")
    assert (said, case) == ("found", {"cart": 0.2, "checkout": 40 / 150, "began": 150})


@pytest.mark.parametrize(("orders", "carts"), [(100, 200), (58, 200), (40, 60)])  # strong; 39 %: not surely; no carts
def test_a_checkout_that_works(tmp_path: Path, orders: int, carts: int) -> None:
    assert state(tmp_path, "weak_checkout", _checkout(orders, carts)) == "not found"


def test_a_checkout_needs_its_events(tmp_path: Path) -> None:
    reason = "cannot be seen: no events add_to_cart and begin_checkout"
    assert state(tmp_path, "weak_checkout", group("v", 500, 50)) == reason


# -- the playbook as a whole ------------------------------------------------------------------------------------------


def test_an_unknown_situation(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, group("v", 10, 1))
    with pytest.raises(UnknownName, match=r"did you mean.*mobile_gap"):
        ws.ask("patterns", names=["mobil_gap"], **MARCH)


def test_ideas_are_noted_once(tmp_path: Path) -> None:
    ws = workspace(tmp_path, FORM, _form((30, 27, 120)) + _tours(300))
    first = ws.ask("patterns", to_backlog=True, **MARCH)
    found = [row["situation"] for row in first.records() if row["state"] == "found"]
    assert {"form_abandonment", "pricing_exits"} <= set(found)
    assert first.notes[-1] == f"backlog: {len(found)} new, 0 known before and brought up to date"
    again = ws.ask("patterns", to_backlog=True, **MARCH)
    assert again.notes[-1] == f"backlog: 0 new, {len(found)} known before and brought up to date"
    noted = ws.ask("backlog").records()
    assert len(noted) == len(found)
    assert {row["where"] for row in noted} >= {"field phone", "page /pricing"}
    assert {row["source"] for row in noted} == {"patterns"}
    assert ws.ask("patterns", **MARCH).notes[-1].startswith("each situation")


def test_all_situations_in_an_even_world_are_quiet(tmp_path: Path) -> None:
    events = [
        e
        for device in ("mobile", "desktop")
        for browser in ("Chrome", "Safari")
        for first in ("2024-02-02", "2024-03-01")
        for e in group(f"{device}{browser}{first}", 400, 40, ("/", "/pricing", "/docs"), first, device=device, browser=browser)
    ]  # fmt: skip
    answer = workspace(tmp_path, PLAN, events).ask("patterns", **MARCH)
    assert len(answer.rows) == 12
    assert answer.findings == ()
    assert answer.sentence.startswith("None of ")
