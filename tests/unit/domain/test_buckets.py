import pytest

from gateway.domain.buckets import TokenBucket


def test_the_burst_is_free_and_then_it_is_so_many_a_second() -> None:
    bucket = TokenBucket(burst=3, per_s=5)
    assert [bucket.take(10.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(10.0) == pytest.approx(0.2)
    assert bucket.take(10.1) == pytest.approx(0.1)
    assert bucket.take(10.2) == 0
    assert bucket.take(10.2) == pytest.approx(0.2)


def test_waiting_fills_it_up_to_the_burst_only() -> None:
    bucket = TokenBucket(burst=2, per_s=5)
    assert bucket.take(0.0) == 0
    assert [bucket.take(1_000.0) for _ in range(3)] == [0, 0, pytest.approx(0.2)]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(burst=1, per_s=1)
    assert bucket.take(5.0) == 0
    assert bucket.take(4.0) == 1
    assert bucket.take(4.5) == 0.5


def test_who_waits_as_long_as_told_gets_one() -> None:
    bucket = TokenBucket(burst=1, per_s=4)
    now_s = 0.0
    for _ in range(20):
        assert bucket.take(now_s) == 0
        wait_s = bucket.take(now_s)
        assert wait_s > 0
        now_s += wait_s


def test_what_has_happened_is_taken_on_credit_which_time_pays() -> None:
    bucket = TokenBucket(burst=10, per_s=5)
    assert bucket.spend(10, 0.0) == 0
    assert bucket.spend(10, 0.0) == pytest.approx(2)
    assert bucket.spend(0, 1.0) == pytest.approx(1)
    assert bucket.spend(0.5, 2.0) == pytest.approx(0.1)
    assert bucket.spend(10, 1_000.0) == 0
