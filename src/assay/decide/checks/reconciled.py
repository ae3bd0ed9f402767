"""A reason for which till and tracking differ, and the coverage that follows from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from assay.decide.words import amount, percent
from assay.model.finding import Finding

_BAD = {
    "not_tracked": "warning",
    "not_in_till": "warning",
    "other_amount": "warning",
    "no_id": "warning",
    "bots": "warning",
}
LOW = 0.9  # share of orders seen, below which figures by channel or device are doubtful


def reason(code: str, means: str, orders: int, money: Decimal, currency: str, examples: Sequence[str]) -> Finding:
    """One reason with its orders and their money."""
    text = f"{orders:,} order{'s' if orders != 1 else ''} ({amount(money, currency, exact=True)}): {means}"
    evidence = {"orders": orders, "amount": f"{money:.2f}", "examples": list(examples)}
    return Finding(code, _BAD.get(code, "info"), text, evidence)


def coverage(seen: int, should: int, share_of_money: float, file: str) -> Finding | None:
    """Tracked coverage, where it is so low that it is a finding."""
    if not should or seen / should >= LOW:
        return None
    text = f"the tracking sees {percent(seen / should)} of the till's orders ({percent(share_of_money)} of the money)"
    return Finding(
        "low_coverage", "warning", text, {"tracked": seen, "orders": should, "file": file}, "assay reconcile"
    )


def claims(channel: str, claimed: tuple[float, Decimal], own: tuple[float, Decimal], currency: str) -> Finding | None:
    """An ad platform claims more, or less, than the last click gives its channel."""
    if not claimed[0] and not own[0]:
        return None
    text = (
        f"{channel} claims {claimed[0]:,.0f} conversions ({amount(claimed[1], currency)}), the last click gives it "
        f"{own[0]:,.0f} ({amount(own[1], currency)}): another model, another window, or claimed by several"
    )
    evidence = {
        "channel": channel, "claimed": claimed[0], "claimed_value": str(claimed[1]), "tracked": own[0],
        "tracked_value": str(own[1]),
    }  # fmt: skip
    return Finding("other_attribution", "info", text, evidence, "assay attribution --model all")
