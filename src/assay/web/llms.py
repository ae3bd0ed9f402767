"""``llms.txt``: what assay is, what can be asked and how, and how its figures read; for language models and whoever
writes programs for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.analyses import QUESTIONS
from assay.web.api import offered

if TYPE_CHECKING:
    from assay.plan.values import Plan

ABOUT = """\
assay measures conversion. A measurement plan says once what a conversion is and which metrics are KPIs; assay takes
events in and answers questions about them. Every figure comes with its definition, and estimates with their
interval."""

READING = """\
- Counts are whole numbers, money is exact decimal text in the column's currency, rates are fractions (0.024 is 2.4
  %), durations are seconds, days are those of the site's time zone. Nothing is rounded or grouped by thousands.
- Differences of rates are points, ratios of anything are percent: never mix the two. Columns of kind points hold
  differences of rates, as fractions too.
- NAME_low and NAME_high are the ends of the 95 % interval of NAME. A change whose interval holds 0 is ordinary
  noise: do not report it as a change.
- null is no zero: there is no figure, and the estimate's reason, the notes or `empty` say why. Figures whose
  windows are still open say so; compare only those that have matured.
- `sentence` answers the question in words, `findings` say what is notable and what to do. Quote them rather than
  drawing conclusions of your own from single rows.
- Each metric's definition (id, numerator, denominator, window, time zone, rules) stands under `definitions`. Two
  figures with different definition ids are two different things; `compare` says why they differ."""

ASKING = """\
- HTTP: `GET ROOT/api/v1/QUESTION?from=2026-09-01&to=2026-09-30` with the header `Authorization: Bearer ak_…` (a key
  of scope read). The answer is JSON; `QUESTION.csv` gives the rows alone, `QUESTION.md` Markdown. Lists: repeat the
  parameter, or use commas. The parameters of every question: [openapi.json](ROOT/api/v1/openapi.json). An error is
  `{"error": {"code", "message"}}`; the message says what to do.
- MCP: `ROOT/mcp` (streamable HTTP, the same key), or `assay mcp -w DIR` (stdio). One tool per question, reading
  only.
- Command line: `assay QUESTION --format json`, `assay QUESTION --help`. Python: `assay.open("DIR").ask("QUESTION",
  …)`.
- Begin with `catalog`: the names of metrics, funnels and segments. Then `overview`. Without days a question is
  about the last 28 complete days of the data. `segment` takes a segment's name or an expression such as `device =
  'mobile'`."""


def text(plan: Plan | None = None, root: str = "") -> str:
    """The whole file. ``root``: where the workspace begins (``https://numbers.example/shop``); ``plan``: its own.

    Without them: of assay in general.
    """
    named = f"# assay: {plan.site.name}" if plan else "# assay"
    about = "\n".join(f"> {line}" for line in ABOUT.splitlines())
    asking = ASKING.replace("ROOT", root or "https://YOUR-SERVER/WORKSPACE")
    names = f"{_names(plan)}\n\n" if plan else ""
    parts = f"{named}\n\n{about}\n\n## How to ask\n\n{asking}\n\n## How figures read\n\n{READING}\n\n{names}"
    return f"{parts}## Questions\n\n{_questions(root)}\n"


def _names(plan: Plan) -> str:
    site = plan.site
    kinds = (
        ("KPIs", plan.kpis), ("metrics", plan.metrics), ("funnels", plan.funnels), ("segments", plan.segments),
        ("cohorts", plan.cohorts), ("goals", plan.goals), ("experiments", plan.experiments),
    )  # fmt: skip
    known = "\n".join(f"- {kind}: {', '.join(names)}" for kind, names in kinds if names)
    return f"## What this workspace defines\n\nDays of {site.timezone}, money in {site.currency}.\n\n{known}"


def _questions(root: str) -> str:
    lines = []
    for one in QUESTIONS:
        if offered(one):
            address = f"[{one.name}]({root}/api/v1/{one.name})" if root else f"`{one.name}`"
            lines.append(f"- {address}: {one.summary}")
        else:
            lines.append(f"- `{one.name}`: {one.summary} It needs a file, so it is asked on the command line only.")
    return "\n".join(lines)
