"""Samples of what is told, and of nothing else.

"Red:" names the deliberate fault with which the test was seen to fail.
"""

from collections.abc import Mapping

import pytest

from gateway.domain.slots import Quality, Sample
from gateway.domain.values import Changes, Delta, Position, Reading
from gateway.store.follow import Absent, EventsLoaded, Loaded, Lost, Reachable, Unreachable
from recorder.slot_sampler import OFFSET_MS, Moment, SlotSampler

T0 = 1_800_000_000_000
P = 1_000
LIVE, STALE, REBUILT, JUMPED = Quality.live, Quality.stale, Quality.rebuilt, Quality.jumped
A, B, METER = "a", "b", "grid/imported_wh"


def at(ms: int, jumped: int = 0) -> Moment:
    """A moment so long after the start; ``jumped``: by how much the wall clock has gone ahead of the other."""
    return Moment(T0 + ms, ms - jumped)


def reading(value: float | None, ms: int | None = None, *, stale: bool = False) -> Reading:
    return Reading(value, None if ms is None else (T0 + ms) / 1000, stale)


def loaded(
    seq: int,
    readings: Mapping[str, Reading],
    *,
    epoch: str = "e",
    reason: Lost | None = None,
    seqs: Mapping[str, int] | None = None,
) -> Loaded:
    return Loaded(Position(epoch, seq), dict(readings), dict(seqs or dict.fromkeys(readings, seq)), {}, 0, reason)


class Site:
    """A sampler, and a store that has nothing that it has not told."""

    def __init__(self, core: SlotSampler | None = None, seq: int = 10, **known: Reading) -> None:
        self.core = core or SlotSampler(P, lambda key: not key.startswith("box/"), most_missing=20)
        self.seq = seq
        self.epoch = "e"
        if known:
            self.core.take(loaded(seq, known), at(0))

    def tell(self, ms: int, /, **changes: Reading | None) -> None:
        self.tell_all(ms, dict(changes))

    def tell_all(self, ms: int, changes: Changes, jumped: int = 0) -> None:
        self.core.take(Delta(self.epoch, self.seq, self.seq + 1, changes), at(ms, jumped))
        self.seq += 1

    def sure(self, ms: int, jumped: int = 0) -> None:
        self.core.ask(at(ms, jumped))
        assert self.core.confirm(Position(self.epoch, self.seq))

    def samples(self, ms: int, jumped: int = 0) -> list[Sample]:
        self.sure(ms, jumped)
        return self.core.samples(at(ms, jumped), 1_000)

    def one(self, ms: int) -> Sample:
        [sample] = self.samples(ms)
        return sample


def test_it_is_the_state_at_the_end_made_a_moment_later() -> None:
    site = Site(a=reading(1))
    assert site.core.due_ms == T0 + P + OFFSET_MS
    assert site.samples(P + OFFSET_MS - 1) == []
    assert site.one(P + OFFSET_MS) == Sample(T0, P, "e", 10, {A: (1.0, LIVE)}, T0 + P + OFFSET_MS)
    assert site.core.due_ms == T0 + 2 * P + OFFSET_MS


def test_what_is_newer_than_the_end_waits_and_what_only_arrived_late_does_not() -> None:
    """Red: with changes that all count when they arrive."""
    site = Site(a=reading(1), b=reading(1))
    site.tell(1020, a=reading(2, 1000), b=reading(2, 1001))
    first = site.one(1200)
    assert first.values == {A: (2.0, LIVE), B: (1.0, LIVE)}
    assert first.seq == 10, "the entry is not in it as a whole"
    second = site.one(2200)
    assert second.values == {A: (2.0, LIVE), B: (2.0, LIVE)}
    assert second.seq == 11


def test_what_has_no_time_of_its_own_counts_with_its_entry_or_when_it_arrives() -> None:
    site = Site(a=reading(1, -5), b=reading(1, -5), c=reading(1, -5))
    site.tell_all(1003, {A: reading(1, -5, stale=True), "box/time": reading(7, 999)})
    site.tell_all(1004, {B: reading(1, -5, stale=True)})
    site.tell_all(1005, {"c": None})
    assert site.one(1200).values == {A: (None, STALE), B: (1.0, LIVE), "c": (1.0, LIVE)}
    assert site.one(2200).values == {A: (None, STALE), B: (None, STALE)}


