import time

from gateway.domain.clock import Clock, SystemClock


def test_the_system_clock_tells_the_machines_times() -> None:
    clock: Clock = SystemClock()
    wall, monotonic = time.time(), time.monotonic()
    assert clock.now() >= wall
    assert clock.monotonic() >= monotonic


def test_monotonic_time_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
