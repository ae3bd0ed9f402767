"""Where names in an answer lead: people to their timeline, metrics, funnels, tests to their pages, commands to cards.

An address stands below the site's own: ``kpi?metric=rpv``.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

from assay.analyses import BY_NAME, QUESTIONS
from assay.analyses.base import is_argument
from assay.report.view import headed, human
from assay.web.cards.base import Step

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from assay.plan.values import Plan

PEOPLE = {"visitor": "visitor", "user": "user", "account": "account", "order": "order", "order_id": "order"}
METRICS = frozenset({"kpi", "metric", "primary"})
_COMMAND = re.compile(r"[;:,]?\s*\b(assay [a-z][^;]*)")


def of_cell(column: str, value: Any, plan: Plan | None) -> str:
    """The address of what a cell names; empty where it names nothing that has a page."""
    if value is None or not str(value):
        return ""
    text = str(value)
    if column in PEOPLE:
        return f"person?{urlencode({'id': text, 'as': PEOPLE[column]})}"
    if plan is None:
        return ""
    if column in METRICS and text in plan.metrics:
        return f"kpi?{urlencode({'metric': text})}"
    if column == "funnel" and text in plan.funnels:
        return f"funnels?{urlencode({'funnel': text})}"
    if column == "experiment" and text in plan.experiments:
        return f"experiments?{urlencode({'experiment': text})}"
    if column == "name":
        return _defined(text, plan)
    return ""


def _defined(name: str, plan: Plan) -> str:
    if name in plan.metrics:
        return f"kpi?{urlencode({'metric': name})}"
    if name in plan.funnels:
        return f"funnels?{urlencode({'funnel': name})}"
    if name in plan.segments:
        return f"overview?{urlencode({'segment': name})}"
    return ""


def steps(text: str | None) -> tuple[Step, ...]:
    """What to do, with commands as links where a page can ask the same."""
    found: list[Step] = []
    rest = text or ""
    while (match := _COMMAND.search(rest)) is not None:
        before = rest[: match.start()].strip(" ;:,")
        if before:
            found.append(Step(before[0].upper() + before[1:]))
        found.append(of_command(match[1].strip()))
        rest = rest[match.end() :]
    left = rest.strip(" ;:,")
    if left:
        found.append(Step(left[0].upper() + left[1:]))
    return tuple(found)


def of_command(command: str) -> Step:
    """A command as a link to the page that asks the same; as it is where none does."""
    asked = parsed(command)
    if asked is None:
        return Step(command, command=True)
    question, values = asked
    joined: dict[str, str] = {}
    for key, value in values:
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return Step(_said(question, joined), f"ask?{urlencode({'question': question, **joined})}")


_SAID = {
    "metric": "See {names}", "why": "Why {name} moved", "explain": "What {name} means",
    "compare": "{name} by other rules",
    "funnel": "See the funnel {name}", "leaks": "Where people are lost", "opportunity": "What mending is worth",
    "sessions": "See these visits", "channels": "See the channels", "quality": "What is wrong with the data",
    "overview": "See the scorecard", "changes": "What changed when", "audit": "Are the KPIs good ones?",
    "catalog": "See the definitions", "journey": "See what they do next", "pages": "See the pages",
    "pace": "Are we on pace?",
    "attribution": "See who gets the credit", "user": "See the timeline", "segments": "See which groups differ",
    "experiment": "See the tests", "learnings": "What was learnt", "retention": "See who comes back",
    "lifecycle": "See new, returning and lost", "features": "See who uses it", "tracking": "See planned events",
    "experiment-readout": "See the verdict", "experiment-qa": "Is the test sound?", "alerts": "See the alerts",
    "time-to": "How long it takes", "patterns": "See known situations",
}  # fmt: skip


def _said(question: str, values: dict[str, str]) -> str:
    """What a link to a question says."""
    words = {"name": "", "names": ""}
    for key, one in values.items():
        say = human if key == "names" else _plain
        words[key] = ", ".join(say(part) for part in one.split(","))
    text = _SAID.get(question, BY_NAME[question].summary.rstrip(".").partition(":")[0]).format_map(words)
    text += f" by {values['grain']}" if "grain" in values else ""
    text += f" by {words['by']}" if "by" in values and question in ("metric", "funnel", "channels") else ""
    return headed(" ".join(text.split()))


def parsed(command: str) -> tuple[str, list[tuple[str, str]]] | None:
    """A command's question and its values in order; None where it is no question, or one that writes or reads files."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    words = [word for word in words[1:] if word not in ("ask",)]
    name, rest = _question(words)
    if name is None:
        return None
    from assay.web.api import remote

    fields = remote(BY_NAME[name].Params)
    return _values(name, rest, fields)


def _question(words: list[str]) -> tuple[str | None, list[str]]:
    for count in (2, 1):
        name = "-".join(words[:count])
        if len(words) >= count and name in _OFFERED:
            return name, words[count:]
    return None, words


def _values(name: str, words: list[str], fields: dict[str, FieldInfo]) -> tuple[str, list[tuple[str, str]]] | None:
    free = [key for key, one in fields.items() if is_argument(one)]
    values: list[tuple[str, str]] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            if not free:
                return None
            values.append((free[0], word))
            if not _many(fields[free[0]]):
                free.pop(0)
            continue
        key = word[2:].replace("-", "_")
        if key not in fields or (not _flag(fields[key]) and not left):
            return None
        values.append((key, "true" if _flag(fields[key]) else left.pop(0)))
    return name, values


def _many(field: FieldInfo) -> bool:
    return bool(get_args(field.annotation)) and "list" in str(field.annotation)


def _flag(field: FieldInfo) -> bool:
    return field.annotation is bool


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _offered() -> frozenset[str]:
    from assay.web.api import offered

    return frozenset(one.name for one in QUESTIONS if offered(one))


_OFFERED = _offered()
