"""What is said after the import of a test: where its units stand, what the plan lacks, and the lacking part written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.answer import Answer
from assay.model.errors import AssayError, UsageError
from assay.model.finding import Finding

if TYPE_CHECKING:
    from assay.analyses.experimenting.proposing import Proposal
    from assay.collect.importers.experiment import ExperimentOptions
    from assay.store.engine import Loaded
    from assay.workspace import Workspace


def proposed(
    workspace: Workspace, answer: Answer, options: ExperimentOptions, loaded: Sequence[Loaded], write: bool
) -> Answer:
    """The answer of the import with what concerns the test; ``write``: the plan gets what it lacks."""
    from assay.analyses.experimenting.proposing import propose
    from assay.collect.importers.experiment import exposed_on
    from assay.plan.load import raw

    plan, name = workspace.plan, str(options.name)
    made = propose(workspace.asking("experiment-readout"), raw(workspace.folder), options)
    day, why = exposed_on(options, plan, workspace.now, plan.site.timezone)
    notes = [
        *answer.notes,
        f"units stand on {day}: {why}" if day else f"units stand on the times of {why}",
        *made.notes,
    ]
    findings = [*answer.findings, *_clashes(name, loaded), *_partial(made)]
    if not made.additions:
        readout = f"assay experiment readout {name}"
        return replace(answer, findings=tuple(findings), notes=tuple(notes), next=(readout, "assay quality"))
    lacking = ", ".join(".".join(one.path) for one in made.additions)
    if write:
        path = written(workspace.folder, made)
        notes.append(f"{path} now has {lacking}")
        return replace(
            answer,
            findings=tuple(findings),
            notes=tuple(notes),
            next=("assay check", f"assay experiment readout {name}"),
        )
    evidence = {"lacking": [".".join(one.path) for one in made.additions], "yaml": made.text}
    findings.append(
        Finding(
            "plan_entry", "info", f"the plan has no {lacking}", evidence, "add it, or import again with --write-plan"
        )
    )
    return replace(answer, findings=tuple(findings), notes=tuple(notes), next=("assay check",))


def _clashes(name: str, loaded: Sequence[Loaded]) -> list[Finding]:
    """Units that are stored already, with something else."""
    count = sum(one.clashes for one in loaded)
    if not count:
        return []
    units = f"{count:,} unit{'s' if count != 1 else ''} of {name}"
    text = f"{units} had been imported before with other columns, values or days: the first import stands"
    return [
        Finding("imported_before", "warning", text, {"units": count}, "import a corrected file under another --name")
    ]


def _partial(made: Proposal) -> list[Finding]:
    """Figures that only some units have: the others count as 0, which is not what they did."""
    return [
        Finding(
            "partly_known",
            "warning",
            f"{key} is known of {count:,} of {made.units:,} units of {made.experiment}; the others count as 0",
            {"property": key, "known": count, "units": made.units},
            "import files with the same outcomes for all units, under another --name",
        )
        for key, count in made.partial.items()
    ]


def written(folder: Path, made: Any) -> Path:
    """Write the additions into the plan's file, all or none."""
    from assay.plan import edit
    from assay.plan.load import FILE

    path = folder / FILE if folder.is_dir() else folder
    try:
        edit.save(path, edit.add(path.read_bytes().decode("utf-8"), made.additions))
    except AssayError as error:
        raise UsageError(f"the units are imported, the plan is not changed: {error}") from error
    return path
