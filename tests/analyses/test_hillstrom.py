"""A real e-mail test of 64,000 customers, imported as a file: every figure again by numpy, scipy and statsmodels."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay import moving
from assay.analyses.experimenting.readings import Read, planned_reading
from assay.cli.run import run
from assay.model.answer import Answer
from assay.stats.multiple import adjust
from assay.workspace import Workspace
from support import rows, table

ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
OUTCOMES = ("visit", "conversion", "spend")
PUBLISHED = {
    "No E-Mail": (21306, 10.6167, 0.5726, 0.652789),
    "Mens E-Mail": (21307, 18.2757, 1.2531, 1.422617),
    "Womens E-Mail": (21387, 15.1400, 0.8837, 1.077202),
}
FLAGS = [
    "--variant", "segment", "--control", "No E-Mail", "--date", "2008-03-20", "--segment", "newbie", "--segment", "channel",
]  # fmt: skip


@pytest.fixture(scope="module")
def raw(data_file: Callable[[str], Path]) -> Any:
    import pandas

    return pandas.read_csv(data_file("hillstrom_email.csv.gz"))


@pytest.fixture(scope="module")
def folder(data_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``mail`` as it is, ``adjusted`` with last year's spend as a covariate; both written into the plan by the import."""
    made = tmp_path_factory.mktemp("hillstrom") / "mail"
    made.mkdir()
    (made / "assay.yaml").write_text("site: {timezone: America/New_York, currency: USD}\n", encoding="utf-8")
    file = str(data_file("hillstrom_email.csv.gz"))
    outcomes = ["--outcome", "visit", "--outcome", "conversion:rate", "--outcome", "spend:money"]
    for name, more in (
        ("mail", outcomes),
        ("adjusted", ["--outcome", "spend:money", "--outcome", "visit", "--covariate", "history"]),
    ):
        words = ["import", "experiment", file, "--name", name, *FLAGS, *more, "--write-plan", "-w", str(made)]
        assert run(words) == 0
    return made


