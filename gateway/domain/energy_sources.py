"""Where the energy that is used comes from: from the grid, the sun or the battery. An estimate, and nothing more.

Rules:

* At each moment everything that is used at the site gets the same mix: what is imported, what the sun brings beyond
  what goes into the battery or out into the grid, and what the battery gives.
* A site without PV or battery has none: 0 W. While one of the powers is unknown (None) so is the mix.
* What a meter counted between two readings gets the mixes of that time, each by the power that flowed under it. What
  flowed under an unknown mix has no source.
"""

from decimal import Decimal

import msgspec

from gateway.domain.charge_sessions import EnergyBySource

NOTICEABLE_WH = 0.05
"""Less than that between the parts and the whole is rounding."""
CENTS = Decimal("0.01")


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1 that add up to 1."""

    grid: float = 0.0
    pv: float = 0.0
    battery: float = 0.0


def mix_of(grid_w: float | None, pv_w: float | None, battery_w: float | None) -> Mix | None:
    """The mix under these powers (+ import, + production, + charging); None when nobody knows."""
    if grid_w is None or pv_w is None or battery_w is None:
        return None
    from_grid_w = max(grid_w, 0.0)
    from_battery_w = max(-battery_w, 0.0)
    from_pv_w = max(pv_w - max(-grid_w, 0.0) - max(battery_w, 0.0), 0.0)
    total_w = from_grid_w + from_battery_w + from_pv_w
    if total_w <= 0:
        return None
    return Mix(grid=from_grid_w / total_w, pv=from_pv_w / total_w, battery=from_battery_w / total_w)


class SourceCount(msgspec.Struct, kw_only=True):
    """Adds up one charge session's energy by source.

    ``waiting``: the power that flowed since the last count under each source and, last, under an unknown mix, Ws.
    """

    grid_wh: float = 0.0
    pv_wh: float = 0.0
    battery_wh: float = 0.0
    waiting: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def pass_time(self, seconds: float, power_w: float, mix: Mix | None) -> None:
        """Power flowed under a mix."""
        flowed = max(power_w, 0.0) * seconds
        if flowed:
            grid, pv, battery, unknown = self.waiting
            if mix is None:
                self.waiting = (grid, pv, battery, unknown + flowed)
            else:
                self.waiting = (
                    grid + mix.grid * flowed,
                    pv + mix.pv * flowed,
                    battery + mix.battery * flowed,
                    unknown,
                )

    def count(self, energy_wh: float, mix: Mix | None) -> None:
        """The meter counted so much since the last time; ``mix`` is the present one, for what flowed unnoticed."""
        grid, pv, battery, unknown = self.waiting
        total = grid + pv + battery + unknown
        if total <= 0:
            if mix is None:
                return
            grid, pv, battery, total = mix.grid, mix.pv, mix.battery, 1.0
        self.grid_wh += energy_wh * grid / total
        self.pv_wh += energy_wh * pv / total
        self.battery_wh += energy_wh * battery / total
        self.waiting = (0.0, 0.0, 0.0, 0.0)

    def of(self, energy_wh: Decimal | None) -> EnergyBySource | None:
        """The sources of the whole energy; they add up to it if all of it has one. None when none of it has."""
        counted = self.grid_wh + self.pv_wh + self.battery_wh
        if energy_wh is None or counted < NOTICEABLE_WH:
            return None
        pv, battery = (Decimal(repr(part)).quantize(CENTS) for part in (self.pv_wh, self.battery_wh))
        whole = abs(counted - float(energy_wh)) < NOTICEABLE_WH
        grid = energy_wh - pv - battery if whole else Decimal(repr(self.grid_wh)).quantize(CENTS)
        return EnergyBySource(grid_wh=max(grid, Decimal(0)), pv_wh=pv, battery_wh=battery)
