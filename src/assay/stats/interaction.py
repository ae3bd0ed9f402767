"""Several factors or several tests at once: main effects and interactions from the moments of the cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from assay.model.estimate import Estimate
from assay.model.moments import Moments
from assay.stats.contrast import p_of, welch_freedom
from assay.stats.tails import LEAST_P, critical_value


@dataclass(frozen=True)
class Cell:
    """One combination of variants: ``n`` units, the mean of their number, its sample variance (n − 1 below)."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, moments: Moments, x: str = "x") -> Cell:
        """Of a variable's moments."""
        return cls(moments.n, moments.mean(x), moments.variance(x))


@dataclass(frozen=True)
class CellContrast:
    """A linear combination of cell means with its interval (or why there is none), standard error, t and p-value."""

    name: str
    estimate: Estimate
    standard_error: float | None = None
    t: float | None = None
    degrees: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Interaction:
    """Whether the effects of two tests depend on each other: ``p``, the Wald statistic and its degrees of freedom.

    ``differences[i][j]``: how much more variant i+1 of the first test brings where the second has variant j+1 than
    where it has its control, each with its own interval. ``p`` None: nothing to say, see ``reason``.
    """

    p: float | None
    statistic: float | None = None
    degrees: int | None = None
    differences: tuple[tuple[CellContrast, ...], ...] = ()
    reason: str | None = None


def factorial(
    cells: Mapping[tuple[int, ...], Cell], names: Sequence[str], order: int | None = None, level: float = 0.95
) -> tuple[CellContrast, ...]:
    """Main effects and interactions of k factors with two levels from their 2ᵏ cells, keyed by levels 0 or 1.

    The effect of a set of factors is Σ ±mean / 2ᵏ⁻¹, sign + where an even number of the set is at 0: a main effect is
    the mean difference between level 1 and 0 over all combinations of the others, each weighing the same; a two-factor
    interaction is half the difference of one factor's effect between the other's levels. Errors √Σ w²·s²/n, t with
    Welch–Satterthwaite's degrees of freedom. ``order``: up to how many factors together (all). Named "a", "a × b". No
    interval where a cell has fewer than two units. ValueError where a combination is missing. Source: G. E. P. Box, J.
    S. Hunter, W. G. Hunter, Statistics for Experimenters (2005) §5; B. L. Welch, Biometrika 34 (1947) 28–35.
    """
    k = len(names)
    wanted = list(product((0, 1), repeat=k))
    if k == 0 or set(cells) != set(wanted):
        raise ValueError(f"{k} factors have {2**k} combinations of 0 and 1, each with its cell")
    found = []
    for size in range(1, (k if order is None else order) + 1):
        for chosen in combinations(range(k), size):
            weights = [math.prod(1 if key[i] else -1 for i in chosen) / 2 ** (k - 1) for key in wanted]
            name = " × ".join(names[i] for i in chosen)
            found.append(cell_contrast([cells[key] for key in wanted], weights, name, level))
    return tuple(found)


def between_tests(cells: Sequence[Sequence[Cell]], level: float = 0.95) -> Interaction:
    """Interaction of two tests at once: ``cells[i][j]`` got variant i of the first, j of the second; 0 is control.

    Differences of differences L·m with variance L·diag(s²/n)·L'. Two variants each: Welch's t; otherwise Wald's
    chi-square (Lm)'(LVL')⁻¹(Lm) with (k − 1)(l − 1) degrees of freedom, all differences together. The differences' own
    p-values are not adjusted for their number. Nothing to say where a cell has fewer than two units or nothing varies.
    Source: A. Wald, Transactions of the AMS 54 (1943) 426–482; Welch (1947).
    """
    import numpy as np
    from scipy.special import chdtrc

    rows, columns = len(cells), len(cells[0]) if cells else 0
    if rows < 2 or columns < 2 or any(len(row) != columns for row in cells):
        raise ValueError("two tests with two variants or more have a full table of cells")
    flat = [cell for row in cells for cell in row]
    lines, parts = [], []
    for i in range(1, rows):
        made = []
        for j in range(1, columns):
            line = np.zeros((rows, columns))
            line[i, j], line[0, j], line[i, 0], line[0, 0] = 1, -1, -1, 1
            lines.append(line.ravel())
            made.append(cell_contrast(flat, line.ravel().tolist(), f"{i} × {j}", level))
        parts.append(tuple(made))
    differences = tuple(parts)
    if any(cell.n < 2 for cell in flat):
        return Interaction(None, differences=differences, reason="a combination has fewer than two units")
    if rows == columns == 2:
        one = differences[0][0]
        if one.t is None:
            return Interaction(None, differences=differences, reason=one.estimate.reason)
        return Interaction(one.p, one.t**2, 1, differences)
    matrix = np.array(lines)
    variance = matrix @ np.diag([cell.variance / cell.n for cell in flat]) @ matrix.T
    if np.linalg.matrix_rank(variance, hermitian=True) < len(lines):
        return Interaction(None, differences=differences, reason="all units of too many combinations are alike")
    effect = matrix @ np.array([cell.mean for cell in flat])
    statistic = float(effect @ np.linalg.solve(variance, effect))
    return Interaction(max(float(chdtrc(len(lines), statistic)), LEAST_P), statistic, len(lines), differences)


def cell_contrast(cells: Sequence[Cell], weights: Sequence[float], name: str = "", level: float = 0.95) -> CellContrast:
    """Σ w·mean over independent cells with its standard error √Σ vᵢ, vᵢ = w²s²/n.

    Student's t with (Σ vᵢ)² / Σ vᵢ²/(nᵢ − 1) degrees of freedom. No value where a cell that counts is empty; no
    interval where it has one unit or where nothing varies. Source: F. E. Satterthwaite, Biometrics Bulletin 2 (1946)
    110–114.
    """
    if len(cells) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(cells)} cells")
    used = [(cell, w) for cell, w in zip(cells, weights, strict=True) if w != 0]
    n = sum(cell.n for cell, _ in used)
    if any(cell.n < 1 for cell, _ in used):
        return CellContrast(name, Estimate.none("a combination has no units"))
    value = math.fsum(w * cell.mean for cell, w in used)
    if any(cell.n < 2 for cell, _ in used):
        reason = "a combination has one unit, which has no variance"
        return CellContrast(name, Estimate(value, None, None, level, "contrast", n, reason=reason))
    parts = [w * w * cell.variance / cell.n for cell, w in used]
    variance = math.fsum(parts)
    if not variance > 0:
        return CellContrast(name, Estimate(value, None, None, level, "contrast", n, reason="all units are alike"))
    degrees = welch_freedom([(v, cell.n) for v, (cell, _) in zip(parts, used, strict=True)])
    error = math.sqrt(variance)
    half = critical_value(level, "two", degrees) * error
    p = p_of(value / error, "two", degrees)
    estimate = Estimate(value, value - half, value + half, level, "contrast, Welch", n, variance=variance)
    return CellContrast(name, estimate, error, value / error, degrees, p)
