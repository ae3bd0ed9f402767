"""Drawing from tables, a whole column at a time; and the streams of random numbers that stay apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Whole = NDArray[np.signedinteger[Any]]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

# One stream per part of the world: a change in one part leaves the draws of the others as they were. New ones go last.
_STREAMS = ("traffic", "people", "visits", "steps", "orders", "times", "refunds", "noise", "costs", "bots", "till")


def streams(seed: int) -> dict[str, np.random.Generator]:
    """Independent generators by name."""
    children = np.random.SeedSequence(seed).spawn(len(_STREAMS))
    return {name: np.random.default_rng(child) for name, child in zip(_STREAMS, children, strict=True)}


def pick(rng: np.random.Generator, weights: ArrayLike, size: int) -> NDArray[np.int16]:
    """``size`` codes, code j with a probability in proportion to ``weights[j]``."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64).ravel())
    found = np.searchsorted(edges[:-1] / edges[-1], rng.random(size), side="right")
    return found.astype(np.int16)


def pick_by(rng: np.random.Generator, table: Sequence[Sequence[float]], rows: Whole) -> NDArray[np.int16]:
    """One code per entry of ``rows``, by the weights in that row of ``table``."""
    weights = np.asarray(table, dtype=np.float64)
    edges = np.cumsum(weights, axis=1)
    edges /= edges[:, -1:]
    width = weights.shape[1]
    flat = (edges + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(flat, rng.random(len(rows)) + rows, side="right") - rows.astype(np.int64) * width
    return np.asarray(np.minimum(found, width - 1).astype(np.int16))


def chance(rng: np.random.Generator, probability: float | Floats, size: int) -> Flags:
    """``size`` coins; ``probability`` is a number or an array of that length."""
    return np.asarray(rng.random(size) < probability)


def since_group_start(sizes: Whole) -> NDArray[np.int64]:
    """0, 1, 2, … within each group, for groups of these sizes one after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - sizes, sizes)


def run_starts(values: Whole) -> Flags:
    """True where a run of equal neighbours begins."""
    marks = np.ones(len(values), dtype=np.bool_)
    marks[1:] = values[1:] != values[:-1]
    return marks
