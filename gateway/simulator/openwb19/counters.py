"""What a 1.9 counts at a charge point with its own script (``ladelog.sh``), apart from the meter.

Rules:

* A plug-in begins with the first loop in which a vehicle is plugged in, and has ended after the sixth without one.
* A charge begins above 100 W, and has ended after the sixth loop below; what was charged stands until the next one.
* The script runs after the loop has been published: what it counted shows one loop later.
* All of it is in memory: a start of the box begins anew, with the plug-in too.
"""

from decimal import Decimal
from typing import Final

import msgspec

from gateway.simulator.openwb19.texts import calculated, duration, with_zero

CHARGING_ABOVE_W: Final = 100
_LOOPS_UNTIL_OVER: Final = 6
_MINUTES_PER_HOUR = 60
_W_PER_KW = 1000


class Counters(msgspec.Struct, kw_only=True):
    """Everything as it is published; ``charge_start_kwh`` is None between two charges."""

    tracked: bool = False
    plug_start_kwh: str = "0"
    since_plugged_kwh: str = "0"
    charged_kwh: str = "0"
    charged_km: str = "0"
    remaining: str = "0"
    charge_start_kwh: str | None = None
    _loops_unplugged: int = 0
    _loops_idle: int = 0

    def count(self, *, plugged: bool, power_w: float, meter_kwh: str, limit_kwh: str, kwh_per_100km: str) -> None:
        """One loop. ``limit_kwh`` is the energy that is set as limit, whether or not it is in use."""
        self._count_plug_in(plugged, meter_kwh)
        if round(power_w) > CHARGING_ABOVE_W:
            self._count_charge(Decimal(round(power_w)), meter_kwh, limit_kwh, kwh_per_100km)
            return
        self._loops_idle += 1
        if self._loops_idle >= _LOOPS_UNTIL_OVER and self.charge_start_kwh is not None:
            self.charge_start_kwh = None
            self.remaining = "--"

    def reset_charged(self) -> None:
        self.charged_kwh = self.charged_km = "0"

    def _count_plug_in(self, plugged: bool, meter_kwh: str) -> None:
        if not plugged:
            self._loops_unplugged += 1
            if self._loops_unplugged >= _LOOPS_UNTIL_OVER:
                self.tracked = False
            return
        self._loops_unplugged = 0
        if not self.tracked:
            self.tracked = True
            self.plug_start_kwh = meter_kwh
        self.since_plugged_kwh = _difference(meter_kwh, self.plug_start_kwh)

    def _count_charge(self, power_w: Decimal, meter_kwh: str, limit_kwh: str, kwh_per_100km: str) -> None:
        self._loops_idle = 0
        if self.charge_start_kwh is None:
            self.charge_start_kwh = meter_kwh
            return
        self.charged_kwh = _difference(meter_kwh, self.charge_start_kwh)
        charged = Decimal(self.charged_kwh)
        self.charged_km = str(int(charged * 100 / Decimal(kwh_per_100km)))
        minutes = (Decimal(limit_kwh) - charged) * _W_PER_KW * _MINUTES_PER_HOUR / power_w
        self.remaining = duration(int(minutes))


def _difference(later_kwh: str, earlier_kwh: str) -> str:
    return with_zero(calculated(Decimal(later_kwh) - Decimal(earlier_kwh)))
