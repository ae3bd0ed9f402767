"""The rule: the hash against published values, evenness and independence of buckets, the order of reasons, layers, config."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections import Counter
from datetime import date

import numpy as np
import pytest
from scipy.stats import chi2
from vectors import FILE, TEXTS, UNITS, plan, text

from assay.assign import Assignment, assign, assigned, bounds, bucket, buckets, config, forced_by, murmur3, sticky
from assay.assign.assignment import room_in
from assay.model.errors import UnknownName
from assay.plan.experiments import Experiment, Holdout, Variant
from assay.plan.layers import ranges, together
from assay.plan.load import loads

UNIFORM = 100_000

# Published with the algorithm and its ports: (bytes, seed, hash).
PUBLISHED = [
    (b"", 0, 0x00000000), (b"", 1, 0x514E28B7), (b"", 0xFFFFFFFF, 0x81F16F39),
    (b"\xff\xff\xff\xff", 0, 0x76293B50), (b"\x21\x43\x65\x87", 0, 0xF55B516B), (b"\x21\x43\x65\x87", 0x5082EDEE, 0x2362F9DE),
    (b"\x21\x43\x65", 0, 0x7E4A8634), (b"\x21\x43", 0, 0xA0F7B07A), (b"\x21", 0, 0x72661CF4),
    (b"\0\0\0\0", 0, 0x2362F9DE), (b"\0\0\0", 0, 0x85F0B427), (b"\0\0", 0, 0x30F4C306), (b"\0", 0, 0x514E28B7),
    (b"test", 0, 0xBA6BD213), (b"test", 0x9747B28C, 0x704B81DC), (b"Hello, world!", 0, 0xC0363E43),
    (b"Hello, world!", 0x9747B28C, 0x24884CBA), (b"The quick brown fox jumps over the lazy dog", 0, 0x2E4FF723),
    (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD), (b"aaaa", 0x9747B28C, 0x5A97808A),
]  # fmt: skip


@pytest.mark.parametrize(("data", "seed", "expected"), PUBLISHED)
def test_the_hash_is_murmur3(data: bytes, seed: int, expected: int) -> None:
    assert murmur3(data, seed) == expected


def test_the_verification_value_of_its_author() -> None:
    """SMHasher: hash 0, 1, … 255 bytes that count up, each with seed 256 − length, then hash the hashes."""
    hashes = b"".join(murmur3(bytes(range(n)), 256 - n).to_bytes(4, "little") for n in range(256))
    assert murmur3(hashes, 0) == 0xB0F57EE3


def test_many_at_once_are_the_same() -> None:
    units = [*UNITS, *TEXTS]
    for salt in ("", "variant:plain", "größer"):
        assert list(buckets(salt, units)) == [bucket(salt, unit) for unit in units]
    assert len(buckets("s", [])) == 0
    assert murmur3(b"salt:7") / 2**32 == bucket("salt", "7")


def p_of(counts: np.ndarray, expected: float) -> float:
    """Chi-square against equal counts."""
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1))


def ids(kind: str) -> list[str]:
    draw = random.Random(7)
    makers = {
        "sequence": lambda n: str(n),
        "prefixed": lambda n: f"visitor-{n:08d}",
        "uuid": lambda _: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "cookie": lambda n: f"GA1.2.{draw.randrange(10**10)}.{1_700_000_000 + n}",
        "mail": lambda n: f"person{n}@example.com",
    }
    return [makers[kind](n) for n in range(UNIFORM)]


@pytest.mark.parametrize("kind", ["sequence", "prefixed", "uuid", "cookie", "mail"])
def test_buckets_are_even_and_independent_of_each_other(kind: str) -> None:
    """24 p-values per kind of id; by chance the least of all 120 is below 1e-5 once in 800 runs, and nothing is drawn anew."""
    units = ids(kind)
    salts = ["variant:a", "variant:b", "traffic:a", "layer:a", "holdout:holdout", "variant:exp_1", "variant:exp_2"]
    places = [buckets(salt, units) for salt in salts]
    found = [p_of(np.bincount((one * 1000).astype(int), minlength=1000), UNIFORM / 1000) for one in places[:3]]
    for first, second in itertools.combinations(places, 2):
        cells = (first * 20).astype(int) * 20 + (second * 20).astype(int)
        found.append(p_of(np.bincount(cells, minlength=400), UNIFORM / 400))
    assert min(found) > 1e-5
    assert max(found) < 1 - 1e-5  # too even is no chance either


def test_neighbours_are_strangers() -> None:
    """The same arm for id n and n + 1 half of the time: runs of equal arms would split households by order of arrival."""
    place = buckets("variant:x", [str(n) for n in range(UNIFORM)]) < 0.5
    assert abs((place[1:] == place[:-1]).mean() - 0.5) < 4 * 0.5 / UNIFORM**0.5


def test_shares_of_variants_and_traffic() -> None:
    experiment = Experiment(
        "e", variants=(Variant("c", 60), Variant("none", 0), Variant("t", 30)), traffic=0.5, salt="e"
    )
    holdout = Holdout(0.1)
    found = Counter(assign(experiment, str(n), holdout=holdout).variant for n in range(20_000))
    for variant, share in (("c", 0.9 * 0.5 * 2 / 3), ("t", 0.9 * 0.5 / 3), (None, 0.55)):
        assert abs(found[variant] / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5
    assert found["none"] == 0
    reasons = Counter(assign(experiment, str(n), holdout=holdout).reason for n in range(20_000))
    assert set(reasons) == {"holdout", "traffic", "weights"}
    assert abs(reasons["holdout"] / 20_000 - 0.1) < 0.01


def test_more_traffic_moves_nobody() -> None:
    few, many = (Experiment("e", salt="e", traffic=share) for share in (0.2, 0.9))
    for n in range(2000):
        before, after = assign(few, str(n)), assign(many, str(n))
        assert before.variant in (None, after.variant)


def test_the_order_of_reasons() -> None:
    made = plan()
    holdout = next(str(n) for n in range(1000) if bucket("holdout:holdout", str(n)) < 0.05)
    other = next(str(n) for n in range(1000) if bucket("holdout:holdout", str(n)) >= 0.05)
    assert assigned(made, "plain", holdout).reason == "holdout"
    assert assigned(made, "plain", holdout, previous=["control"]) == Assignment("control", "sticky")
    forced = {"plain": "treatment"}
    assert assigned(made, "plain", holdout, forced, ["control"]) == Assignment("treatment", "forced")
    assert assigned(made, "plain", other, {"plain": "treatmnt"}).reason == "weights"
    assert assigned(made, "nobody", other).reason == "traffic"
    assert assigned(made, "nobody", other, {"nobody": "control"}).variant == "control"
    with pytest.raises(UnknownName, match="did you mean 'plain'"):
        assigned(made, "plan", "1")


def test_who_is_identified_keeps_its_first_variant() -> None:
    experiment = Experiment("e", variants=(Variant("c", 1), Variant("t", 1), Variant("closed", 0)))
    fresh = Assignment("c", "weights", 0.1)
    assert sticky([], fresh, experiment) == fresh
    assert sticky(["t", "c"], fresh, experiment) == Assignment("t", "sticky")
    assert sticky([None, "t"], fresh, experiment) == Assignment("t", "sticky")
    assert sticky(["dropped"], fresh, experiment) == fresh  # the arm is no more
    assert sticky(["closed"], fresh, experiment) == Assignment("closed", "sticky")  # takes in nobody new
    assert sticky(["t"], Assignment(None, "holdout", 0.01), experiment).variant == "t"
    assert sticky(["t"], Assignment("c", "forced"), experiment) == Assignment("c", "forced")


def test_forced_by_an_address() -> None:
    assert forced_by("?assay_variant=a:b&assay_variant=c:d:e&x=y") == {"a": "b", "c": "d:e"}
    assert forced_by("?assay_variant=a:b&assay_variant=a:c") == {"a": "c"}
    assert forced_by("?assay_variant=&assay_variant=a&assay_variant=:b&assay_variant=a:") == {}


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, 1), (0.1, 0.2, 0.7), (0, 1), (1, 0), (1e-9, 1e8), (3, 0, 5, 0)])
def test_bounds(weights: tuple[float, ...]) -> None:
    made = bounds(Experiment("e", variants=tuple(Variant(str(n), w) for n, w in enumerate(weights))))
    upto = [one for _, one in made]
    assert upto == sorted(upto)
    assert upto[-1] == 1.0
    for weight, low, high in zip(weights, [0.0, *upto], upto, strict=False):
        assert abs(high - low - weight / sum(weights)) < 1e-12


def layer(*texts: str) -> dict[str, Experiment]:
    """``name traffic start end`` each; - for no day."""
    made = {}
    for one in texts:
        name, traffic, start, end = one.split()
        days = (None if day == "-" else date.fromisoformat(day) for day in (start, end))
        made[name] = Experiment(
            name, "", None, None, layer="l", traffic=float(traffic), start=next(days), end=next(days)
        )
    return made


def test_a_layer_gives_the_lowest_free_room() -> None:
    made = layer("b 0.3 - -", "a 0.5 - -", "c 0.2 2026-02-01 -")
    assert ranges(made.values()) == {"a": ((0.0, 0.5),), "b": ((0.5, 0.8),), "c": ((0.8, 1.0),)}
    made = layer("a 0.5 2026-01-01 2026-01-31", "b 0.5 2026-01-01 2026-03-31", "c 0.5 2026-02-01 -")
    assert ranges(made.values()) == {"a": ((0.0, 0.5),), "b": ((0.5, 1.0),), "c": ((0.0, 0.5),)}


def test_room_may_come_in_pieces() -> None:
    made = layer("a 0.3 2026-01-01 2026-01-31", "b 0.4 2026-01-01 2026-03-31", "c 0.3 2026-01-01 2026-01-31",
                 "d 0.6 2026-02-01 2026-02-28")  # fmt: skip
    low, high = ranges(made.values())["d"]
    assert (low, high) == ((0.0, 0.3), (0.7, 1.0))


def test_what_comes_later_moves_nobody_and_nothing_overlaps() -> None:
    draw = random.Random(3)
    for _ in range(300):
        texts: list[str] = []
        for name in "abcdefghij":
            start = date(2026, 1, 1).toordinal() + 7 * draw.randrange(20)
            end = start + 7 * draw.randrange(1, 8)
            text_ = f"{name} {draw.choice([0.1, 0.2, 0.3, 0.5])} {date.fromordinal(start)} {date.fromordinal(end)}"
            members = layer(*texts, text_)
            beside = sum(o.traffic for o in members.values() if o.name != name and together(o, members[name]))
            texts += [text_] if beside + members[name].traffic <= 1 else []
        members = layer(*texts)
        found = ranges(members.values())
        for one in members.values():
            assert abs(sum(high - low for low, high in found[one.name]) - one.traffic) < 1e-6
        for one, other in itertools.combinations(members.values(), 2):
            if together(one, other):
                assert all(
                    high <= low2 or high2 <= low for low, high in found[one.name] for low2, high2 in found[other.name]
                )
        last = max(members.values(), key=lambda one: (one.start, one.name))
        rest = ranges(one for one in members.values() if one is not last)
        assert rest == {name: parts for name, parts in found.items() if name != last.name}


def test_a_unit_is_in_one_experiment_of_a_layer() -> None:
    made = plan()
    counted: Counter[int] = Counter()
    for n in range(3000):
        found = [assigned(made, name, str(n)) for name in ("first", "second", "third")]
        counted[sum(one.variant is not None for one in found)] += 1
        assert {one.reason for one in found} <= {"holdout", "layer", "weights"}
    assert set(counted) == {0, 1}
    assert room_in(made, made.experiments["third"]) == ((0.3, 0.6),)


def test_the_configuration_holds_what_a_page_needs_and_no_more() -> None:
    made = loads(
        "metrics: {rpv: {type: simple, sum: revenue.net, per: visitor}}\n"
        "segments: {mobile: device = 'mobile'}\n"
        "holdout: {share: 5%, salt: h}\n"
        "experiments:\n"
        "  e: {primary: {metric: rpv, mde: 3%}, hypothesis: secret, owner: me, notes: secret, audience: mobile,\n"
        "      start: 2026-07-01, end: 2026-07-31, value: {margin: 35%}, traffic: 50%}\n"
        "  draft: {primary: rpv}\n"
    )
    found = config(made, date(2026, 7, 31))
    assert found == {
        "version": 1,
        "holdout": {"salt": "holdout:h", "share": 0.05},
        "experiments": [
            {
                "name": "e",
                "unit": "visitor",
                "layer": False,
                "room": {"salt": "traffic:e", "ranges": [[0.0, 0.5]]},
                "salt": "variant:e",
                "variants": [{"name": "control", "upto": 0.5}, {"name": "treatment", "upto": 1.0}],
                "exposure": {"event": "experiment_viewed", "name": "experiment_id", "variant": "variant", "value": "e"},
            }
        ],
    }
    assert json.loads(json.dumps(found)) == found
    names = [[one["name"] for one in config(made, day)["experiments"]] for day in (date(2026, 6, 30), date(2026, 8, 1))]
    assert names == [[], []]
    assert [one["name"] for one in config(made, date(2020, 1, 1), ["draft"])["experiments"]] == ["draft"]
    assert config(loads(""), date(2026, 1, 1)) == {"version": 1, "holdout": None, "experiments": []}


def test_the_vectors_are_those_of_this_code() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python tests/assign/vectors.py, and say in an ADR why"
