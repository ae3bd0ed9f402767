"""What a command left behind, and the events of a small shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from support import bought, event, view


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Assay = Callable[..., Ran]

EVENTS = [
    *(
        view(f"v{n}", f"2024-03-0{day} 10:0{n}", path="/", device="mobile" if n % 2 else "desktop")
        for n in range(8)
        for day in (1, 2)
    ),
    *(event(f"v{n}", "view_item", f"2024-03-01 11:0{n}", path="/p/1") for n in range(6)),
    *(event(f"v{n}", "add_to_cart", f"2024-03-01 11:1{n}") for n in range(4)),
    *(event(f"v{n}", "begin_checkout", f"2024-03-01 11:2{n}") for n in range(3)),
    bought("v0", "2024-03-01 11:30", "A1", "20.50", currency="EUR"),
    bought("v1", "2024-03-01 11:31", "A2", "10.00", currency="EUR"),
]
TILL = "order_id,time,amount\nA1,2024-03-01T11:30:00+00:00,20.50\nA3,2024-03-01T12:00:00+00:00,9.00\n"
