"""The playbook: one file per situation. ``SITUATIONS`` lists them in the order of the journey."""

from __future__ import annotations

from assay.analyses.situations import (
    browser_gap,
    cheap_channel_poor,
    discount_costs,
    expectation_gap,
    form_abandonment,
    landing_bounce,
    micro_up_macro_flat,
    mobile_gap,
    pricing_exits,
    returning_never_buy,
    slow_pages,
    weak_checkout,
)
from assay.analyses.situations.base import Situation

SITUATIONS: tuple[Situation, ...] = (
    expectation_gap.SITUATION,
    landing_bounce.SITUATION,
    slow_pages.SITUATION,
    pricing_exits.SITUATION,
    form_abandonment.SITUATION,
    weak_checkout.SITUATION,
    mobile_gap.SITUATION,
    browser_gap.SITUATION,
    returning_never_buy.SITUATION,
    micro_up_macro_flat.SITUATION,
    discount_costs.SITUATION,
    cheap_channel_poor.SITUATION,
)
