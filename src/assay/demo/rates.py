"""The planted truth: every probability of the demo shop, in tables. Nothing here is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CHANNELS = ("Direct", "Organic Search", "Paid Search", "Paid Social", "Organic Social", "Email", "Referral")
DIRECT, ORGANIC, PAID, PAID_SOCIAL, SOCIAL, EMAIL, REFERRAL = range(len(CHANNELS))
DEVICES = ("desktop", "mobile", "tablet")
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
REFUND = (0.06, 0.12)  # refund probability of an order: control (and everybody else), treatment
EXPERIMENT = "free_shipping"

BROKEN_BROWSER = "Safari"
PUSH = 2.2  # paid social traffic during the campaign push
BOTS = 0.02
DUPLICATES = 0.002
LATE = 0.004


@dataclass(frozen=True)
class Entry:
    """Where a session comes from, as raw fields of the line. ``click`` is the name of the click id."""

    channel: int
    weight: float
    referrer: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    click: str | None = None
    cpc: int = 0  # mean cost of a click, cents


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
)  # fmt: skip
REMINDER = len(ENTRIES) - 1


@dataclass(frozen=True)
class Profile:
    """A visitor's machine."""

    device: int
    weight: float
    browser: str
    os: str
    screen: str


PROFILES: tuple[Profile, ...] = (
    Profile(0, 0.42, "Chrome", "Windows", "1920x1080"),
    Profile(0, 0.14, "Chrome", "macOS", "1728x1117"),
    Profile(0, 0.16, "Safari", "macOS", "1440x900"),
    Profile(0, 0.12, "Firefox", "Windows", "1920x1080"),
    Profile(0, 0.12, "Edge", "Windows", "1536x864"),
    Profile(0, 0.04, "Firefox", "Linux", "2560x1440"),
    Profile(1, 0.47, "Safari", "iOS", "390x844"),
    Profile(1, 0.41, "Chrome", "Android", "412x915"),
    Profile(1, 0.09, "Samsung Internet", "Android", "384x854"),
    Profile(1, 0.03, "Firefox", "Android", "412x892"),
    Profile(2, 0.65, "Safari", "iPadOS", "820x1180"),
    Profile(2, 0.35, "Chrome", "Android", "800x1280"),
    Profile(0, 0.0, "Chrome", "Linux", "800x600"),
)
BOT_PROFILE = len(PROFILES) - 1

COUNTRIES: tuple[tuple[str, str, float], ...] = (
    ("DE", "de", 0.66),
    ("AT", "de", 0.10),
    ("CH", "de", 0.06),
    ("NL", "nl", 0.06),
    ("FR", "fr", 0.05),
    ("GB", "en", 0.04),
    ("US", "en", 0.03),
)

WEEKDAYS = (1.05, 1.03, 1.00, 0.98, 0.95, 0.92, 1.12)  # Monday first
HOURS = (8, 5, 3, 2, 2, 4, 10, 20, 30, 36, 40, 44, 48, 44, 40, 40, 42, 46, 54, 62, 68, 60, 40, 20)
GROWTH = 0.25  # over the whole range


def step_table() -> dict[str, Any]:
    """The probabilities as they go into ``truth.json``: factors by channel, device and newness; rates by device."""

    def factors(table: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]) -> dict[str, Any]:
        channel, device, newness = table
        return {
            "channel": dict(zip(CHANNELS, channel, strict=True)),
            "device": dict(zip(DEVICES, device, strict=True)),
            "newness": dict(zip(("new", "returning"), newness, strict=True)),
        }

    return {
        "bounce": factors(BOUNCE),
        "view_item | not bounced": factors(VIEW),
        "add_to_cart | view_item, no checkout before": factors(CART),
        "begin_checkout | add_to_cart, no checkout before": factors(CHECKOUT),
        "add_shipping_info | begin_checkout": dict(zip(DEVICES, SHIPPING, strict=True)),
        "add_payment_info | add_shipping_info": dict(zip(DEVICES, PAYMENT, strict=True)),
        "purchase | add_payment_info": dict(zip(DEVICES, PURCHASE, strict=True)),
    }
