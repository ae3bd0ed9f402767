"""``assay import SOURCE FILE…``: one verb per importer, its flags made from the importer's options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs, command
from assay.cli.options import FOLDER, FORMAT, common, function, parameters, values_of
from assay.cli.output import emit, write
from assay.cli.params import folder_of, format_of, named_folder
from assay.cli.progress import Progress
from assay.collect.importers import IMPORTERS, importer
from assay.model.answer import Answer, Column
from assay.model.errors import UnknownName, UsageError
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.store.engine import Loaded
    from assay.workspace import Workspace

CONTENTS = ("events", "visitors", "sessions", "orders", "refunds")
MOST_REASONS = 5
_FILES, _MAPPING, _WRITE = "files_", "mapping_", "write_plan_"
_FileArgument = Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Files to load.")]
_MappingOption = Annotated[
    str | None, typer.Option("--mapping", metavar="NAME", help="An entry of the plan's imports; flags add to it.")
]
_WriteOption = Annotated[
    bool | None, typer.Option("--write-plan", help="Write what the plan lacks for it into assay.yaml.")
]
_COLUMNS = tuple(
    Column(name, "count")
    for name in ("segments", "loaded_before", "rows", "stored", "duplicates", "clashes", "quarantined")
)  # fmt: skip


class Import(Verbs):
    """``assay import SOURCE``."""

    kind = "source"

    def verbs(self) -> tuple[Verb, ...]:
        """One per importer."""
        return tuple(Verb(one.name, one.summary, partial(_command, one), "Sources") for one in IMPORTERS)


def _command(one: Any) -> Any:
    kind = inspect.Parameter.KEYWORD_ONLY
    files = inspect.Parameter(_FILES, kind, default=None, annotation=_FileArgument)
    mapping = inspect.Parameter(_MAPPING, kind, default=None, annotation=_MappingOption)
    writing = inspect.Parameter(_WRITE, kind, default=None, annotation=_WriteOption)
    given = [files, *parameters(one.Options), mapping, *([writing] if one.proposes else []), *common()]
    return command(function(partial(_import, one.name), given), one.name, one.summary)


def _import(name: str, ctx: typer.Context, values: dict[str, Any]) -> None:
    from assay.workspace import Workspace

    chosen = format_of(ctx, values.get(FORMAT))
    files = [Path(file) for file in values.get(_FILES) or []]
    if not files:
        raise UsageError(f"FILE is missing: name at least one; see {ctx.command_path} --help")
    given = values_of(importer(name).Options, values, ctx.command_path)
    with Progress() as progress, Workspace(folder_of(ctx, values.get(FOLDER)), progress=progress) as workspace:
        answer = load(workspace, name, files, given, values.get(_MAPPING), bool(values.get(_WRITE)))
    emit(answer, chosen, named_folder(ctx, values.get(FOLDER)))
    entry = next((one.evidence["yaml"] for one in answer.findings if one.code == "plan_entry"), None)
    if entry and chosen == "table":
        write(f"\nthe entry for assay.yaml (--write-plan writes it there):\n\n{entry}")


def load(
    workspace: Workspace,
    name: str,
    files: list[Path],
    given: Mapping[str, Any],
    mapping: str | None = None,
    write_plan: bool = False,
) -> Answer:
    """Import files; what came of it as an answer. ``mapping`` names an entry of the plan's imports.

    ``write_plan``: what the plan lacks for it is written into it.
    """
    keys = dict(_entry(workspace, mapping)) if mapping else {}
    both = {**dict(keys.get("map") or {}), **dict(given.get("map") or {})}
    merged = {**keys, **given, **({"map": both} if both else {})}
    options = importer(name).options_from(merged)
    loaded = workspace.import_files(name, files, options)
    answer = _answer(workspace, name, files, loaded)
    if not importer(name).proposes:
        return answer
    from assay.cli.proposals import proposed

    return proposed(workspace, answer, options, loaded, write_plan)


def _entry(workspace: Workspace, name: str) -> Mapping[str, Any]:
    if name not in workspace.plan.imports:
        raise UnknownName("import", name, workspace.plan.imports)
    return workspace.plan.imports[name].keys


def _answer(workspace: Workspace, name: str, files: list[Path], loaded: list[Loaded]) -> Answer:
    noun = "costs" if any(one.kind == "costs" for one in loaded) else "events"
    counts = {
        key: sum(getattr(one, key) for one in loaded)
        for key in ("rows", "stored", "duplicates", "clashes", "quarantined")
    }
    again = sum(one.again for one in loaded)
    reasons = _reasons(workspace, loaded)
    counts["quarantined"] = max(counts["quarantined"], sum(n for _, n, *_ in reasons))
    row = (len(loaded), again, *counts.values())
    return Answer(
        "import",
        {"source": name, "files": [str(file) for file in files]},
        columns=_COLUMNS,
        rows=(row,),
        sentence=_sentence(noun, counts, again, len(loaded)),
        findings=_findings(reasons),
        notes=_notes(workspace),
        next=("assay overview", "assay quality") if workspace.plan.kpis else ("assay catalog", "assay quality"),
    )


def _sentence(noun: str, counts: Mapping[str, int], again: int, segments: int) -> str:
    if again == segments:
        return (
            f"Nothing new: {'this was' if segments == 1 else 'all of this was'} imported before, with the same options."
        )
    parts = [f"{counts['stored']:,} {noun if counts['stored'] != 1 else noun.removesuffix('s')} stored"]
    parts += (
        [f"{counts['duplicates']:,} duplicate{'s' if counts['duplicates'] != 1 else ''} left out"]
        if counts["duplicates"]
        else []
    )
    parts += [f"{counts['clashes']:,} with a known id but other content"] if counts["clashes"] else []
    parts += (
        [f"{counts['quarantined']:,} row{'s' if counts['quarantined'] != 1 else ''} in quarantine"]
        if counts["quarantined"]
        else []
    )
    return ", ".join(parts) + "."


def _reasons(workspace: Workspace, loaded: list[Loaded]) -> list[tuple[Any, ...]]:
    """Reason, rows, and file and line of an example, of this import's rows in quarantine."""
    from assay.query.loads import quarantined

    names = [one.name for one in loaded if not one.again]
    return workspace.engine.run(quarantined(names)).rows if names else []


def _findings(reasons: list[tuple[Any, ...]]) -> tuple[Finding, ...]:
    found = []
    for reason, count, file, line in reasons[:MOST_REASONS]:
        text = f"{count:,} {'row' if count == 1 else 'rows'}: {reason}, such as {file}:{line}"
        evidence = {"reason": reason, "rows": count, "file": file, "line": line}
        found.append(Finding("quarantined", "warning", text, evidence))
    rest = reasons[MOST_REASONS:]
    if rest:
        rows = sum(count for _, count, *_ in rest)
        found.append(Finding("quarantined", "warning", f"{rows:,} rows for {len(rest)} more reasons", {"rows": rows}))
    return tuple(found)


def _notes(workspace: Workspace) -> tuple[str, ...]:
    from assay.query.loads import contents

    found = workspace.engine.run(contents()).one()
    parts = [f"{count:,} {noun}" for count, noun in zip(found, CONTENTS, strict=True)]
    span = workspace.span
    return (f"the store now holds {', '.join(parts)}" + (f", {span.first} to {span.last}" if span else ""),)
