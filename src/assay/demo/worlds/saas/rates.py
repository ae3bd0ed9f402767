"""The planted truth of the SaaS world: every probability in tables. Nothing here is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from assay.demo.origins import Entry
from assay.demo.traffic import Mix

DIRECT, ORGANIC, PAID, PAID_SOCIAL, DISPLAY, REFERRAL = range(6)
MIX = Mix(
    channels=("Direct", "Organic Search", "Paid Search", "Paid Social", "Display", "Referral"),
    first=(0.16, 0.30, 0.16, 0.13, 0.15, 0.10),
    later=(0.46, 0.20, 0.12, 0.07, 0.07, 0.08),
    devices=((0.70, 0.27, 0.03), (0.66, 0.31, 0.03), (0.68, 0.29, 0.03), (0.36, 0.61, 0.03), (0.45, 0.51, 0.04),
             (0.66, 0.31, 0.03)),
    entries=(
        Entry(DIRECT, 1.0),
        Entry(ORGANIC, 0.9, "https://www.google.com/"),
        Entry(ORGANIC, 0.1, "https://www.bing.com/"),
        Entry(PAID, 0.6, "https://www.google.com/", "google", "cpc", "planning-software", "planning tool", "text-a",
              "gclid", 150),
        Entry(PAID, 0.4, "https://www.google.com/", "google", "cpc", "brand", "wochenwerk", "text-b", "gclid", 80),
        Entry(PAID_SOCIAL, 1.0, "https://www.linkedin.com/", "linkedin", "paid_social", "team-leads", None, "video-1",
              "li_fat_id", 120),
        Entry(DISPLAY, 1.0, "https://www.news-portal.example/", "adnet", "display", "banner-2026", None, "banner-3",
              "dclid", 60),
        Entry(REFERRAL, 0.6, "https://www.tool-reviews.example/planning"),
        Entry(REFERRAL, 0.4, "https://blog.agile-team.example/tools"),
    ),
)  # fmt: skip

HOST = "www.wochenwerk.example"
LANDING: tuple[tuple[str, str], ...] = (
    ("/", "Wochenwerk"),
    ("/features", "What it does"),
    ("/blog/weekly-planning", "Weekly planning"),
    ("/docs/start", "First steps"),
    ("/pricing", "Prices"),
)
LANDING_WEIGHTS = (0.46, 0.22, 0.17, 0.08, 0.07)
PAGES = (*LANDING, ("/signup", "Sign up"), ("/app/welcome", "Welcome"), ("/app/billing", "Billing"))
EVENTS = (
    "page_view", "sign_up", "start_trial", "create_project", "connect_data", "share_report", "reach_value",
    "invite_member", "use_feature", "subscribe", "purchase", "renew", "upgrade", "downgrade", "cancel_subscription",
)  # fmt: skip
SETUP = ("create_project", "connect_data", "share_report")
FEATURES = ("boards", "lists", "search", "comments", "automation")
CORE = 3  # the first ones are used by everybody
COMMENTS, AUTOMATION = 3, 4
REASONS = ("too_expensive", "missing_feature", "no_longer_needed", "payment_failed")
REASON_WEIGHTS = (0.40, 0.20, 0.20, 0.20)

BOUNCE = (0.40, 0.44, 0.42, 0.55, 0.58, 0.40)
PRICING = 0.42  # sees the prices, of sessions that stay
READS_ON = 0.45  # reads on after the prices, of those who do not sign up
SIGN_UP = 0.20  # of sessions that see the prices, before the price change
TRIAL = 0.92  # starts a trial, of those who sign up
SEATS = (1, 2, 3, 4, 5, 6, 8, 10, 12)
SEAT_WEIGHTS = (0.36, 0.18, 0.13, 0.10, 0.08, 0.06, 0.04, 0.03, 0.02)
CHEAP_WEIGHTS = (0.80, 0.12, 0.08, 0, 0, 0, 0, 0, 0)  # of the cheap channel
SEAT_PRICE = 1200  # cents a month
YEARLY = 0.20  # share of subscriptions paid by the year, ten months for twelve; none of the cheap channel's
CREATE, SHARE = 0.86, 0.72  # set-up steps, of those who reach them
ACTIVITY = 12.0  # uses of the product in the first week, mean of a team of one; Gamma mixed, so some do very little
ACTIVITY_SHAPE = 1.3
PER_SEAT = 0.12  # more activity per further seat

FIRST_DAYS = 7  # of a trial: what is used then is held against what is paid later
TRIAL_DAYS = 14
UPGRADE, DOWNGRADE = 0.06, 0.025  # a month
BLOCKED, OFFLINE, TESTS = 0.04, 0.03, 4  # billing knows of more orders than the browser, as in the shop
TWICE = 0.006


@dataclass(frozen=True)
class Tables:
    """What is planted; the quiet world has the same for everybody and always."""

    trials_after: float  # factor on sign-ups since the price change
    paid_after: float  # on the log odds of paying, since the price change
    churn: tuple[float, ...]  # a month, by first channel
    cheap_seats: tuple[float, ...]  # teams of the cheap channel
    comments: tuple[float, float]  # log odds of use: constant and per log activity
    automation: float  # effect of use on the log odds of paying
    connect: tuple[float, float]  # second set-up step: other browsers, Firefox


PLANTED = Tables(
    1.7, -1.1, (0.06, 0.05, 0.06, 0.12, 0.48, 0.05), CHEAP_WEIGHTS, (-4.6, 1.7), 0.9, (0.76, 0.34),
)  # fmt: skip
QUIET = Tables(1.0, 0.0, (0.07,) * 6, SEAT_WEIGHTS, (-0.6, 0.0), 0.0, (0.72, 0.72))
PAY = (-3.4, 1.15)  # log odds of paying: constant and per log(1 + activity)
AUTOMATED = 0.30  # share that uses the automation
