"""What the writes to a 1.9 do to its settings and to the simulated box, and what is answered at once.

Rules:

* One mode for the whole box: after every write all charge points are asked for what the settings now say.
* An answer at once is no publication of the loop: the next loop says the same again, since it compares with what it
  said itself.
* A state of charge written by hand is known where it is kept by hand; a module that asks the vehicle says the next
  one that it hears.
* A tag that somebody writes is taken with the next loop, like one that was held to the box: for the charge point
  whose vehicle knows it, else for one with a vehicle that has not told who it is, else for the first.
"""

from collections.abc import Sequence

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.openwb19.charge_log import LogSetup, month_csv, month_parts
from gateway.simulator.openwb19.settings import LIMIT_ENERGY, LIMIT_SOC, MOST_WITH_SOC, Settings, wish_of
from gateway.simulator.openwb19.state_texts import Place
from gateway.simulator.openwb19.texts import flag
from gateway.simulator.state import Vehicle
from gateway.simulator.words import Scan

_LAST_MONTH = 205012
_REQUEST = "set/graph/RequestMonthLadelog"
_UNTIL_TAKEN_BACK_S = 3.0


class Said(msgspec.Struct, frozen=True):
    """``topic`` without the prefix; ``wait_s`` before it, besides the usual pause."""

    topic: str
    text: str
    wait_s: float = 0.0


class Asked(msgspec.Struct, frozen=True):
    """A write within its bounds: topic and text as they came, the number of the charge point or 0."""

    topic: str
    text: str
    number: int
    time_s: float


class Desk:
    """Every method takes a write, does it, and gives what is answered at once."""

    def __init__(self, box: Box, settings: Settings, places: Sequence[Place]) -> None:
        self._box = box
        self._settings = settings
        self._places = places
        self.held: tuple[Scan, ...] = ()
        self.ask()

    def ask(self) -> None:
        """Ask all charge points for what the settings say, where that is something else than before."""
        tariff = bool(self._box.state.installation.tariff)
        for place in self._places:
            chargepoint = place.chargepoint
            if chargepoint is not None:
                wish = wish_of(self._settings, place.number, chargepoint.setup, tariff=tariff)
                if wish != chargepoint.wish:
                    self._box.ask(chargepoint.setup.id, wish)

    def nothing(self, _: Asked) -> list[Said]:
        return []

    def echo(self, asked: Asked) -> list[Said]:
        """What an input tells of its fault."""
        return [Said(asked.topic.removeprefix("set/").replace("houseBattery", "housebattery"), asked.text)]

    def mode(self, asked: Asked) -> list[Said]:
        self._settings.mode = int(asked.text)
        self.ask()
        return [Said("global/ChargeMode", asked.text)]

    def enable(self, asked: Asked) -> list[Said]:
        chargepoint = self._places[asked.number - 1].chargepoint
        if chargepoint is not None:
            self._box.lock(chargepoint.setup.id, int(asked.text) == 0)
        return [Said(f"lp/{asked.number}/ChargePointEnabled", asked.text)]

    def setting(self, asked: Asked) -> list[Said]:
        topic = asked.topic.replace("config/set/", "config/get/")
        if asked.number:
            topic = f"config/get/sofort/lp/{asked.number}/{asked.topic.rpartition('/')[2]}"
        self._settings.texts[topic] = asked.text
        self.ask()
        return [Said(topic, asked.text)]

    def priority(self, asked: Asked) -> list[Said]:
        self._box.set_bat_mode("ev_mode" if int(asked.text) else "bat_mode")
        return self.setting(asked)

    def limitation(self, asked: Asked) -> list[Said]:
        kind = int(asked.text)
        said = [Said(f"lp/{asked.number}/boolDirectModeChargekWh", flag(kind == LIMIT_ENERGY))]
        if asked.number <= MOST_WITH_SOC:
            said.append(Said(f"lp/{asked.number}/boolDirectChargeModeSoc", flag(kind == LIMIT_SOC)))
        self._settings.texts.update({one.topic: one.text for one in said})
        return said + self.setting(asked)

    def reset_charged(self, asked: Asked) -> list[Said]:
        self._places[asked.number - 1].counters.reset_charged()
        return []

    def max_price(self, asked: Asked) -> list[Said]:
        """The loop says it."""
        self._settings.texts["global/awattar/MaxPriceForCharging"] = asked.text
        self.ask()
        return []

    def manual_soc(self, asked: Asked) -> list[Said]:
        soc = str(int(asked.text))
        self._places[asked.number - 1].soc_percent = soc
        vehicle = self._vehicle_at(asked.number)
        if vehicle is not None and vehicle.soc_module == "manual":
            self._box.know_soc(vehicle.setup.id, float(soc), asked.time_s)
        return [Said(f"lp/{asked.number}/{topic}", soc) for topic in ("manualSoc", "%Soc")]

    def fed_soc(self, asked: Asked) -> list[Said]:
        """For a vehicle whose state of charge comes over MQTT; the loop says it."""
        vehicle = self._vehicle_at(asked.number)
        if vehicle is not None and vehicle.soc_module == "mqtt":
            self._box.know_soc(vehicle.setup.id, round(float(asked.text)), asked.time_s)
            self._box.ask_for_soc(vehicle.setup.id)
        return []

    def _vehicle_at(self, number: int) -> Vehicle | None:
        chargepoint = self._places[number - 1].chargepoint
        return self._box.state.vehicles.get(chargepoint.setup.vehicle_id) if chargepoint else None

    def hold_tag(self, asked: Asked) -> list[Said]:
        there = [place.chargepoint for place in self._places if place.chargepoint is not None]
        known = [one for one in there if asked.text in self._tags_of(one.setup.vehicle_id)]
        waiting = [one for one in there if self._plugged(one.setup.id) and one.id_tag is None]
        for chargepoint in (known or waiting or there)[:1]:
            self.held = (Scan(chargepoint.setup.id, asked.text),)
            self._box.scan(chargepoint.setup.id, asked.text)
        return []

    def _tags_of(self, vehicle_id: int) -> tuple[str, ...]:
        vehicle = self._box.state.vehicles.get(vehicle_id)
        return vehicle.id_tags if vehicle else ()

    def _plugged(self, chargepoint_id: int) -> bool:
        readings = self._box.state.readings
        return readings is not None and readings.chargepoints[chargepoint_id].plugged

    def month(self, asked: Asked) -> list[Said]:
        """The charge log of a month in twelve messages; then the box takes the request back, and its answer too."""
        month = int(asked.text)
        if not 1 <= month <= _LAST_MONTH:
            return _month_said(["empty"] * 12)
        entries = self._box.entries(*divmod(month, 100))
        parts = month_parts(month_csv(entries, self._log_setup()))
        return [*_month_said(parts), Said(_REQUEST, "0", wait_s=_UNTIL_TAKEN_BACK_S)]

    def _log_setup(self) -> LogSetup:
        there = [(place, place.chargepoint.setup.id) for place in self._places if place.chargepoint is not None]
        return LogSetup(
            numbers={chargepoint_id: place.number for place, chargepoint_id in there},
            kwh_per_100km={chargepoint_id: place.kwh_per_100km for place, chargepoint_id in there},
            timezone=self._box.state.installation.timezone,
            price_eur_per_kwh=self._settings.texts["system/priceForKWh"],
        )


def _month_said(parts: list[str]) -> list[Said]:
    return [Said(f"system/MonthLadelogData{number}", part) for number, part in enumerate(parts, 1)]
