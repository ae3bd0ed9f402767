"""Metric types, one file each. A new one is a file and a line in ``TYPES``."""

from __future__ import annotations

from assay.plan.kpis import (
    abandonment,
    activation,
    attach_rate,
    conversion,
    derived,
    exit_rate,
    feature_usage,
    funnel_entry_rate,
    mrr,
    order_gap,
    product_churn,
    quantile,
    rate,
    ratio,
    repeat_purchase,
    revenue_retention,
    scroll_depth,
    simple,
    stickiness,
    subscription_churn,
    time_on_page,
    time_to,
    upgrade_rate,
)
from assay.plan.kpis.base import AnyType

TYPES: tuple[AnyType, ...] = (
    simple.TYPE,
    conversion.TYPE,
    ratio.TYPE,
    rate.TYPE,
    quantile.TYPE,
    derived.TYPE,
    abandonment.TYPE,
    repeat_purchase.TYPE,
    order_gap.TYPE,
    attach_rate.TYPE,
    time_on_page.TYPE,
    scroll_depth.TYPE,
    exit_rate.TYPE,
    time_to.TYPE,
    activation.TYPE,
    feature_usage.TYPE,
    funnel_entry_rate.TYPE,
    stickiness.TYPE,
    product_churn.TYPE,
    mrr.TYPE,
    subscription_churn.TYPE,
    revenue_retention.TYPE,
    upgrade_rate.TYPE,
)

BY_NAME: dict[str, AnyType] = {type_.name: type_ for type_ in TYPES}