def test_nothing_is_later_than_its_arrival_or_before_what_came_ahead() -> None:
    """The bridge's clock is an hour ahead, then an hour behind."""
    site = Site(a=reading(1), b=reading(1))
    site.tell(900, a=reading(2, 3_600_900))
    site.tell(1100, b=reading(2, -3_600_000), a=reading(3, -3_600_000))
    assert site.one(1200).values == {A: (2.0, LIVE), B: (1.0, LIVE)}
    assert site.one(2200).values == {A: (3.0, LIVE), B: (2.0, LIVE)}


def test_who_was_late_makes_up_for_it_in_order() -> None:
    site = Site(a=reading(1))
    site.tell(3100, a=reading(2, 1500))
    site.tell(3100, a=reading(3, 2500))
    found = site.samples(3_250)
    assert [(one.slot - T0, one.values[A]) for one in found] == [
        (0, (1.0, REBUILT)),
        (1000, (2.0, REBUILT)),
        (2000, (3.0, LIVE)),
    ]
    assert [one.seq for one in found] == [10, 11, 12]


def test_not_more_are_made_at_once_than_asked_for() -> None:
    site = Site(a=reading(1))
    site.sure(9_900)
    assert [one.slot for one in site.core.samples(at(9_900), 2)] == [T0, T0 + P]
    assert [one.slot for one in site.core.samples(at(9_900), 2)] == [T0 + 2 * P, T0 + 3 * P]


def test_who_cannot_know_waits() -> None:
    site = Site(a=reading(1))
    assert site.core.samples(at(1_200), 9) == []
    site.core.ask(at(1_200))
    assert not site.core.confirm(Position("e", 11)), "there is one that was not told"
    assert not site.core.confirm(Position("other", 10))
    assert not site.core.confirm(None)
    assert site.core.samples(at(1_200), 9) == []
    site.tell(1_300, a=reading(2, 999))
    assert site.core.confirm(Position("e", 11))
    assert site.core.samples(at(1_300), 9)[0].values == {A: (2.0, LIVE)}
    site.core.ask(at(1_400))
    assert not site.core.confirm(Position("e", 10)), "the store lost what it once had"


def test_a_change_proves_what_was_before_it() -> None:
    site = Site(a=reading(1))
    site.tell_all(1_100, {"box/time": reading(7, 1_000)})
    assert [one.slot for one in site.core.samples(at(2_300), 9)] == [T0], "and no more than that"


def test_nothing_is_sampled_before_anything_is_known() -> None:
    core = SlotSampler(P, lambda _: True)
    for step in (Absent(), Unreachable("?"), Reachable()):
        core.take(step, at(0))
    core.lose()
    core.ask(at(5_000))
    assert not core.confirm(Position("e", 1))
    assert core.due_ms is None
    assert core.samples(at(5_000), 9) == []
    core.passed(T0)
    assert core.due_ms is None
    core.take(loaded(1, {A: reading(1)}), at(5_500))
    assert core.due_ms == T0 + 6_200, "the slot in which it is now"


def test_a_lost_place_is_dark_until_the_next_snapshot() -> None:
    """Red: without the dark, or with one that begins when the snapshot comes."""
    site = Site(a=reading(1), b=reading(1))
    site.sure(1_200)
    site.core.take(Unreachable("?"), at(2_000))
    site.core.take(Reachable(), at(4_500))
    site.core.take(loaded(900, {A: reading(5)}, epoch="f", reason="epoch"), at(4_500))
    site.epoch, site.seq = "f", 900
    assert [(one.values, one.epoch, one.seq) for one in site.samples(5_200)] == [
        ({A: (1.0, REBUILT), B: (1.0, REBUILT)}, "e", 10),
        ({A: (None, STALE), B: (None, STALE)}, "e", 10),
        ({A: (None, STALE), B: (None, STALE)}, "e", 10),
        ({A: (None, STALE), B: (None, STALE)}, "e", 10),
        ({A: (5.0, LIVE)}, "f", 900),
    ]


def test_a_store_without_an_epoch_leaves_it_in_the_dark() -> None:
    site = Site(a=reading(1))
    site.sure(1_000)
    site.core.take(Absent(), at(1_100))
    site.core.take(Absent(), at(1_150))
    assert site.core.told is None
    assert [one.slot for one in site.core.samples(at(4_000), 9)] == [T0]
    site.core.take(loaded(5, {A: reading(2)}, epoch="f"), at(3_900))
    site.epoch, site.seq = "f", 5
    assert [one.values for one in site.samples(4_200)] == [{A: (None, STALE)}] * 2 + [{A: (2.0, LIVE)}]


