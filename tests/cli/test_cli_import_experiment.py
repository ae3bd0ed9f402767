"""``assay import experiment``: the entry that the plan lacks, written or shown, and the verdict that follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from commands import Assay

from assay.plan.load import load

HEAD = "unit,variant,sold,paid,past\n"


def rows(first: str = "u", sizes: tuple[int, ...] = (200, 200), lift: int = 30) -> str:
    """Arms A, B, …: of each 100 units 20 buy for 10 in the first, ``lift`` more in the others."""
    made = []
    for arm, size in enumerate(sizes):
        for n in range(size):
            sold = n % 100 < 20 + (lift if arm else 0)
            made.append(f"{first}{arm}-{n},{'ABC'[arm]},{int(sold)},{10 if sold else 0},{n % 7}\n")
    return HEAD + "".join(made)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    plan = "site: {timezone: Europe/Berlin, currency: EUR} # ours\nmetrics: {visits: {type: simple, count: session}}\n"
    (tmp_path / "w" / "assay.yaml").write_text(plan, encoding="utf-8")
    return tmp_path


def file(place: Path, content: str, name: str = "units.csv") -> Path:
    path = place / name
    path.write_text(content, encoding="utf-8")
    return path


def words(place: Path, *files: Path, name: str = "mail", more: tuple[object, ...] = ()) -> tuple[object, ...]:
    outcomes = ("--outcome", "sold", "--outcome", "paid:money")
    return ("import", "experiment", *files, "--name", name, *outcomes, *more, "-w", place / "w")


def told(assay: Assay, *given: object) -> dict[str, Any]:
    ran = assay(*given, "--format", "json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)  # type: ignore[no-any-return]


def test_the_entry_is_shown_and_can_be_taken_as_it_is(assay: Assay, place: Path) -> None:
    one = file(place, rows())
    ran = assay(*words(place, one, more=("--covariate", "past", "--date", "2025-02-01")))
    assert ran.code == 0
    assert ran.out.startswith("400 events stored.")
    assert "units stand on 2025-02-01: --date" in ran.out
    entry = ran.out.partition("(--write-plan writes it there):\n\n")[2]
    assert yaml.safe_load(entry)["experiments"] == {
        "mail": {
            "variants": ["A", "B"], "control": "A", "start": "2025-02-01", "end": "2025-02-01", "window": "none",
            "looks": "fixed", "primary": "mail_sold", "diagnostics": ["mail_paid"], "cuped": {"property": "past"},
        }
    }  # fmt: skip
    plan = place / "w" / "assay.yaml"
    plan.write_text(plan.read_text().replace("metrics: {visits: {type: simple, count: session}}\n", "") + entry)
    assert assay("check", place / "w").code == 0
    answer = told(assay, "experiment", "readout", "mail", "-w", place / "w")
    assert answer["sentence"].startswith("Ship B: mail_sold is better.")
    again = told(assay, *words(place, one, more=("--covariate", "past", "--date", "2025-02-01")))
    assert again["sentence"] == "Nothing new: this was imported before, with the same options."
    assert "plan_entry" not in [f["code"] for f in again["findings"]]


def test_the_entry_is_written_beside_what_is_there(assay: Assay, place: Path) -> None:
    plan = place / "w" / "assay.yaml"
    first = told(assay, *words(place, file(place, rows()), more=("--write-plan", "--control", "B")))
    assert any(note.endswith("now has events.experiment_viewed.properties, metrics.mail_sold, metrics.mail_paid, experiments.mail")
               for note in first["notes"])  # fmt: skip
    assert plan.read_text().startswith("site: {timezone: Europe/Berlin, currency: EUR} # ours\nmetrics: {visits:")
    # Another test on the same units with columns of the same names: neither counts in the other.
    other = file(place, rows(lift=-2).replace("paid,past", "paid,Channel"), "other.csv")
    second = told(assay, *words(place, other, name="Letter 2", more=("--write-plan", "--segment", "Channel")))
    assert "the column 'Channel' is the property unit_channel" in second["notes"]
    assert any(
        "now has events.experiment_viewed.properties.unit_channel, metrics.letter_2_sold" in n for n in second["notes"]
    )
    assert list(load(plan).experiments) == ["mail", "Letter 2"]
    values = {}
    for name in ("mail", "Letter 2"):
        answer = told(assay, "experiment", "readout", name, "-w", place / "w")
        names = [column["name"] for column in answer["columns"]]
        for row in answer["rows"]:
            cells = dict(zip(names, row, strict=True))
            values[cells["metric"]] = (cells["variant"], cells["control"], cells["treatment"])
    assert values == {
        "mail_sold": ("A", 0.5, 0.2), "mail_paid": ("A", 5, 2),
        "letter_2_sold": ("B", 0.2, 0.18), "letter_2_paid": ("B", 2, 1.8),
    }  # fmt: skip
    ran = assay("metric", "visits", "-w", place / "w", "--format", "json")
    assert json.loads(ran.out)["rows"] in ([], [[0]])  # imported units are no visits


def test_several_files_and_what_only_some_units_have(assay: Assay, place: Path) -> None:
    one, two = (file(place, rows(name, (100, 100)), f"{name}.csv") for name in "xy")
    assert told(assay, *words(place, one, two))["sentence"] == "400 events stored."
    more = file(place, "unit,variant,sold\nz1,A,1\nz2,B,0\n", "z.csv")
    answer = told(assay, "import", "experiment", more, "--name", "mail", "--outcome", "sold", "-w", place / "w")
    assert [f["text"] for f in answer["findings"] if f["code"] == "partly_known"] == []  # paid is in no plan yet
    told(assay, *words(place, one, two, more=("--write-plan",)))
    answer = told(assay, "import", "experiment", more, "--name", "mail", "--outcome", "sold", "-w", place / "w")
    assert [f["text"] for f in answer["findings"] if f["code"] == "partly_known"] == [
        "paid is known of 400 of 402 units of mail; the others count as 0"
    ]


def test_a_corrected_file_does_not_mix_with_the_first(assay: Assay, place: Path) -> None:
    told(assay, *words(place, file(place, rows()), more=("--write-plan",)))
    before = told(assay, "experiment", "readout", "mail", "-w", place / "w")["rows"]
    fixed = file(place, rows(lift=40) + "new,A,1,10,0\n", "fixed.csv")
    answer = told(assay, *words(place, fixed))
    assert answer["sentence"] == "1 event stored, 380 duplicates left out, 20 with a known id but other content."
    (found,) = [f for f in answer["findings"] if f["code"] == "imported_before"]
    assert (
        found["text"]
        == "20 units of mail had been imported before with other columns, values or days: the first import stands"
    )
    after = told(assay, "experiment", "readout", "mail", "-w", place / "w")["rows"]
    assert [row[:3] for row in after] == [row[:3] for row in before]


def test_weights_and_the_control_are_said_where_they_are_guessed(assay: Assay, place: Path) -> None:
    def entry(name: str, content: str) -> tuple[dict[str, Any], list[str]]:
        answer = told(assay, *words(place, file(place, content, f"{name}.csv"), name=name))
        (found,) = [f for f in answer["findings"] if f["code"] == "plan_entry"]
        return yaml.safe_load(found["evidence"]["yaml"])["experiments"][name], answer["notes"]

    block, notes = entry("ninety", rows("a", (905, 95)))
    assert (block["variants"], block["control"]) == ({"A": 90, "B": 10}, "A")
    assert any("the weights are read off the counts" in note for note in notes)
    assert any("the control is taken to be 'A'" in note for note in notes)
    block, notes = entry("thirds", rows("b", (330, 350, 320)).replace(",B,", ",No mail,"))
    assert (block["variants"], block["control"]) == (["A", "C", "No mail"], "A")
    block, notes = entry("named", rows("c", (3000, 3300)).replace(",B,", ",Control,"))
    assert (block["variants"], block["control"]) == ({"Control": 52, "A": 48}, "Control")
    assert not any("control is taken" in note for note in notes)


def test_what_is_wrong_leaves_nothing_behind(assay: Assay, place: Path) -> None:
    good = file(place, rows())
    for given, message in (
        (("import", "experiment", good, "-w", place / "w"), "--name is missing"),
        (
            ("import", "experiment", good, "--name", "m", "-w", place / "w"),
            "--outcome sold:rate --outcome paid:number? (further columns of numbers: past)",
        ),
        (words(place, good, more=("--control", "Z")), "has no variant 'Z'"),
        (words(place, file(place, HEAD, "none.csv")), "holds no rows"),
        (
            words(place, file(place, HEAD + "a,A,x,1,1\n", "bad.csv")),
            "nothing usable, every row is broken; line 2: sold 'x' is not a number",
        ),
        (words(place, place / "nowhere.csv"), "there is no such file"),
        (words(place, good, more=("--date", "soon")), "--date 'soon' is no day"),
    ):
        ran = assay(*given)
        assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
        assert message in ran.err
    assert not (place / "w" / "assay-data" / "store.duckdb").exists()
    broken = words(
        place,
        file(place, rows() + "x,A,9,ten,1\n,A,1,1,1\nu0-1,A,1,10,0\n", "some.csv"),
        more=("--outcome", "past:rate"),
    )
    ran = assay(*broken)
    assert ran.code == 0
    assert "rows: past '2' is neither 0 nor 1, such as some.csv:4" in " ".join(ran.out.split())


def test_a_plan_that_cannot_take_the_entry_stays(assay: Assay, place: Path) -> None:
    plan = place / "w" / "assay.yaml"
    plan.write_text("events: {call: {properties: {sold: string}}}\n")
    ran = assay(*words(place, file(place, rows()), more=("--write-plan",)))
    assert ran.code == 2
    assert "the units are imported, the plan is not changed" in ran.err
    assert "sold is integer here and string in call; a name has one type" in ran.err
    assert plan.read_text() == "events: {call: {properties: {sold: string}}}\n"
    named = (
        "import",
        "experiment",
        place / "units.csv",
        "--name",
        "again",
        "--outcome",
        "bought=sold",
        "--write-plan",
        "-w",
        place / "w",
    )
    assert assay(*named).code == 0
    assert load(plan).experiments["again"].primary.metric == "again_bought"


def test_a_test_that_the_plan_has_is_read_by_it(assay: Assay, place: Path) -> None:
    plan = place / "w" / "assay.yaml"
    plan.write_text("""
