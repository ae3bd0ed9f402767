"""A workspace: one folder, one site. Plan + engine + clock; ``ask(question, **params)`` gives an ``Answer``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assay.analyses.given import valid
from assay.model.answer import Answer, notebook
from assay.model.errors import DataError
from assay.workspace import unfinished
from assay.workspace.acts import Acts
from assay.workspace.opening import DATA, Progress
from assay.workspace.own import only_collected

if TYPE_CHECKING:
    from assay.store.engine import Loaded, Piece

__all__ = ["DATA", "Progress", "Workspace"]
_LOAD_ROWS = 20_000_000  # most rows in one transaction


class Workspace(Acts):
    """Opened by ``assay.open(folder)``."""

    # -- loading -----------------------------------------------------------------------------------------------------

    def import_files(
        self, source: str, files: Sequence[Path | str], options: Mapping[str, Any] | BaseModel | None = None
    ) -> list[Loaded]:
        """Import files by an importer's name. An import can be repeated without doubling anything."""
        from assay.collect.importers import importer
        from assay.collect.importers.base import Context
        from assay.store.engine import Piece

        chosen_importer = importer(source)
        if chosen_importer.kind == "events":
            only_collected(self.plan, f"assay import {source}")
        chosen = (
            options
            if isinstance(options, BaseModel)
            else valid(chosen_importer.Options, dict(options or {}), f"import {source}")
        )
        spool = self.data / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        context = Context(spool, self.plan.site.currency, self.plan.site.timezone, self.now, self.progress, self.plan)
        loaded: list[Loaded] = []
        waiting: list[Piece] = []
        temporary: list[Path] = []
        rows = 0
        try:
            for segment in chosen_importer.segments([Path(f) for f in files], chosen, context):
                waiting.append(Piece(segment.name, segment.path, segment.kind, segment.quarantine))
                temporary += [p for p in (segment.path if segment.moved else None, segment.quarantine) if p]
                rows += segment.rows
                if rows >= _LOAD_ROWS:
                    loaded += self.load(waiting)
                    _remove(temporary)
                    waiting, temporary, rows = [], [], 0
            loaded += self.load(waiting) if waiting else []
        finally:
            _remove(temporary)
        if not any(one.rows or one.again or one.quarantined for one in loaded):
            raise DataError(f"{', '.join(str(f) for f in files)}: nothing usable in it")
        return loaded

    def load(self, pieces: Sequence[Piece], whole: bool = False) -> list[Loaded]:
        """Load segments, each once ever; ``whole``: as another store had them, whoever is erased or too old by now."""
        from assay.analyses.kept import keeping
        from assay.analyses.noted import note
        from assay.query.currency import load_rates
        from assay.store.engine import ALL

        if not whole:
            unfinished.refuse(self.data)
        segments = f"{len(pieces)} segment{'s' if len(pieces) != 1 else ''}"
        with self.changing(f"loading {segments}, deriving sessions and orders") as engine:
            kept = ALL if whole else keeping(self.state, self.plan, self.now)
            loaded = engine.load(pieces, self.derivation, kept)
            if load_rates(engine, self.plan):
                engine.rebuild(self.derivation)
        note(self.state, self.plan, self.now)  # numbers told from now on follow these definitions
        return loaded

    def roll_up(self) -> int:
        """Keep what a large store's dashboards are answered from as its events are now; days made anew."""
        from assay.query.key_events import key_events
        from assay.query.relations import event_counts
        from assay.store.rollups import rollups

        counts = {name: count for name, count, *_ in self.engine.run(event_counts()).rows}
        wanted, made = rollups(key_events(self.plan, counts)), 0
        while True:
            with self._writer() as engine:
                done, left = engine.roll_up(wanted)
            made += done
            self.progress("keeping events by day", made, made + left)
            if not left:
                return made

    def rebuild(self) -> None:
        """Derive sessions, orders and refunds again from all stored events."""
        with self.changing("deriving sessions and orders again") as engine:
            if self.plan.source:
                self._bring(engine, anew=True)
            else:
                engine.rebuild(self.derivation)


def _fragment(answer: Answer) -> str:
    from assay.report.notebook import fragment

    return fragment(answer)


notebook[:] = [_fragment]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