@pytest.fixture
def ws(folder: Path, engine: str, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    if engine != "duckdb" and not request.config.getoption("--soak"):
        pytest.skip("long: run with --soak")
    place = folder.parent / engine
    if engine in ("clickhouse", "lake"):  # a store of their own
        with Workspace(folder) as source:
            moving.settle(source, place)
            with Workspace(place, engine=engine) as target:
                moving.move(source, target)
    else:
        place = folder
    with Workspace(place, engine=engine) as opened:
        yield opened


def values(raw: Any, arm: str, outcome: str) -> Any:
    return raw[raw.segment == arm][outcome].to_numpy(dtype=float)


def lines(answer: Answer) -> dict[tuple[str, str], dict[str, Any]]:
    names = [column.name for column in answer.columns]
    found = [dict(zip(names, row, strict=True)) for row in answer.rows]
    return {(one["variant"], one["metric"].removeprefix("mail_")): one for one in found}


def welch(raw: Any, arm: str, level: float = 0.95) -> tuple[float, float, float]:
    """p, low and high of the difference in spend."""
    from scipy.stats import ttest_ind

    found = ttest_ind(values(raw, arm, "spend"), values(raw, ARMS[0], "spend"), equal_var=False)
    return (found.pvalue, *found.confidence_interval(level))


def counts(raw: Any, arm: str, outcome: str) -> tuple[float, int, float, int]:
    one, other = values(raw, arm, outcome), values(raw, ARMS[0], outcome)
    return one.sum(), len(one), other.sum(), len(other)


def score(x1: float, n1: int, x0: float, n0: int, null: float) -> float:
    """Miettinen and Nurminen's statistic, its shares under the null found by searching the likelihood."""
    from scipy.optimize import minimize_scalar
    from scipy.special import xlog1py, xlogy

    def unlikely(p: float) -> float:
        arms = ((x0, n0, p), (x1, n1, p + null))
        return -sum(float(xlogy(x, q) + xlog1py(n - x, -q)) for x, n, q in arms)

    found = minimize_scalar(
        unlikely, bounds=(max(0, -null), min(1, 1 - null)), method="bounded", options={"xatol": 1e-12}
    )
    p0, p1 = found.x, found.x + null
    variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * (n0 + n1) / (n0 + n1 - 1)
    return float((x1 / n1 - x0 / n0 - null) / variance**0.5)


def p_of(raw: Any, arm: str, outcome: str) -> float:
    from statsmodels.stats.proportion import test_proportions_2indep

    if outcome == "spend":
        return welch(raw, arm)[0]
    own = counts(raw, arm, outcome)
    return float(test_proportions_2indep(*own, method="score", compare="diff", correction=True).pvalue)


def test_the_readout_is_that_of_the_raw_file(ws: Workspace, raw: Any) -> None:
    from scipy.stats import norm
    from statsmodels.stats.proportion import confint_proportions_2indep

    answer = ws.ask("experiment-readout", "mail")
    found = lines(answer)
    assert set(found) == {(arm, outcome) for arm in ARMS[1:] for outcome in OUTCOMES}
    for (arm, outcome), one in found.items():
        scale = 1 if outcome == "spend" else 100
        for side, which in (("treatment", arm), ("control", ARMS[0])):
            n, *published = PUBLISHED[which]
            assert one[f"units_{side}"] == n
            assert round(one[side] * scale, 6 if scale == 1 else 4) == published[OUTCOMES.index(outcome)]
            assert math.isclose(one[side], values(raw, which, outcome).mean(), rel_tol=1e-12)
        assert math.isclose(one["p_value"], p_of(raw, arm, outcome), rel_tol=1e-6)
        assert one["state"] == "better"
        if outcome == "spend":
            assert (one["low"], one["high"]) == pytest.approx(welch(raw, arm)[1:], rel=1e-9)
            continue
        own, z = counts(raw, arm, outcome), norm.isf((1 - one["level"]) / 2)
        assert (score(*own, one["low"]), score(*own, one["high"])) == pytest.approx((z, -z), rel=1e-5)
        ratio = confint_proportions_2indep(
            *own, method="score", compare="ratio", alpha=1 - one["level"], correction=True
        )
        assert (one["lift_low"] + 1, one["lift_high"] + 1) == pytest.approx(ratio, rel=1e-6)
    # Holm over the two treatments: the smaller p of the primary at 97.5 %, the other at 95 %.
    assert [found[arm, "visit"]["level"] for arm in ARMS[1:]] == [0.975, 0.95]
    assert {one["level"] for (_, outcome), one in found.items() if outcome != "visit"} == {0.95}
    assert answer.sentence.startswith("Ship Mens E-Mail: mail_visit is better.")
    assert "Ship Womens E-Mail: mail_visit is better." in answer.sentence


def test_all_six_comparisons_together(ws: Workspace, raw: Any) -> None:
    from statsmodels.stats.multitest import multipletests

    found = lines(ws.ask("experiment-readout", "mail"))
    own = adjust([one["p_value"] for one in found.values()], "holm")
    theirs = multipletests([p_of(raw, *key) for key in found], method="holm")[1]
    assert own == pytest.approx(list(theirs), rel=1e-6)
    assert max(own) < 0.002  # the spend of women's mail


def test_the_money_is_the_interval_of_the_spend(ws: Workspace, raw: Any) -> None:
    answer = ws.ask("experiment-readout", "mail")
    for arm in ARMS[1:]:
        (verdict,) = [f for f in answer.findings if f.code == "verdict" and f.evidence["variant"] == arm]
        money = verdict.evidence["money"]
        _, low, high = welch(raw, arm)
        assert (money["metric"], money["currency"], money["factor"]) == ("mail_spend", "USD", 64000)
        assert float(money["low"]) == pytest.approx(low * 64000, abs=0.01)
        assert float(money["high"]) == pytest.approx(high * 64000, abs=0.01)
    assert "worth 31,000 $ to 67,500 $ in one run of 64,000 visitors" in answer.sentence
    assert "a year" not in answer.sentence


def test_its_health(ws: Workspace) -> None:
    answer = ws.ask("experiment-readout", "mail")
    found = {one.code: one for one in answer.findings}
    assert {one.code for one in answer.findings if one.severity in ("warning", "bad")} == {"not_locked"}
    assert found["split_ok"].evidence["units"] == {arm: n for arm, (n, *_) in PUBLISHED.items()}
    assert found["sample"].evidence == {"units": 64000, "matured": 64000, "planned": None}
    assert "outcomes stand on the exposure itself" in answer.notes[0]
    assert rows(ws, "SELECT count(*) FROM sessions") == [(0,)]  # nobody has visited the site


def test_by_a_column_of_the_file(ws: Workspace, raw: Any) -> None:
    answer = ws.ask("experiment-readout", "mail", by="newbie")
    cells = table(answer, "newbie", "variant", "units_control", "control", "treatment")
    assert len(cells) == 4
    for newbie, arm, n, control, treatment in cells:
        part = raw[raw.newbie == int(newbie)]
        assert n == (part.segment == ARMS[0]).sum()
        assert control == pytest.approx(values(part, ARMS[0], "visit").mean(), rel=1e-12)
        assert treatment == pytest.approx(values(part, arm, "visit").mean(), rel=1e-12)
    (phone, *_) = table(ws.ask("experiment-readout", "mail", by="unit_channel"), "unit_channel")
    assert phone == ("Multichannel",)


def test_a_covariate_of_the_file_takes_off_what_numpy_says(ws: Workspace, raw: Any) -> None:
    import numpy

    found: Read = planned_reading(ws.asking("experiment-readout"), "adjusted")
    for arm in ARMS[1:]:
        for line in found.judged.lines[arm]:
            outcome = line.metric.name.removeprefix("adjusted_")
            x, c = ([values(raw, which, name) for which in (ARMS[0], arm)] for name in (outcome, "history"))
            pooled = numpy.cov(numpy.concatenate(x), numpy.concatenate(c))
            theta = pooled[0, 1] / pooled[1, 1]
            adjusted = [a - theta * b for a, b in zip(x, c, strict=True)]
            plain, less = (sum(a.var(ddof=1) / len(a) for a in arms) for arms in (x, adjusted))
            made = line.contrast
            health = made.health  # type: ignore[union-attr]
            assert health.theta == pytest.approx(theta, rel=1e-9)
            assert made.difference == pytest.approx(adjusted[1].mean() - adjusted[0].mean(), rel=1e-9)
            assert made.standard_error == pytest.approx(less**0.5, rel=1e-9)
            assert health.variance_reduction == pytest.approx(1 - less / plain, rel=1e-6)
            assert 0 < health.variance_reduction < 0.01
            assert health.pre_difference == pytest.approx(c[1].mean() - c[0].mean(), rel=1e-9)


def test_once_more_is_nothing_new(
    folder: Path, data_file: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = str(data_file("hillstrom_email.csv.gz"))
    outcomes = ["--outcome", "visit", "--outcome", "conversion:rate", "--outcome", "spend:money"]
    words = ["import", "experiment", file, "--name", "mail", *FLAGS, *outcomes, "-w", str(folder), "--format", "json"]
    capfd.readouterr()
    assert run(words) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["sentence"] == "Nothing new: this was imported before, with the same options."
    assert answer["next"] == ["assay experiment readout mail", "assay quality"]
    assert run([*words, "--covariate", "recency"]) == 0  # the units are known; other columns do not mix with the first
    answer = json.loads(capfd.readouterr().out)
    assert answer["sentence"] == "0 events stored, 64,000 with a known id but other content."
    codes = [one["code"] for one in answer["findings"]]
    assert codes == ["imported_before", "plan_entry"]
    with Workspace(folder) as ws:
        assert rows(ws, "SELECT count(*) FROM events WHERE p_experiment_id = 'mail'") == [(64000,)]


def test_the_guide_says_these_figures_and_this_entry(folder: Path) -> None:
    import yaml

    text = (Path(__file__).parents[2] / "docs" / "import-experiment.md").read_text(encoding="utf-8")
    for arm, (n, visit, conversion, spend) in PUBLISHED.items():
        assert f"| {arm}, {n:,} | {visit:.4f} % | {conversion:.4f} % | {spend:.6f} |" in text
    told = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0].replace("hillstrom", "mail"))
    written = yaml.safe_load((folder / "assay.yaml").read_text(encoding="utf-8"))
    assert told["experiments"]["mail"] == written["experiments"]["mail"]
    assert told["metrics"].items() <= written["metrics"].items()
