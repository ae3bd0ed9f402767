"""What stands in a mail or a message beside the report: its first sentence and what has to be decided."""

from __future__ import annotations

from assay.report.document import Items, Sentence
from assay.report.seal import Made


def covering(made: Made) -> str:
    """Plain text."""
    first = made.document.pages[0]
    lines = [block.said.text for block in first.blocks if isinstance(block, Sentence) and block.lead]
    for block in first.blocks:
        if isinstance(block, Items) and block.call:
            lines += [f"{n}. {one.text}" for n, one in enumerate(block.items, 1)]
    days = f"{made.document.days}\n" if made.document.days else ""
    return days + "\n".join(lines)