def test_a_snapshot_that_goes_on_from_what_was_told_is_no_loss() -> None:
    site = Site(a=reading(1), b=reading(1), c=reading(1))
    site.sure(500)
    snapshot = {A: reading(2, 900), B: reading(2, 1_500), "d": reading(4)}
    site.core.take(loaded(13, snapshot, seqs={A: 12, B: 13, "d": 10}), at(2_100))
    site.seq = 13
    first, second = site.samples(2_200)
    assert first.values == {A: (2.0, REBUILT), B: (1.0, REBUILT), "c": (1.0, REBUILT)}
    assert first.seq == 10
    assert second.values == {A: (2.0, LIVE), B: (2.0, LIVE), "d": (4.0, LIVE)}, "from its newest change on"


def test_a_change_that_does_not_go_on_is_refused() -> None:
    site = Site(a=reading(1))
    with pytest.raises(ValueError, match="does not continue"):
        site.core.take(Delta("e", 11, 12, {}), at(1))


def test_events_are_none_of_its_business() -> None:
    site = Site(a=reading(1))
    site.core.take(EventsLoaded((), 0, 0), at(1))  # type: ignore[arg-type]
    assert site.one(1_200).values == {A: (1.0, LIVE)}


# --- what was before ------------------------------------------------------------------------------------------------


def resumed(values: Mapping[str, tuple[float | None, int]], **more: Mapping[str, float]) -> Site:
    core = SlotSampler(P, lambda key: key not in {"dropped", "box/time"}, most_missing=20)
    core.resume(Sample(T0, P, "e", 10, dict(values), marks=dict(more.get("marks", {}))))
    return Site(core)


def test_it_goes_on_from_the_last_sample_and_the_changes_since() -> None:
    site = resumed({A: (1.0, LIVE), B: (None, STALE), "c": (None, REBUILT), "dropped": (1.0, LIVE)})
    changes: list[Changes] = [
        {A: reading(2, 1_500), B: reading(9, -5)},
        {A: reading(3, 2_500), "box/time": reading(1, 2_600)},
        {B: reading(9, -5, stale=True)},
    ]
    for change in changes:
        site.core.rebuild(Delta("e", site.seq, site.seq + 1, change), at(3_950))
        site.seq += 1
    site.sure(3_960)
    site.core.take(loaded(13, {A: reading(3, 2_500), B: reading(9, -5, stale=True)}), at(3_970))
    found = site.samples(5_250)
    assert [(one.slot - T0, one.values) for one in found] == [
        (1000, {A: (2.0, REBUILT), B: (9.0, REBUILT), "c": (None, REBUILT)}),
        (2000, {A: (3.0, REBUILT), B: (None, STALE)}),
        (3000, {A: (3.0, REBUILT), B: (None, STALE)}),
        (4000, {A: (3.0, LIVE), B: (None, STALE)}),
    ]


def test_the_first_that_it_did_not_see_the_end_of_is_not_live() -> None:
    site = resumed({A: (1.0, LIVE)})
    site.sure(2_100)
    site.core.take(loaded(10, {A: reading(1)}), at(2_100))
    assert site.one(2_250).values == {A: (1.0, REBUILT)}
    assert site.one(3_250).values == {A: (1.0, LIVE)}


def test_where_the_changes_do_not_reach_back_it_is_dark() -> None:
    site = resumed({A: (1.0, LIVE)})
    site.core.rebuild(Delta("e", 10, 11, {A: reading(2, 1_900), "box/time": reading(1, 2_000)}), at(4_100))
    site.core.lose()
    site.core.take(loaded(77, {A: reading(3)}, epoch="f"), at(4_100))
    site.epoch, site.seq = "f", 77
    assert [one.values[A] for one in site.samples(5_200)] == [
        (2.0, REBUILT),
        (None, STALE),
        (None, STALE),
        (3.0, LIVE),
    ]


