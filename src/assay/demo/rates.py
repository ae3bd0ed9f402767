"""The planted truth: every probability of the demo shop, in tables. Nothing here is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.demo.origins import DEVICES, Entry

CHANNELS = ("Direct", "Organic Search", "Paid Search", "Paid Social", "Organic Social", "Email", "Referral")
DIRECT, ORGANIC, PAID, PAID_SOCIAL, SOCIAL, EMAIL, REFERRAL = range(len(CHANNELS))
VARIANTS = ("control", "treatment")

FIRST_MIX = (0.15, 0.34, 0.17, 0.15, 0.08, 0.05, 0.06)  # channel of a visitor's first session
LATER_MIX = (0.42, 0.20, 0.09, 0.06, 0.04, 0.15, 0.04)  # channel of the sessions after it
DEVICE_BY_CHANNEL = (
    (0.46, 0.48, 0.06),
    (0.42, 0.52, 0.06),
    (0.45, 0.50, 0.05),
    (0.12, 0.84, 0.04),
    (0.17, 0.79, 0.04),
    (0.44, 0.49, 0.07),
    (0.50, 0.45, 0.05),
)

# A session's probabilities: channel × device × (new, returning), each a product of three factors.
BOUNCE = ((0.38, 0.42, 0.40, 0.58, 0.55, 0.30, 0.40), (0.85, 1.10, 1.00), (1.05, 0.85))
VIEW = ((0.62, 0.64, 0.74, 0.60, 0.50, 0.78, 0.60), (1.04, 0.98, 1.00), (1.00, 1.08))
CART = ((0.26, 0.24, 0.27, 0.18, 0.17, 0.31, 0.23), (1.00, 0.85, 0.95), (1.00, 1.30))
CHECKOUT = ((0.62, 0.62, 0.62, 0.62, 0.62, 0.62, 0.62), (1.00, 0.90, 0.95), (1.00, 1.15))
SHIPPING = (0.80, 0.52, 0.70)  # by device: the mobile drop at the shipping step
PAYMENT = (0.92, 0.86, 0.90)
PURCHASE = (0.95, 0.93, 0.94)

SIGN_UP = 0.03  # of sessions that land on a content page and stay
SEARCH = 0.15  # of sessions that land on a content page and stay
MORE_SESSIONS = 0.42  # probability of another session after each one
RETURN_DAYS = 6.0  # mean days between sessions, beside the one day that always passes
RECOVERED = 0.12  # share of first orders that come later, by a cart reminder, past the checkout's steps
REORDER = 0.45  # probability that a buyer starts another checkout
REORDER_DAYS = 16.0
REORDER_AFTER = 3  # days
MAX_ORDERS = 5

LINES = (0.62, 0.27, 0.11)  # 1, 2, 3 lines in a cart
QUANTITY = (0.84, 0.12, 0.04)  # 1, 2, 3 pieces
COUPONS: tuple[tuple[str | None, int, float], ...] = ((None, 0, 0.82), ("WELCOME10", 10, 0.12), ("SUMMER15", 15, 0.06))
TAX = 19  # per cent on top of the goods, in props; amount is without it
CARRIER = 540  # cents that the carrier takes per order
DELIVERY = 490  # cents that the customer pays for delivery

FULL_REFUND = 0.70  # share of refunds that return everything
PARTIAL = (20, 80)  # else a share in per cent, uniform

UPLIFT = 1.15  # treatment: factor on add_shipping_info | begin_checkout, and so on the purchase probability
REFUND = (0.06, 0.15)  # refund probability of an order: control (and everybody else), treatment
EXPERIMENT = "free_shipping"

BROKEN_BROWSER = "Safari"
GROWTH = 0.25  # over the whole range
PUSH = 2.2  # paid social traffic during the campaign push
INFLUENCER = 26.0  # organic social traffic on the influencer's day
AWAY = 0.08  # share of orders paid at the provider's site that come back so late that a new visit begins
BOTS = 0.02
DUPLICATES = 0.002
LATE = 0.004


# What the till knows beside the orders that the browser told of, as shares of the latter; TESTS is a number.
BLOCKED = 0.04  # by an ad blocker: no line of the visitor ever arrives
DENIED = 0.05  # consent denied: none either, and the till knows of it
OFFLINE = 0.02  # ordered by telephone
TESTS = 7  # the shop's own test orders
TWICE = 0.006  # listed twice
WITH_DELIVERY = 0.012  # the till's amount includes delivery
CHECKED = 0.30  # share of invoice orders that are booked hours later, after a check
CHECKED_HOURS = (1.0, 8.0)

Factors = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Tables:
    """The probabilities of one kind of world: with what is planted, or quiet: the same for every device and channel."""

    view: Factors = VIEW
    cart: Factors = CART
    checkout: Factors = CHECKOUT
    shipping: tuple[float, ...] = SHIPPING
    payment: tuple[float, ...] = PAYMENT
    purchase: tuple[float, ...] = PURCHASE
    push: float = PUSH
    influencer: float = INFLUENCER
    growth: float = GROWTH
    away: float = AWAY


def _flat(table: Factors, value: float) -> Factors:
    channel, device, newness = table
    return (value,) * len(channel), (1.0,) * len(device), newness


PLANTED = Tables()
QUIET = Tables(
    _flat(VIEW, 0.64), _flat(CART, 0.23), _flat(CHECKOUT, 0.60), (0.66,) * 3, (0.89,) * 3, (0.94,) * 3,
    push=1.0, influencer=1.0, growth=0.0, away=0.0,
)  # fmt: skip


ENTRIES: tuple[Entry, ...] = (
    Entry(DIRECT, 1.0),
    Entry(ORGANIC, 0.86, "https://www.google.com/"),
    Entry(ORGANIC, 0.08, "https://www.bing.com/"),
    Entry(ORGANIC, 0.06, "https://duckduckgo.com/"),
    Entry(PAID, 0.35, "https://www.google.com/", "google", "cpc", "brand", "kaffeekiste", "text-a", "gclid", 38),
    Entry(PAID, 0.50, "https://www.google.com/", "google", "cpc", "grinders", "coffee grinder", "text-b", "gclid", 92),
    Entry(PAID, 0.15, "https://www.bing.com/", "bing", "cpc", "brand", "kaffeekiste", "text-a", "msclkid", 31),
    Entry(
        PAID_SOCIAL, 0.55, "https://l.facebook.com/", "facebook", "paid_social", "summer_push", None, "video-1",
        "fbclid", 47,
    ),
    Entry(
        PAID_SOCIAL, 0.45, "https://l.instagram.com/", "instagram", "paid_social", "lookalike", None, "story-2",
        "fbclid", 55,
    ),
    Entry(SOCIAL, 0.50, "https://www.instagram.com/"),
    Entry(SOCIAL, 0.30, "https://www.pinterest.com/"),
    Entry(SOCIAL, 0.20, "https://t.co/k4ff33"),
    Entry(EMAIL, 0.70, None, "newsletter", "email", "weekly"),
    Entry(EMAIL, 0.30, None, "newsletter", "email", "summer_sale"),
    Entry(REFERRAL, 0.55, "https://forum.barista-treff.example/thread/812"),
    Entry(REFERRAL, 0.45, "https://www.gadget-tests.example/grinders"),
    Entry(EMAIL, 0.0, None, "crm", "email", "cart_reminder"),
    Entry(DIRECT, 0.0, "https://www.paypal.com/"),
)  # fmt: skip
REMINDER, PROVIDER = len(ENTRIES) - 2, len(ENTRIES) - 1


def step_table(given: Tables = PLANTED) -> dict[str, Any]:
    """The probabilities as they go into ``truth.json``: factors by channel, device and newness; rates by device."""

    def factors(table: Factors) -> dict[str, Any]:
        channel, device, newness = table
        return {
            "channel": dict(zip(CHANNELS, channel, strict=True)),
            "device": dict(zip(DEVICES, device, strict=True)),
            "newness": dict(zip(("new", "returning"), newness, strict=True)),
        }

    return {
        "bounce": factors(BOUNCE),
        "view_item | not bounced": factors(given.view),
        "add_to_cart | view_item, no checkout before": factors(given.cart),
        "begin_checkout | add_to_cart, no checkout before": factors(given.checkout),
        "add_shipping_info | begin_checkout": dict(zip(DEVICES, given.shipping, strict=True)),
        "add_payment_info | add_shipping_info": dict(zip(DEVICES, given.payment, strict=True)),
        "purchase | add_payment_info": dict(zip(DEVICES, given.purchase, strict=True)),
    }
