"""Token buckets by hand, and what the collector answers when they are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_intake import EVENT, take

from assay.collect.http import Source
from assay.collect.limits import BURST, Buckets, Limits, Rates, grouped, rates
from assay.model.errors import UsageError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_twenty_seconds_and_fills_at_its_rate() -> None:
    clock = Clock()
    bucket = Buckets(10.0, clock=clock)
    bucket.take("a", 199)
    assert (bucket.wait("a"), bucket.wait("b")) == (0, 0)
    bucket.take("a", 2)  # 20 s × 10 = 200 were in it: one is owed
    assert bucket.wait("a") == 1
    clock.now += 0.05
    assert bucket.wait("a") == 1
    clock.now += 0.06  # and paid
    assert bucket.wait("a") == 0


def test_a_batch_larger_than_the_bucket_gets_through_and_is_paid_for() -> None:
    clock = Clock()
    bucket = Buckets(10.0, clock=clock)
    bucket.take("a", 1_000)  # 100 s' worth; 20 s are in the bucket
    assert bucket.wait("a") == 80
    clock.now += 79.5
    assert bucket.wait("a") == 1
    clock.now += 0.6
    assert bucket.wait("a") == 0


def test_buckets_are_bounded_and_no_rate_is_no_limit() -> None:
    bucket = Buckets(1.0, most=10)
    for n in range(1_000):
        bucket.take(f"192.0.2.{n}", 1)
    assert len(bucket) <= 22
    free = Buckets(0.0)
    free.take("a", 10**9)
    assert (free.wait("a"), len(free)) == (0, 0)


def test_one_that_keeps_sending_is_not_forgotten() -> None:
    clock = Clock()
    bucket = Buckets(1.0, most=10, clock=clock)
    for n in range(100):
        bucket.take("busy", 1)
        bucket.take(str(n), 1)
    assert bucket.wait("busy") == 100 - BURST


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "20010db800010002/64"), ("2001:db8:1:2::1", "20010db800010002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"), ("::ffff:192.0.2.7", "192.0.2.7"), ("a:b", "a:b"),
    ],
)  # fmt: skip
def test_an_address_of_ipv6_is_its_network(address: str, group: str) -> None:
    assert grouped(address) == group


def test_public_keys_count_for_the_address_and_secret_ones_do_not() -> None:
    clock = Clock()
    limits = Limits(Rates(1.0, 100.0, 1_000.0), clock)
    assert limits.of_key("sk", Source("server", secret=True), "a", 500) == 0
    assert limits.of_address("a") == 0
    assert limits.of_key("pk", Source("web"), "a", 21) == 0
    assert limits.of_address("a") == 1
    assert limits.of_address("b") == 0


def test_rates_are_read() -> None:
    assert rates(None) == rates("") == Rates()
    assert rates("address=0, key=1e3") == Rates(0.0, 1_000.0)


@pytest.mark.parametrize(
    ("text", "said"), [("adress=1", "did you mean 'address'"), ("key=x", "number of events"), ("key=-1", "number"), ("key", "number")]
)  # fmt: skip
def test_wrong_rates_are_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rates(text)


def test_the_answer_says_when_to_come_back(tmp_path: Path) -> None:
    limits = Limits(Rates(0.0, 1.0), Clock())
    batch = {"key": "pk_a", "events": [{**EVENT, "id": str(n)} for n in range(25)]}
    other = {"key": "pk_b", **EVENT}
    taken, refused, foreign = take(tmp_path, batch, {"key": "pk_a", **EVENT}, other, made={"limits": limits})
    assert (taken[0], refused[0], refused[1]["retry-after"], foreign[0]) == (202, 429, "5", 202)
    assert json.loads(refused[2])["error"]["code"] == "too_many_requests"


def test_clients_that_throw_away_what_is_answered_429_get_503(tmp_path: Path) -> None:
    limits = Limits(Rates(0.0, 1.0), Clock())
    batch = {"api_key": "pk_a", "batch": [{"event": "x", "distinct_id": str(n)} for n in range(25)]}
    taken, refused = take(tmp_path, batch, batch, path="/batch/", made={"limits": limits})
    assert (taken[0], refused[0], refused[1]["retry-after"]) == (200, 503, "5")


def test_requests_that_cannot_be_read_count_for_the_address(tmp_path: Path) -> None:
    limits = Limits(Rates(0.1, 0.0), Clock())  # two
    found = take(tmp_path, b"{", {"key": "pk_x", **EVENT}, {"key": "pk_a", **EVENT}, made={"limits": limits})
    assert [one[0] for one in found] == [400, 401, 429]
