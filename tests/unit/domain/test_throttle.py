"""The brake on guessing passwords."""

import pytest

from gateway.domain.errors import RateLimited
from gateway.domain.throttle import Patience, Throttle, is_loopback, is_near, network_of

PATIENCE = Patience(free=2, free_per_source=4, base_s=1, cap_s=8, forget_after_s=100, most_remembered=10)


def wait_s(throttle: Throttle, name: str, source: str, now_s: float) -> float:
    """0 when the attempt was let through, else how long to wait."""
    try:
        throttle.attempt(name, source, now_s)
    except RateLimited as error:
        return error.retry_after_s or 0
    return 0


def test_pauses_double_up_to_the_cap() -> None:
    throttle = Throttle(PATIENCE)
    now_s, waits = 0.0, []
    for _ in range(8):
        waited = wait_s(throttle, "admin", "1.1.1.1", now_s)
        if waited:
            now_s += waited
            throttle.attempt("admin", "1.1.1.1", now_s)
        waits.append(waited)
    assert waits == [0, 0, 1, 2, 4, 8, 8, 8]


def test_an_attempt_that_is_refused_counts_nothing() -> None:
    throttle = Throttle(PATIENCE)
    for _ in range(2):
        throttle.attempt("admin", "1.1.1.1", 0)
    for _ in range(50):
        assert wait_s(throttle, "admin", "1.1.1.1", 0.5) == 0.5
    assert wait_s(throttle, "admin", "1.1.1.1", 1) == 0


def test_strangers_do_not_slow_the_owner_down() -> None:
    throttle = Throttle(PATIENCE)
    for now_s in range(50):
        wait_s(throttle, "admin", "6.6.6.6", now_s)
    assert wait_s(throttle, "admin", "6.6.6.6", 50) > 0
    assert wait_s(throttle, "admin", "1.1.1.1", 50) == 0


def test_one_source_cannot_try_name_after_name() -> None:
    throttle = Throttle(PATIENCE)
    assert [wait_s(throttle, f"user {number}", "6.6.6.6", 0) for number in range(5)] == [0, 0, 0, 0, 1]


def test_success_forgets() -> None:
    throttle = Throttle(PATIENCE)
    for _ in range(20):
        throttle.attempt("admin", "1.1.1.1", 0)
        throttle.succeeded("admin", "1.1.1.1")
    throttle.attempt("admin", "1.1.1.1", 0)
    throttle.succeeded("nobody", "2.2.2.2")


def test_an_abandoned_attempt_does_not_count() -> None:
    throttle = Throttle(PATIENCE)
    for _ in range(20):
        throttle.attempt("admin", "1.1.1.1", 0)
        throttle.abandoned("admin", "1.1.1.1")
    throttle.attempt("admin", "1.1.1.1", 0)


def test_quiet_forgets() -> None:
    throttle = Throttle(PATIENCE)
    for now_s in (0, 0, 1, 3, 7):
        throttle.attempt("admin", "1.1.1.1", now_s)
    assert wait_s(throttle, "admin", "1.1.1.1", 8) > 0
    assert [wait_s(throttle, "admin", "1.1.1.1", 107) for _ in range(3)] == [0, 0, 1]


def test_the_longest_unused_counter_goes_first() -> None:
    throttle = Throttle(PATIENCE)
    for _ in range(2):
        throttle.attempt("admin", "1.1.1.1", 0)
    for number in range(4):
        throttle.attempt("x", f"9.9.9.{number}", 0)
    assert wait_s(throttle, "admin", "1.1.1.1", 0) > 0
    throttle.attempt("x", "9.9.9.9", 0)
    assert wait_s(throttle, "admin", "1.1.1.1", 0) == 0


def test_no_number_of_attempts_overflows() -> None:
    throttle = Throttle(PATIENCE)
    for number in range(3_000):
        throttle.attempt("admin", "1.1.1.1", number * 10.0)
    assert wait_s(throttle, "admin", "1.1.1.1", 29_990) == 8


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_household_is_one_source(source: str, network: str) -> None:
    assert network_of(source) == network


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.20", True),
        ("10.1.2.3", True),
        ("172.17.0.1", True),
        ("fe80::1", True),
        ("fd00::1", True),
        ("::ffff:192.168.1.20", True),
        ("", True),
        ("8.8.8.8", False),
        ("unknown", False),
        ("::ffff:8.8.8.8", False),
        ("2a00:1450::1", False),
    ],
)
def test_near_is_this_machine_and_its_network(source: str, near: bool) -> None:
    assert is_near(source) is near


@pytest.mark.parametrize(
    ("source", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.20", False),
        ("::ffff:192.168.1.20", False),
        ("fe80::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_loopback_is_this_very_machine(source: str, loopback: bool) -> None:
    assert is_loopback(source) is loopback
