"""Own tables of a workspace: whether its store still says what they say, and bringing it there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from assay.plan.values import Plan
    from assay.store.engine import Engine, Keeping, Loaded


def current(engine: Engine, plan: Plan, folder: Path) -> bool:
    """Whether a store was made from the own tables as they are now; also where there are none, on either side."""
    from assay.collect.importers.own_files import signature

    owned = getattr(engine, "own", None)
    if not plan.source:
        return owned is None
    if owned is None or owned.signature != signature(plan, folder):
        return False
    if owned.unread:
        raise MachineError("; ".join(owned.unread))
    return True


def migrated(engine: Any, plan: Plan, folder: Path) -> bool:
    """Bring a store's tables to this version; whether its events are those of the own tables as they are now.

    Where they are not, nothing is asked of what the store was made from: a file of that may be gone.
    """
    from assay.query.dimensions import materialised

    changed = getattr(engine, "own", None) is not None and not current(engine, plan, folder)
    if changed and plan.source:
        engine.migrate(materialised(plan), anew=True)
        return False
    if changed:
        engine.disown()
    engine.migrate(materialised(plan))
    return current(engine, plan, folder)  # a store of an earlier version has let go of them


def version(plan: Plan, folder: Path) -> str:
    """What the own tables are now, as a text that is another one when one of them changes; empty without any."""
    if not plan.source:
        return ""
    from assay.collect.importers.own_files import signature

    try:
        return signature(plan, folder)
    except UsageError as error:  # a file has gone: the next question says so
        return str(error)


def only_duckdb(plan: Plan, name: str) -> None:
    """Refuse an engine that cannot read own tables."""
    if plan.source and name != "duckdb":
        raise UsageError(f"own tables (source:) are read with the engine duckdb, not with {name}; import them instead")


def only_collected(plan: Plan, what: str) -> None:
    """Refuse what puts events into a workspace that reads them from own tables."""
    if plan.source:
        raise UsageError(
            f"{what} needs a workspace of its own: the events of this one are read from own tables "
            "(source: in assay.yaml)"
        )


def unmoved(engine: Engine, plan: Plan, folder: Path) -> str:
    """A note on how old the own tables are. Raises MachineError where they changed while an answer was made of them."""
    from assay.collect.importers.own_files import state

    if not current(engine, plan, folder):
        raise MachineError("the own tables changed while they were read; ask again")
    newest = max(one.mtime for seen in state(plan, folder).values() for one in seen)
    return f"events are read from own tables, last changed {_moment(newest)}"


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def told(engine: Engine | None, plan: Plan, folder: Path) -> list[tuple[str, str]]:
    """Each own table: how many files, how large, how old, and whether the store (None: there is none) has read them."""
    from assay.collect.importers.own_files import state

    read = "not read yet: the next question does"
    owned = getattr(engine, "own", None)
    if owned is not None:
        same = current(engine, plan, folder) if engine is not None else False
        read = "the store has read it" if same else "the tables changed since: the next question reads them"
    found = []
    for name, seen in state(plan, folder).items():
        size, files = sum(one.size for one in seen), f"{len(seen)} file{'s' if len(seen) != 1 else ''}"
        last = _moment(max(one.mtime for one in seen))
        found.append((name, f"source.tables.{name}: {files}, {size / 1e6:,.1f} MB, last changed {last}; {read}"))
    return found


def bring(
    engine: Any, plan: Plan, folder: Path, spool: Path, derivation: Any, kept: Keeping, now: int, anew: bool
) -> list[Loaded]:
    """Bring a store to what the own tables say now; ``anew``: read all of them, whether changed or not."""
    from assay.collect.importers.own import compiled

    made = compiled(plan, folder, spool, now)
    if anew and engine.own:
        engine.disown()
    loaded: list[Loaded] = engine.adopt(made, derivation, kept)
    return loaded