events: {experiment_viewed: {properties: {experiment_id: string, variant: string, sold: integer}}}
metrics: {each: {type: simple, sum: experiment_viewed.sold, per: user}}
experiments: {mail: {primary: each, unit: user, variants: [A, B], start: 2025-02-01, end: 2025-02-01, looks: fixed}}
imports: {mails: {name: mail, outcome: [sold], segment: [past]}}
""")
    answer = told(assay, "import", "experiment", file(place, rows()), "--mapping", "mails", "-w", place / "w")
    assert "units stand on 2025-02-01: the start in the plan" in answer["notes"]
    assert any("its window of 7 d is waited for; window: none judges" in note for note in answer["notes"])
    (found,) = [f for f in answer["findings"] if f["code"] == "plan_entry"]
    assert found["evidence"]["lacking"] == ["events.experiment_viewed.properties.past"]
    assert "no window has closed yet" in told(assay, "experiment", "readout", "mail", "-w", place / "w")["sentence"]
    plan.write_text(plan.read_text().replace("unit: user", "unit: user, window: none"))
    answer = told(assay, "experiment", "readout", "mail", "-w", place / "w")
    cells = dict(zip([column["name"] for column in answer["columns"]], answer["rows"][0], strict=True))
    assert (cells["units_control"], cells["control"], cells["treatment"]) == (200, 0.2, 0.5)


def test_a_test_that_was_locked_today_takes_its_units(assay: Assay, place: Path) -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")).date()
    (place / "w" / "assay.yaml").write_text(f"""
site: {{timezone: Europe/Berlin}}
events: {{experiment_viewed: {{properties: {{experiment_id: string, variant: string, sold: integer, paid: money}}}}}}
metrics: {{each: {{type: simple, sum: experiment_viewed.paid, per: visitor}}}}
experiments: {{mail: {{primary: each, variants: [A, B], window: none, looks: fixed, start: {today}, end: {today}}}}}
""")
    assert assay("experiment", "start", "mail", "-w", place / "w", "--force").code == 0
    answer = told(assay, *words(place, file(place, rows())))
    assert f"units stand on {today}: the start in the plan" in answer["notes"]
    answer = told(assay, "experiment", "readout", "mail", "-w", place / "w")
    (sample,) = [f for f in answer["findings"] if f["code"] == "sample"]
    assert sample["evidence"]["units"] == 400
    assert answer["sentence"].startswith("Keep running: no window has closed yet")
