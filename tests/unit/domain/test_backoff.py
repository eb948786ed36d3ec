from gateway.domain.backoff import Backoff


def test_pauses_double_up_to_the_cap() -> None:
    backoff = Backoff(0.5, 3, lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_they_are_shortened_by_up_to_half() -> None:
    assert Backoff(4, 100, lambda: 0.0).next_s() == 2.0
    assert Backoff(4, 100, lambda: 0.5).next_s() == 3.0


def test_they_begin_anew_once_it_worked() -> None:
    backoff = Backoff(1, 100, lambda: 1.0)
    before = [backoff.next_s(), backoff.next_s()]
    backoff.over()
    assert [backoff.next_s(), backoff.next_s()] == before == [1.0, 2.0]


def test_years_of_failures_are_no_number_too_large() -> None:
    backoff = Backoff(1, 30, lambda: 1.0)
    for _ in range(2_000):
        last = backoff.next_s()
    assert last == 30