def test_another_period_begins_behind_the_last_sample() -> None:
    core = SlotSampler(700, lambda _: True)
    core.resume(Sample(T0, P, "e", 10, {}))
    assert core.due_ms is not None
    slot = core.due_ms - 700 - OFFSET_MS
    assert slot % 700 == 0
    assert T0 + P <= slot < T0 + P + 700


def test_others_may_be_ahead() -> None:
    site = Site(a=reading(1))
    site.core.passed(T0 - P)
    assert site.core.due_ms == T0 + P + OFFSET_MS
    site.core.passed(T0 + 2 * P)
    site.tell(3_100, a=reading(2, 2_900))
    assert [one.slot for one in site.samples(4_200)] == [T0 + 3 * P]


# --- counters and numbers -------------------------------------------------------------------------------------------


def test_a_counter_that_falls_is_marked_also_behind_a_fault_and_a_restart() -> None:
    site = Site()
    site.core.take(loaded(10, {METER: reading(500)}), at(0))
    assert site.one(1_200).values == {METER: (500.0, LIVE)}
    site.tell_all(1_300, {METER: reading(500, stale=True)})
    last = site.one(2_200)
    assert (last.values, last.marks) == ({METER: (None, STALE)}, {METER: 500.0})
    site.tell_all(2_300, {METER: reading(3, 2_300)})
    assert site.one(3_200).values == {METER: (3.0, JUMPED)}
    again = SlotSampler(P, lambda _: True)
    again.resume(last)
    again.rebuild(Delta("e", 11, 12, {METER: reading(3, 2_300)}), at(3_100))
    again.rebuild(Delta("e", 12, 13, {METER: reading(4, 3_050)}), at(3_100))
    [sample] = again.samples(at(3_250), 9)
    assert sample.values == {METER: (3.0, JUMPED)}


@pytest.mark.parametrize(
    ("value", "shown"), [(True, None), ("12", None), ([1.0], None), (3, 3.0), (float("inf"), None), (None, None)]
)
def test_only_numbers_are_recorded(value: object, shown: float | None) -> None:
    site = Site(a=Reading(value))  # type: ignore[arg-type]
    assert site.one(1_200).values == {A: (shown, LIVE)}


# --- clocks ---------------------------------------------------------------------------------------------------------


def test_a_clock_set_forward_leaves_the_dark_where_no_time_was() -> None:
    site = Site(a=reading(1))
    site.sure(1_050)
    found = site.samples(6_200, jumped=3_000)  # 1,050 -> 4,050: then 2,150 ms as on any day
    assert [one.values[A] for one in found] == [(1.0, REBUILT)] + [(None, STALE)] * 3 + [(1.0, REBUILT), (1.0, LIVE)]


def test_after_a_jump_of_years_only_so_many_are_made_up_for() -> None:
    """Red: without the bound."""
    site, years = Site(a=reading(1)), 100 * 365 * 86_400_000
    found = site.samples(years, jumped=years - 2_000)
    assert len(found) == 20
    assert found[0].skipped == years // P - 1 - 20
    assert [one.skipped for one in found[1:]] == [0] * 19
    assert found[-1].values == {A: (1.0, LIVE)}
    assert {one.values[A] for one in found[:-3]} == {(None, STALE)}


def test_a_clock_set_back_is_waited_for() -> None:
    site = Site(a=reading(1))
    assert [one.slot for one in site.samples(5_200)] == [T0 + n * P for n in range(5)]
    site.tell_all(-99_000, {A: reading(2, -99_000)}, jumped=-104_200)
    assert site.samples(-98_000, jumped=-104_200) == []
    for ms in range(-97_000, 5_000, 10_000):
        site.tell_all(ms, {A: reading(ms, ms)}, jumped=-104_200)
    assert not site.core._later, "nothing is kept meanwhile"
    [sample] = site.samples(6_200, jumped=-104_200)
    assert (sample.slot, sample.values) == (T0 + 5 * P, {A: (3_000.0, LIVE)})


def test_a_jump_while_the_place_is_lost_brings_no_light() -> None:
    site = Site(a=reading(1))
    site.core.take(Absent(), at(100))
    site.core.take(Absent(), at(5_000, jumped=4_000))
    site.core.take(loaded(5, {A: reading(2)}, epoch="f"), at(6_100, jumped=4_000))
    site.epoch, site.seq = "f", 5
    assert [one.values[A] for one in site.samples(7_200, jumped=4_000)] == [(None, STALE)] * 6 + [(2.0, LIVE)]
