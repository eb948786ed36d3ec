"""What a charge point's meter counted since a plug, whatever happens to the meter.

Rules:

* Energy is the difference of two readings, as exact decimals, for as long as the meter only counts.
* A meter *jumps* when it goes back by more than the noise of its readings, or up by more than can have flowed. Then
  what it had counted stays, and it goes on from the new reading.
* A reading that a moment later goes on where the one before had stood was nonsense (a box that starts says 0): then
  it counts as if it had not been. The jump stays noted.
* The meter at the start may become known later, and lower than first thought, by the energy since the plug.
"""

from decimal import Decimal

import msgspec

from gateway.domain.charge_sessions import NOTHING, exact

NOISE_WH = Decimal(10)
SLACK_WH = 1000.0
HIGHEST_POWER_W = 50_000.0
HOUR_S = 3_600.0


class MeterCount(msgspec.Struct, kw_only=True):
    """``start_wh`` and ``end_wh``: the first and the last reading; None while no reading came.

    ``counted_wh``: before the last jump. ``from_wh``: since when it counts. ``left_wh``: where the meter stood before
    a jump that may turn out to be nonsense.
    """

    start_wh: Decimal | None = None
    end_wh: Decimal | None = None
    counted_wh: Decimal = NOTHING
    from_wh: Decimal = NOTHING
    left_wh: Decimal | None = None
    left_counted_wh: Decimal = NOTHING
    left_from_wh: Decimal = NOTHING
    jumped: bool = False

    @property
    def energy_wh(self) -> Decimal | None:
        return None if self.end_wh is None else self.counted_wh + self.end_wh - self.from_wh

    def read(self, published_wh: float, seconds: float, peak_w: float) -> Decimal:
        """Take a reading, ``seconds`` after the last one; answers what it adds to the energy."""
        reading = exact(published_wh)
        before = self.energy_wh
        if before is None or self.end_wh is None:
            self.start_wh = self.end_wh = self.from_wh = reading
            return NOTHING
        most_wh = SLACK_WH + max(HIGHEST_POWER_W, 2 * peak_w) * max(seconds, 0.0) / HOUR_S
        left_wh, self.left_wh = self.left_wh, None
        if left_wh is not None and _follows(left_wh, reading, most_wh):
            self.counted_wh, self.from_wh = self.left_counted_wh, self.left_from_wh
        elif not _follows(self.end_wh, reading, most_wh):
            self.left_wh, self.left_counted_wh, self.left_from_wh = self.end_wh, self.counted_wh, self.from_wh
            self.counted_wh, self.from_wh = before, reading
            self.jumped = True
        self.end_wh = reading
        return self.counted_wh + reading - self.from_wh - before

    def began_at(self, start_wh: Decimal) -> Decimal:
        """It stood lower at the plug than thought; answers what that adds to the energy.

        Nothing when it jumped: then the readings before and after have nothing to do with each other.
        """
        if self.start_wh is None or self.jumped or not NOTHING <= start_wh < self.start_wh:
            return NOTHING
        more = self.start_wh - start_wh
        self.start_wh = self.from_wh = start_wh
        return more


def _follows(before_wh: Decimal, reading_wh: Decimal, most_wh: float) -> bool:
    return -NOISE_WH <= reading_wh - before_wh <= most_wh
