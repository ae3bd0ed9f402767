"""How much one transaction of a target takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LOCK, PATIENCE = "moving.lock", 2.0  # whose move comes into a workspace; seconds for which another one is waited for
SCRATCH = "moving"  # folder of files between two stores
BATCH = int(os.environ.get("ASSAY_MOVE_BATCH", "2000000"))  # events in one transaction of the target


def batches(things: Iterable[T], rows: Callable[[T], int]) -> Iterator[list[T]]:
    """Things in their order, as many at a time as one transaction of the target takes."""
    batch: list[T] = []
    held = 0
    for one in things:
        batch.append(one)
        held += rows(one)
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for the time of a batch; what a broken move has left in it goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
