"""What people do with a workspace: note changes, start and decide experiments, keep ideas and cohorts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.answer import Answer
from assay.model.errors import UsageError
from assay.model.period import day_of
from assay.plan.values import Change
from assay.workspace.asking import Asks

if TYPE_CHECKING:
    from assay.analyses.experimenting.acts import Started


class Acts(Asks):
    """What is noted in the state, or written beside the plan."""

    def save_cohort(self, name: str, answer: Answer) -> Path:
        """Save the units that an answer lists (its column visitor, user or account) as a cohort of the plan."""
        from assay.plan.cohort_files import UNITS, save

        per = next((column.name for column in answer.columns if column.name in UNITS), None)
        if per is None:
            hint = "ask for units, such as assay funnel NAME --lost 3, or assay sessions"
            raise UsageError(answer.empty or f"{answer.question} lists no visitors, users or accounts; {hint}")
        path, self.plan = save(self.folder, name, per, (str(v) for v in answer.column(per) if v is not None))
        return path

    # -- the change log ----------------------------------------------------------------------------------------------

    def add_change(
        self, what: str, kind: str = "deploy", date: date | str | None = None, link: str | None = None
    ) -> tuple[Change, bool]:
        """Note a change (``date``: a day of the site's zone, default today); True beside it where it was new."""
        from assay.analyses.changelog import change, note

        made = change(what, kind, date or day_of(self.now, self.plan.site.timezone), link)
        return made, bool(note(self.state, [made], self.now))

    def import_changes(self, path: Path | str) -> tuple[int, int]:
        """Note all changes of a CSV file, or none; how many it holds, and how many were new."""
        from assay.analyses.changelog import note, read_file

        found = read_file(Path(path))
        return len(found), note(self.state, found, self.now)

    def remove_change(self, no: int) -> None:
        """Take a noted change back by its number."""
        from assay.analyses.changelog import forget

        forget(self.state, no)

    # -- experiments -------------------------------------------------------------------------------------------------

    def start_experiment(self, name: str, at: int | None = None, force: bool = False) -> Started:
        """Lock and start an experiment of the plan; ``at`` (µs UTC): the moment it holds from, default now."""
        from assay.analyses.experimenting.acts import start
        from assay.plan.load import raw

        return start(self.asking("experiment-readout"), raw(self.folder), name, at, force)

    def stop_experiment(self, name: str, reason: str = "", at: int | None = None) -> None:
        """Stop an experiment: later exposures do not count."""
        from assay.analyses.experimenting.acts import stop

        stop(self.asking("experiment-readout"), name, reason, at)

    def decide_experiment(
        self, name: str, decision: str, note: str = "", revisit: date | None = None, at: int | None = None
    ) -> dict[str, Any]:
        """Write a decision down (ship, do_not_ship, iterate, abandon) with the reading that it stands on."""
        from assay.analyses.experimenting.acts import decide

        return decide(self.asking("experiment-readout"), name, decision, note, revisit, at)

    def note_experiment(self, name: str, text: str, file: str | None = None) -> None:
        """Note something with an experiment; ``file``: a picture of a variant."""
        from assay.analyses.experimenting.acts import note

        note(self.asking("experiment-readout"), name, text, file)

    def add_idea(
        self, title: str, step: str | None = None, metric: str = "", worth: float | None = None
    ) -> tuple[int, bool]:
        """Note an idea in the backlog; its number, and whether it was new."""
        from assay.analyses.backlog import add

        return add(self.asking("backlog"), title, step, metric, worth)

    def rate_idea(
        self, no: int, confidence: int | None = None, effort: int | None = None, evidence: str | None = None,
        experiment: str | None = None, status: str | None = None,
    ) -> None:  # fmt: skip
        """Say how sure (1 to 10) and how hard (1 to 10) an idea is, what it stands on, which experiment tests it."""
        from assay.analyses.backlog import rate

        rate(self.asking("backlog"), no, confidence, effort, evidence, experiment, status)
