"""What the meters counted since local midnight, and the inverters since the month and the year began.

Rules:

* A day, a month and a year begin by the wall clock of the place, whatever the length of a day then is. A clock that
  is set back into the day before begins that day anew.
* A meter that falls (swapped, set back) counts nothing for that loop and goes on from where it is, so no total ever
  falls below zero; one that jumps up is believed, as the real box does.
"""

from datetime import date

from gateway.simulator.plant.local_time import LocalTime
from gateway.simulator.state import BoxState, Totals
from gateway.simulator.words import Readings

HOUR_S = 3_600.0
DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()


class Counting:
    """Moves ``state.today`` and its neighbours on."""

    def __init__(self, local_time: LocalTime, time_s: float) -> None:
        self._local_time = local_time
        self._day = local_time.day(time_s)

    def begin_day(self, state: BoxState, time_s: float) -> None:
        """See whether midnight has passed."""
        day = self._local_time.day(time_s)
        if day == self._day:
            return
        before, now = (date.fromordinal(DAYS_BEFORE_1970 + number) for number in (self._day, day))
        self._day = day
        yesterday, same_year = state.today, before.year == now.year
        same_month = same_year and before.month == now.month
        state.today = Totals(
            produced_wh=dict.fromkeys(yesterday.produced_wh, 0.0),
            produced_month_wh=yesterday.produced_month_wh if same_month else 0.0,
            produced_year_wh=yesterday.produced_year_wh if same_year else 0.0,
        )
        for chargepoint in state.chargepoints.values():
            chargepoint.imported_today_wh = 0.0

    def add(self, state: BoxState, before: Readings, now: Readings, elapsed_s: float) -> None:
        """What lies between two loops."""
        today = state.today
        today.grid_imported_wh += max(0.0, now.grid.imported_wh - before.grid.imported_wh)
        today.grid_exported_wh += max(0.0, now.grid.exported_wh - before.grid.exported_wh)
        for id_, inverter in now.inverters.items():
            produced_wh = max(0.0, inverter.produced_wh - before.inverters[id_].produced_wh)
            today.produced_wh[id_] = today.produced_wh.get(id_, 0.0) + produced_wh
            today.produced_month_wh += produced_wh
            today.produced_year_wh += produced_wh
        for id_, battery in now.batteries.items():
            today.charged_wh += max(0.0, battery.charged_wh - before.batteries[id_].charged_wh)
            today.discharged_wh += max(0.0, battery.discharged_wh - before.batteries[id_].discharged_wh)
        for id_, reading in now.chargepoints.items():
            imported_wh = max(0.0, reading.imported_wh - before.chargepoints[id_].imported_wh)
            state.chargepoints[id_].imported_today_wh += imported_wh
        house_wh = max(0.0, now.house_w) * elapsed_s / HOUR_S
        today.house_wh += house_wh
        state.house_total_wh += house_wh
