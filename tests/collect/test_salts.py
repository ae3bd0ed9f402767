"""Salts of the day: one for all collectors, another each day, gone after two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assay.collect.salts import DAY, Salts


def test_all_collectors_have_one_salt_a_day(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: Salts(tmp_path).of(5 * DAY + 1), range(64)))
    assert len(found) == 1
    assert len(next(iter(found))) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["salt-5"]
    assert (tmp_path / "salt-5").stat().st_mode & 0o777 == 0o600


def test_each_day_has_its_own_and_old_ones_go(tmp_path: Path) -> None:
    salts = Salts(tmp_path)
    made = [salts.of(day * DAY) for day in range(4)]
    assert len(set(made)) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["salt-2", "salt-3"]


def test_a_disk_that_takes_none_gives_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Salts(tmp_path / "file" / "below").of(DAY) == b""
