"""What a world of the demo is to the rest of the program. Imports nothing heavy: the command line reads all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from assay.demo.calendar import LAST_DAY, SEED, Days, moved, without
from assay.demo.planted import Planted

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Wanted:
    """What kind of world is to be made. ``quiet``: nothing is planted in it."""

    days: int
    visitors: int
    seed: int = SEED
    last_day: date = LAST_DAY
    quiet: bool = False


class Write(Protocol):
    """Simulate a world and write its raw files into a folder; the event files' paths, in order."""

    def __call__(self, wanted: Wanted, folder: Path, progress: Progress | None) -> list[Path]:  # noqa: D102
        ...


@dataclass(frozen=True)
class World:
    """A world by name; ``days`` and ``visitors`` are its usual size.

    ``plan`` is the plan's text with its days where a world has them; ``planted`` makes the list of what is planted from
    ``truth.json``; ``next`` are commands to go on with.
    """

    name: str
    summary: str
    days: int
    visitors: int
    plan: Callable[[Wanted], str]
    write: Write
    planted: Callable[[Mapping[str, Any]], tuple[Planted, ...]]
    next: tuple[str, ...]


def plan_text(file: Path, written: Days, there: Days) -> str:
    """The plan of a world from its file, whose days are those of ``written``; a quiet world knows of no changes."""
    text = moved(file.read_text(encoding="utf-8"), written.dates(), there.dates())
    return without(text, "changes", "experiments") if there.quiet else text


def days_of(truth: Mapping[str, Any], first: str, last: str) -> dict[str, Any]:
    """Parameters of a range between two named days of ``truth.json``."""
    return {"from": truth["dates"][first], "to": truth["dates"][last]}


def claimed(truth: Mapping[str, Any]) -> tuple[Planted, ...]:
    """One planted truth per ad platform: it claims more than the last click gives it."""
    files = {"file": "demo-data/till.csv", "claims": "demo-data/ads.csv"}
    return tuple(
        Planted(
            f"claims_{channel.lower().replace(' ', '_')}",
            f"The platform of {channel} claims every order within 30 days of a click, whoever else claims it too.",
            "reconcile", files, ("other_attribution",), {"channel": channel, "claimed": said["conversions"]},
        )
        for channel, said in truth["claims"].items()
        if said["conversions"]
    )  # fmt: skip


def reconciled(truth: Mapping[str, Any], words: Mapping[str, str]) -> tuple[Planted, ...]:
    """One planted truth per reason why the till and the browser differ; ``words`` say it, by reason.

    Reasons that did not come up are left out.
    """
    return tuple(
        Planted(f"till_{reason}", text, "reconcile", {"file": "demo-data/till.csv"}, (reason,), truth["till"][reason])
        for reason, text in words.items()
        if truth["till"][reason]["orders"]
    )
