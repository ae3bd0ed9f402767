"""Strong cart and weak checkout: people want it and do not get through."""

from __future__ import annotations

from assay.analyses.situations.base import SURE, NotSeen, Site, Situation
from assay.decide.words import percent
from assay.model.finding import Finding
from assay.plan.measures import Measure, Quantity, Select

_STRONG = 0.08  # of visitors into the cart
_WEAK = 0.45  # of those who begin a checkout


def look(site: Site) -> list[Finding]:
    """Visitors with a cart, and of those who begin a checkout how many finish: surely below 45 %."""
    from assay.stats.proportions import wilson

    order = site.asking.plan.orders.event
    if not site.events("begin_checkout") or not site.events("add_to_cart"):
        raise NotSeen("no events add_to_cart and begin_checkout")
    cart = site.shares(Quantity("share", Measure("exists", Select("event", ("add_to_cart",))), unit="visitor")).get(())
    through = site.cells(
        Quantity("share", Measure("exists", Select("event", (order,))), unit="visitor",
                 start=Select("event", ("begin_checkout",)), within=86_400)
    ).get(())  # fmt: skip
    if cart is None or through is None or not through.n:
        raise NotSeen("nobody began a checkout")
    one = wilson(int(through.sum("x")), int(through.sum("y")), 1 - SURE)
    if cart.value < _STRONG or one.high is None or one.high >= _WEAK:
        return []
    text = (
        f"{percent(cart.value)} of visitors fill a cart, and of those who begin the checkout only "
        f"{percent(float(one.value or 0))} order within a day"
    )
    evidence = {"cart": cart.value, "checkout": float(one.value or 0), "began": int(through.sum("y"))}
    return [Finding("weak_checkout", "warning", text, evidence, "assay leaks")]


SITUATION = Situation(
    "weak_checkout",
    "Strong cart, weak checkout",
    ("costs that show up late", "a forced account", "a payment method that is missing or fails"),
    "Show all costs in the cart and offer an order without an account",
    look,
)
