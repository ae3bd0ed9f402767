"""An interval as a bar against zero and one more mark, as SVG that needs neither scripts nor styles of its own."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 600, 36
_EDGE = 12


def strip(
    low: float | None, high: float | None, value: float | None, marks: Sequence[tuple[float, str]], tone: str
) -> str:
    """``marks``: places of thin lines with their class; an open end runs to the edge. Empty without a value."""
    if value is None:
        return ""
    ends = [one for one in (low, high, value, 0.0, *(place for place, _ in marks)) if one is not None]
    least, most = min(ends), max(ends)
    room = (most - least) or 1.0

    def at(place: float) -> float:
        return round(_EDGE + (place - least) / room * (WIDTH - 2 * _EDGE), 1)

    left, right = (0.0 if low is None else at(low)), (float(WIDTH) if high is None else at(high))
    lines = "".join(
        f'<path class="{name}" d="M{at(place)} 0V{HEIGHT}"/>' for place, name in [(0.0, "strip-zero"), *marks]
    )
    return (
        f'<svg class="strip {tone}" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'{lines}<rect class="strip-span" x="{left}" y="12" width="{max(right - left, 2):.1f}" height="12" rx="3"/>'
        f'<path class="strip-point" d="M{at(value)} {HEIGHT / 2 - 9}V{HEIGHT / 2 + 9}"/></svg>'
    )
