"""Webhooks: outcomes that happen elsewhere. One more kind is a file and a line in ``KINDS`` (and its name in the plan's
``Kind``)."""

from __future__ import annotations

from assay.collect.webhooks import generic, hubspot, shopify, stripe
from assay.collect.webhooks.base import Kind

KINDS: tuple[Kind, ...] = (generic.KIND, stripe.KIND, shopify.KIND, hubspot.KIND)
BY_NAME = {kind.name: kind for kind in KINDS}
