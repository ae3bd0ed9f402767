"""``python -m bench.planted [--seeds 20] [--worlds shop,saas,leads]``: are planted truths found, do quiet worlds stay quiet?

Recall: planted truths found by the question meant for each. Every other finding of these questions is held against the
seeds: what comes back in half of them is true of the world (a consequence of what is planted, or how it is built), what
does not is false. Precision = planted or true findings of all. Quiet worlds are asked of every KPI and funnel.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assay import demo
from assay.analyses.situations import SITUATIONS
from assay.demo.calendar import SEED
from assay.demo.planted import Planted, ask_all, found
from assay.demo.worlds import WORLDS
from assay.model.answer import Answer
from assay.model.finding import Finding
from assay.workspace import Workspace

LOUD = {
    "why": ("mix_moved", "rate_moved", "volume_moved", "tracking_moved"),
    "leaks": ("leak",),
    "patterns": tuple(one.code for one in SITUATIONS),
    "alerts": ("alert",),
}
_PLACE = (
    "metric",
    "dimension",
    "value",
    "where",
    "step",
    "page",
    "channel",
    "browser",
    "micro",
    "field",
    "subject",
    "cause",
)


@dataclass
class Heard:
    """What questions said over the seeds, planted truths left out: (seed, question, what it is about, text)."""

    said: list[tuple[int, str, str, str]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, question: str, names: tuple[str, ...], findings: list[Finding]) -> None:
        """The loud findings of one answer."""
        for one in findings:
            about = repr([question, names, one.code, [one.evidence.get(name) for name in _PLACE]])
            self.said.append((seed, question, about, f"{' '.join(names)} {one.text}".strip()))

    def false(self, seeds: int) -> list[tuple[int, str, str]]:
        """What is said of less than half of the seeds."""
        seen: dict[str, set[int]] = {}
        for seed, _, about, _ in self.said:
            seen.setdefault(about, set()).add(seed)
        return [(seed, q, text) for seed, q, about, text in self.said if 2 * len(seen[about]) < max(2, seeds)]


def opened(folder: Path, world: str, seed: int, quiet: bool) -> Workspace:
    """A world, written and loaded."""
    events = demo.build(folder, seed=seed, world=world, quiet=quiet)
    workspace = Workspace(folder)
    workspace.import_files("events", events)
    if (folder / demo.RAW / "costs.csv").exists():
        workspace.import_files("costs", [folder / demo.RAW / "costs.csv"])
    return workspace


def loud(question: str, answer: Answer) -> list[Finding]:
    """Findings that say something is the matter."""
    return [one for one in answer.findings if one.code in LOUD.get(question, ())]


def planted(world: str, seeds: list[int]) -> None:
    """Planted worlds: what is found of what is there, and what else is said."""
    asked: Counter[str] = Counter()
    there: Counter[str] = Counter()
    right, heard = 0, Heard()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="assay-planted-") as name:
            workspace = opened(Path(name), world, seed, quiet=False)
            truths = demo.planted(Path(name))
            for one, seen in ask_all(workspace, truths):
                asked[one.code] += 1
                there[one.code] += seen
            for question, answer in _answers(workspace, truths):
                rest = []
                for finding in loud(question, answer):
                    if any(found(one, Answer(question, {}, findings=(finding,))) for one in truths):
                        right += 1
                    else:
                        rest.append(finding)
                heard.add(seed, question, (), rest)
            workspace.close()
    false = heard.false(len(seeds))
    true = right + len(heard.said) - len(false)
    share = true / max(1, true + len(false))
    recall = sum(there.values()) / max(1, sum(asked.values()))
    print(
        f"{world}: recall {recall:.1%} ({sum(there.values())} of {sum(asked.values())}), precision {share:.1%} "
        f"({true} true, of them {right} planted; {len(false)} false), {len(seeds)} seeds",
        flush=True,
    )
    for code, count in asked.items():
        print(f"  {code}: {there[code]} of {count}")
    for seed, question, text in false:
        print(f"  false (seed {seed}) {question}: {text}")


def _answers(workspace: Workspace, truths: tuple[Planted, ...]) -> Iterator[tuple[str, Answer]]:
    asked = {repr((one.question, sorted(one.params.items()))): one for one in truths if one.question in LOUD}
    for one in asked.values():
        yield one.question, workspace.ask(one.question, **one.params)


def quiet(world: str, seeds: list[int]) -> None:
    """Quiet worlds: how many answers say something that is not true of the world."""
    heard = Heard()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="assay-quiet-") as name:
            workspace = opened(Path(name), world, seed, quiet=True)
            for question, names in _all_questions(workspace):
                heard.asked[question] += 1
                heard.add(seed, question, names, loud(question, workspace.ask(question, *names)))
            workspace.close()
    false = heard.false(len(seeds))
    for question, count in heard.asked.items():
        texts = [(seed, text) for seed, q, text in false if q == question]
        wrong = len({(seed, text.split(" ")[0]) for seed, text in texts})
        print(f"{world} quiet, {question}: {wrong} of {count} answers say something false", flush=True)
        for seed, text in texts:
            print(f"  (seed {seed}) {text}")


def _all_questions(workspace: Workspace) -> list[tuple[str, tuple[str, ...]]]:
    """Why of every KPI, the leaks of every funnel, all situations, all alerts."""
    plan, kinds = workspace.plan, ("share", "mean", "ratio", "total")
    asked: list[tuple[str, tuple[str, ...]]] = [
        ("why", (name,)) for name in plan.kpis if plan.metrics[name].quantity.kind in kinds
    ]
    asked += [("leaks", (name,)) for name, one in plan.funnels.items() if one.order != "unordered"]
    return [*asked, ("patterns", ()), ("alerts", ())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=SEED)
    parser.add_argument("--worlds", default=",".join(one.name for one in WORLDS))
    parser.add_argument("--only", choices=("planted", "quiet"))
    options = parser.parse_args()
    seeds = [options.first + n for n in range(options.seeds)]
    for world in options.worlds.split(","):
        if options.only != "quiet":
            planted(world, seeds)
        if options.only != "planted":
            quiet(world, seeds)


if __name__ == "__main__":
    main()
