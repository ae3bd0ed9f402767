"""Signing in and out: tokens, ends, rotation, limits, and that failures cannot be told apart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from doors import HOST, PASSWORD, Doors, csrf, made, sign_in, token_of

from assay.model.errors import UsageError
from assay.web.access import sessions, signing, tokens
from assay.web.access.throttle import Throttle
from assay.web.access.values import DAY, SECOND

COOKIE = "__Host-assay-main"


def test_the_cookie_is_bound_to_host_https_and_http_only(doors: Doors) -> None:
    got = sign_in(doors.client(), "viewer@example.org")
    cookie = got.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert cookie.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Lax; Secure"
    plain = sign_in(doors.client("http://127.0.0.1:8080"), "viewer@example.org").headers["set-cookie"]
    assert plain.startswith("assay-main=")
    assert plain.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Lax"


def test_nothing_that_opens_a_door_stands_in_the_state(doors: Doors) -> None:
    client = doors.signed_in("admin")
    secrets = [client.cookies[COOKIE], token_of(client), doors.key("read")["Authorization"].split()[1], PASSWORD]
    doors.access.state.close()
    bytes_ = b"".join(path.read_bytes() for path in doors.access.state.path.parent.iterdir())
    assert [one for one in secrets if one.encode() in bytes_] == []
    with sqlite3.connect(doors.access.state.path) as opened:
        kept = [row[0] for row in opened.execute("SELECT password FROM users")]
    assert all(one.startswith("$argon2id$") for one in kept)


def test_passwords_cost_what_rfc_9106_says() -> None:
    from assay.web.access.passwords import Passwords

    kept = Passwords().hash("a real password")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(("passes", "status"), [(DAY - 1, 200), (DAY, 303)], ids=["just in time", "idle for a day"])
def test_a_session_ends_when_idle(doors: Doors, passes: int, status: int) -> None:
    client = doors.signed_in("viewer")
    doors.clock.now += passes
    assert client.get("/").status_code == status


def test_a_session_ends_at_the_latest_after_fourteen_days(doors: Doors) -> None:
    client, seen = doors.signed_in("viewer"), []
    for _ in range(28):
        doors.clock.now += DAY // 2
        seen.append(client.get("/").status_code)
    assert seen == [200] * 27 + [303]


def test_a_session_of_an_attacker_is_never_the_one_signed_in_with(doors: Doors) -> None:
    """Fixation: what the browser had before is not taken on, and ends if it was real."""
    attacker = doors.signed_in("viewer")
    planted = attacker.cookies[COOKIE]
    victim = doors.client()
    got = victim.get("/login")
    victim.cookies.set(COOKIE, planted)
    form = {"csrf": csrf(attacker.get("/account").text), "email": "admin@example.org", "password": PASSWORD}
    done = victim.post("/login", data=form, headers={"Origin": HOST})
    assert (got.status_code, done.status_code) == (200, 303)
    assert planted not in done.headers["set-cookie"]
    assert attacker.get("/").status_code == 303
    made_up = tokens.new()
    other = doors.client()
    other.cookies.set(COOKIE, made_up)
    assert sign_in(other, "admin@example.org").status_code == 303
    assert sessions.find(doors.access, made_up) is None


def test_signing_out_here_and_everywhere(doors: Doors) -> None:
    first, second, third = (doors.signed_in("viewer") for _ in range(3))
    old = first.cookies[COOKIE]
    got = first.post("/logout", data={"csrf": token_of(first)}, headers={"Origin": HOST})
    assert "Max-Age=0" in got.headers["set-cookie"]
    first.cookies.set(COOKIE, old)
    assert [one.get("/").status_code for one in (first, second, third)] == [303, 200, 200]
    second.post("/account/sign-out", data={"csrf": token_of(second)}, headers={"Origin": HOST})
    assert [one.get("/").status_code for one in (second, third)] == [303, 303]


def test_a_user_has_twenty_sessions_at_most(doors: Doors) -> None:
    no = doors.access.state.read("user", email="viewer@example.org")[0]["no"]
    given = [sessions.start(doors.access, no) for _ in range(25)]  # in one instant: the latest stay
    assert [sessions.find(doors.access, one) is not None for one in given] == [False] * 5 + [True] * 20


def test_another_password_ends_all_other_sessions(doors: Doors) -> None:
    here, elsewhere = doors.signed_in("viewer"), doors.signed_in("viewer")

    def change(current: str, new: str, again: str | None = None) -> tuple[int, str]:
        form = {
            "csrf": token_of(here),
            "current": current,
            "password": new,
            "again": again if again is not None else new,
        }
        got = here.post("/account/password", data=form, headers={"Origin": HOST})
        return got.status_code, got.text

    assert change("wrong", "another long one")[0] == 422
    assert change(PASSWORD, "short")[0] == 422
    assert change(PASSWORD, "another long one", "another long two")[0] == 422
    assert elsewhere.get("/").status_code == 200
    assert change(PASSWORD, "another long one")[0] == 303
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 303)
    assert sign_in(doors.client(), "viewer@example.org").status_code == 401
    assert sign_in(doors.client(), "viewer@example.org", "another long one").status_code == 303


FAILURES = {
    "wrong password": ("viewer@example.org", "not this one here"),
    "unknown user": ("nobody@example.org", "not this one here"),
    "invited only": ("invited@example.org", "not this one here"),
    "no address": ("%", PASSWORD),
    "empty": ("", ""),
    "an address of a megabyte": ("a" * 200_000 + "@example.org", PASSWORD),
    "a password of a megabyte": ("viewer@example.org", "p" * 500_000),
    "SQL": ("' OR 1=1 --", "' OR '1'='1"),
    "not text": ("\udcff\x00@example.org", "\x00"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_failures_cannot_be_told_apart(doors: Doors, how: str) -> None:
    """Each costs one run of argon2 and one entry of the log, and says the same."""
    from assay.web.access import users
    from assay.web.access.values import CONSOLE

    users.add(doors.access, "invited@example.org", "viewer", CONSOLE)
    email, password = FAILURES[how]
    before, logged = (doors.hasher.verified, doors.hasher.hashed), len(doors.audit())
    got = sign_in(doors.client(), email.encode("utf-8", "replace").decode(), password)
    shown = got.text.replace(csrf(got.text), "")
    assert (got.status_code, "The e-mail address or the password is not right." in shown) == (401, True)
    assert (doors.hasher.verified - before[0], doors.hasher.hashed - before[1]) == (1, 0)
    assert len(doors.audit()) - logged == 1
    assert [what for _, what, _ in doors.audit()][-1] == "login_failed"
    assert "set-cookie" not in got.headers


def test_the_log_does_not_keep_what_strangers_type(doors: Doors) -> None:
    sign_in(doors.client(), "my password by mistake")
    assert doors.audit()[-1] == ("", "login_failed", "an unknown address")


def test_a_limit_by_account_and_address_says_the_same_of_users_and_strangers(doors: Doors) -> None:
    for n, email in enumerate(("viewer@example.org", "nobody@example.org")):
        there = f"192.0.2.{n}"
        seen = [signing.sign_in(doors.access, email, "wrong", there) for _ in range(11)]
        assert [one.wait for one in seen] == [0] * 10 + [60]
        assert signing.sign_in(doors.access, email.upper(), PASSWORD, there) == signing.Outcome(wait=60)
    runs = doors.hasher.verified
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD, "192.0.2.0").wait == 60
    assert doors.hasher.verified == runs
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD, "192.0.2.9").token  # not locked out elsewhere
    doors.clock.now += 60 * SECOND
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD, "192.0.2.0").token


@pytest.mark.parametrize("email", ["viewer@example.org", "nobody@example.org"])
def test_a_limit_by_account_from_everywhere(doors: Doors, email: str) -> None:
    seen = [signing.sign_in(doors.access, email, "wrong", f"192.0.2.{n}").wait for n in range(102)]
    assert seen == [0] * 100 + [10, 10]


def test_a_limit_by_address_whatever_the_account(doors: Doors) -> None:
    seen = [signing.sign_in(doors.access, f"{n}@example.org", "wrong", f"2001:db8::{n:x}").wait for n in range(31)]
    assert seen == [0] * 30 + [10]
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD, "2001:db8::ffff").wait == 10
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD, "2001:db8:1::1").token


def test_too_many_tries_are_answered_with_429_and_when_to_come_again(doors: Doors) -> None:
    client = doors.client()
    got = [sign_in(client, "viewer@example.org", "wrong") for _ in range(11)][-1]
    assert (got.status_code, got.headers["retry-after"]) == (429, "60")
    assert "Try again in 60 seconds" in got.text


def test_memory_of_the_limits_is_bounded() -> None:
    throttle = Throttle(2, SECOND, most=100)
    for n in range(10_000):
        throttle.take(f"name {n}" * 500, 0)
    assert len(throttle) <= 200
    assert all(len(name) <= 254 for name in throttle._young)


def test_a_password_of_yesterdays_costs_is_hashed_again(doors: Doors) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    row = doors.access.state.read("user", email="viewer@example.org")[0]
    doors.access.state.write("set_password", no=row["no"], password=old, now=1)
    assert signing.sign_in(doors.access, "viewer@example.org", PASSWORD).token
    kept = doors.access.state.read("user", email="viewer@example.org")[0]["password"]
    assert ("t=1" in kept, kept != old) == (True, True)


def test_the_only_admin_stays(tmp_path: Path) -> None:
    from assay.web.access import users
    from assay.web.access.values import CONSOLE

    doors = made(tmp_path, ["admin"])
    users.add(doors.access, "invited@example.org", "admin", CONSOLE)  # cannot sign in yet: does not count
    with pytest.raises(UsageError, match="only admin"):
        users.set_role(doors.access, "admin@example.org", "viewer", CONSOLE)
    with pytest.raises(UsageError, match="only admin"):
        users.remove(doors.access, "admin@example.org", CONSOLE)
    users.remove(doors.access, "invited@example.org", CONSOLE)
    assert [one.email for one in users.everybody(doors.access)] == ["admin@example.org"]
    doors.access.state.close()


def test_a_passwords_normal_form_does_not_matter(doors: Doors) -> None:
    from assay.web.access.passwords import Passwords

    kept = Passwords(doors.hasher).hash("Ångström unit long")
    assert doors.access.passwords.fits(kept, "Ångström unit long")
