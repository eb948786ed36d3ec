"""What energy costs, by where it comes from."""

from bisect import bisect_right

from gateway.simulator.plant.local_time import DAY_S, LocalTime
from gateway.simulator.words import Installation


class Prices:
    """EUR/Wh. The sun costs what feeding in would have earned; the battery, what lies between that and the grid."""

    def __init__(self, installation: Installation, local_time: LocalTime) -> None:
        self._local_time = local_time
        self._starts = [start_s for start_s, _ in installation.tariff]
        self._tariff = [price for _, price in installation.tariff]
        self._fixed = installation.price_eur_per_wh
        self.sun = installation.feed_in_eur_per_wh
        self.battery = (installation.price_eur_per_wh + installation.feed_in_eur_per_wh) / 2

    def grid(self, time_s: float) -> float:
        """Before the first slot of the day the last one of the day before goes on."""
        if not self._tariff:
            return self._fixed
        return self._tariff[bisect_right(self._starts, self._local_time.seconds(time_s) % DAY_S) - 1]
