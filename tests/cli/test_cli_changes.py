"""``assay changes`` answers; its verbs write the change log."""

from __future__ import annotations

from pathlib import Path

from commands import Assay


def test_a_question_with_verbs(assay: Assay, shop: Path) -> None:
    once = assay("changes", "add", "New checkout", "--kind", "deploy", "--date", "2024-03-05", "-w", shop)
    assert (once.code, once.out) == (0, "noted: New checkout (deploy, Tue 5 Mar 2024)\n")
    again = assay("-w", shop, "changes", "add", "New checkout", "--date", "2024-03-05")
    assert again.out.startswith("was noted already: New checkout")
    listed = assay("changes", "-w", shop, "--from", "2024-03-01", "--to", "2024-03-31", "--format", "csv")
    assert listed.out.splitlines()[1] == "2024-03-05,deploy,New checkout,noted,1,"
    assert assay("ask", "changes", "-w", shop, "--from", "2024-03-01", "--to", "2024-03-31").code == 0
    assert assay("changes", "-w", shop, "remove", 1).out == "change 1 is removed\n"
    empty = assay("changes", "-w", shop, "--from", "2024-03-01", "--to", "2024-03-31")
    assert (empty.code, empty.out.splitlines()[0]) == (0, "No changes are known in 1 to 31 Mar 2024.")


def test_a_file_of_changes(assay: Assay, shop: Path) -> None:
    path = shop / "log.csv"
    path.write_text("date,kind,what\n2024-03-05,price,Plus 5 %\n")
    assert assay("changes", "import", path, "-w", shop).out.startswith("1 change noted\n")
    assert assay("changes", "import", path, "-w", shop).out.startswith("0 changes noted, 1 were noted already\n")


def test_mistakes_are_told(assay: Assay, shop: Path) -> None:
    for words, says in [
        (("foo",), "assay changes has no command 'foo'; it has add, import, remove"),
        (("add", "x", "--kind", "deply"), "did you mean 'deploy'"),
        (("add", "x", "--date", "3/4"), "'3/4' is not a day"),
        (("remove", "7"), "no noted change has the number 7"),
        (("import", shop / "none.csv"), "No such file"),
        (("--kind", "deply"), "did you mean 'deploy'"),
    ]:
        ran = assay("-w", shop, "changes", *words)
        assert ran.code == 2
        assert says in ran.err
        assert ran.err.count("\n") == 1
