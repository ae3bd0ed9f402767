"""The planted truth of the leads world: every probability in tables. Nothing here is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from assay.demo.origins import Entry
from assay.demo.traffic import Mix

DIRECT, ORGANIC, PAID, DISPLAY, EMAIL, REFERRAL = range(6)
MIX = Mix(
    channels=("Direct", "Organic Search", "Paid Search", "Display", "Email", "Referral"),
    first=(0.17, 0.34, 0.19, 0.14, 0.06, 0.10),
    later=(0.44, 0.20, 0.12, 0.06, 0.10, 0.08),
    devices=((0.62, 0.34, 0.04), (0.58, 0.38, 0.04), (0.60, 0.36, 0.04), (0.36, 0.60, 0.04), (0.62, 0.34, 0.04),
             (0.60, 0.36, 0.04)),
    entries=(
        Entry(DIRECT, 1.0),
        Entry(ORGANIC, 0.88, "https://www.google.com/"),
        Entry(ORGANIC, 0.12, "https://www.bing.com/"),
        Entry(PAID, 0.7, "https://www.google.com/", "google", "cpc", "solar-roof", "solar roof company", "text-a",
              "gclid", 310),
        Entry(PAID, 0.3, "https://www.google.com/", "google", "cpc", "brand", "sonnendach", "text-b", "gclid", 120),
        Entry(DISPLAY, 1.0, "https://www.news-portal.example/", "adnet", "display", "roof-banner", None, "banner-2",
              "dclid", 40),
        Entry(EMAIL, 1.0, None, "newsletter", "email", "monthly"),
        Entry(REFERRAL, 1.0, "https://www.energy-advice.example/roofs"),
    ),
)  # fmt: skip

HOST = "www.sonnendach.example"
LANDING: tuple[tuple[str, str], ...] = (
    ("/", "Sonnendach"),
    ("/services/rent-a-roof", "Rent out your roof"),
    ("/services/own-power", "Your own power"),
    ("/references", "References"),
)
LANDING_WEIGHTS = (0.44, 0.24, 0.22, 0.10)
PAGES = (*LANDING, ("/contact", "Contact"), ("/contact/thanks", "Thank you"), ("/demo/booked", "Your appointment"))
EVENTS = (
    "page_view", "form_start", "form_field", "form_submit", "generate_lead", "book_demo", "attend_demo", "miss_demo",
    "accept_lead", "qualify_lead", "disqualify_lead", "open_opportunity", "close_convert_lead", "close_unconvert_lead",
)  # fmt: skip
FORM = "contact"
LONG = ("name", "email", "company", "phone", "role", "employees", "roof_area", "budget", "timeline", "message")
SHORT = ("name", "email", "company", "phone", "message")
HARD = "phone"

BOUNCE = (0.42, 0.45, 0.42, 0.60, 0.36, 0.42)
CONTACT = 0.42  # sees the form, of sessions that stay
START = 0.84  # begins it
GIVES_UP = 0.12  # at each field but the hard one
SENDS = 0.93  # sends the form once it is filled in

SPAM = 0.05
BOOKS = 0.55  # books an appointment at once
ACCEPT = 0.92  # of serious leads: taken over by sales
QUALIFY = 0.80  # of those
OPEN = 0.78  # of those
WON = 0.36  # of those
DEALS = (350_000, 0.6)  # cents: median and sigma of the logarithm
SPAM_DAYS, ACCEPT_DAYS, SHOW_DAYS, QUALIFY_DAYS, OPEN_DAYS, CLOSE_DAYS = (
    (0.2, 3), (0.3, 4), (3, 14), (7, 24), (5, 20), (10, 35),
)  # fmt: skip
BLOCKED, PHONE, TESTS = 0.06, 0.12, 3  # the CRM knows of more deals than the site
TWICE = 0.02


@dataclass(frozen=True)
class Tables:
    """What is planted; the quiet world has the same for everybody and always."""

    hard: float  # gives up at the hard field
    short: bool  # the form is cut
    shows: tuple[float, float]  # comes to the appointment: serious, curious
    spam: float  # of the cheap channel's leads
    mobile: float  # factor on sending the form


PLANTED = Tables(0.34, True, (0.84, 0.30), 0.50, 0.62)
QUIET = Tables(GIVES_UP, False, (0.78, 0.78), SPAM, 1.0)
