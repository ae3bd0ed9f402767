"""``python -m bench.planted [--seeds 20] [--worlds shop,saas,leads]``: are planted truths found, do quiet worlds stay quiet?

Recall: planted truths found by the question meant for each. Precision: findings of those questions that say something
planted, of all that say something moved, leaks, is a situation or an alert. Quiet worlds are asked the same of every KPI
and funnel; a finding there is false.
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
    "opportunity": ("opportunity",),
}


@dataclass
class Score:
    """Of one world over its seeds."""

    asked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of planted truths that were found."""
        return sum(self.found.values()) / max(1, sum(self.asked.values()))

    @property
    def precision(self) -> float:
        """Share of loud findings that say something planted."""
        return self.right / max(1, self.right + len(self.wrong))


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


def score(world: str, seeds: list[int]) -> Score:
    """Planted worlds: what is found of what is there."""
    made = Score()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="assay-planted-") as name:
            folder = Path(name)
            workspace = opened(folder, world, seed, quiet=False)
            planted = demo.planted(folder)
            for one, there in ask_all(workspace, planted):
                made.asked[one.code] += 1
                made.found[one.code] += there
            for question, answer in _answers(workspace, planted):
                for finding in loud(question, answer):
                    said = any(found(one, Answer(question, {}, findings=(finding,))) for one in planted)
                    made.right += said
                    if not said:
                        made.wrong.append((seed, f"{question}: {finding.text}"))
            workspace.close()
    return made


def _answers(workspace: Workspace, planted: tuple[Planted, ...]) -> Iterator[tuple[str, Answer]]:
    asked = {repr((one.question, sorted(one.params.items()))): one for one in planted if one.question in LOUD}
    for one in asked.values():
        yield one.question, workspace.ask(one.question, **one.params)


def quiet(world: str, seeds: list[int]) -> dict[str, tuple[int, int, list[tuple[int, str]]]]:
    """Quiet worlds: question → (times asked, times it said something, what it said)."""
    asked: Counter[str] = Counter()
    said: Counter[str] = Counter()
    texts: dict[str, list[tuple[int, str]]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="assay-quiet-") as name:
            workspace = opened(Path(name), world, seed, quiet=True)
            for question, names in _all_questions(workspace):
                heard = loud(question, workspace.ask(question, *names))
                asked[question] += 1
                said[question] += bool(heard)
                texts.setdefault(question, []).extend((seed, f"{' '.join(names)}: {one.text}") for one in heard)
            workspace.close()
    return {name: (asked[name], said[name], texts.get(name, [])) for name in asked}


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
            made = score(world, seeds)
            print(f"{world}: recall {made.recall:.1%}, precision {made.precision:.1%} ({len(seeds)} seeds)", flush=True)
            for code, asked in made.asked.items():
                print(f"  {code}: {made.found[code]} of {asked}", flush=True)
            for seed, text in made.wrong:
                print(f"  not planted (seed {seed}): {text}", flush=True)
        if options.only != "planted":
            for name, (asked, said, texts) in quiet(world, seeds).items():
                print(f"{world} quiet, {name}: {said} of {asked} say something", flush=True)
                for seed, text in texts:
                    print(f"  (seed {seed}) {text}", flush=True)


if __name__ == "__main__":
    main()
