"""What a metric type is: its keys, and how they become a quantity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from assay.plan.draft import Place
from assay.plan.forms import MetricForm, Text
from assay.plan.measures import Quantity


class MetricKeys(MetricForm):
    """Keys of every metric. ``where`` filters the rows of the numerator."""

    where: Text | None = None


@dataclass(frozen=True)
class Described:
    """A metric type's answer: the quantity, (numerator, denominator) in words, the format and the metrics it uses."""

    quantity: Quantity
    words: tuple[str, str]
    format: str = "number"
    uses: tuple[str, ...] = ()
    direction: str = "up"


K = TypeVar("K", bound=MetricKeys)


@dataclass(frozen=True)
class MetricType(Generic[K]):
    """``describe(keys, place)`` reports mistakes through ``place`` and always returns something."""

    name: str
    keys: type[K]
    describe: Callable[[K, Place], Described]
    help: str = ""


AnyType = MetricType[Any]
