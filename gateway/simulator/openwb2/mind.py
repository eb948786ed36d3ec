"""What only 2.x knows: settings, templates, which of them is in force where.

Rules:

* A vehicle has a charge template. When a vehicle comes to a charge point, its template is loaded there: it is then
  *in force*, and a copy. Before 2.1.8 there is no copy: the vehicle's template itself is in force.
* Writing the template at a charge point changes the vehicle's template with the same id too, and with it all charge
  points that use it; with ``temporary_charge_templates_active`` only the copy, until the car is unplugged.
* A template that the control could not read changes no wish.
"""

import copy
from typing import Any, Final

from gateway.simulator.box import Box
from gateway.simulator.openwb2.controlled import Point
from gateway.simulator.openwb2.measured import readings_of
from gateway.simulator.openwb2.settings import chargepoint_config, ev_template, settings_of, soc_module_config
from gateway.simulator.openwb2.speech import Speech
from gateway.simulator.openwb2.templates import (
    Json,
    standard,
    standard_before_2_1_8,
    wish_of,
    with_wish,
)
from gateway.simulator.openwb2.versions import Version
from gateway.simulator.state import BoxState
from gateway.simulator.words import Readings, VehicleSetup, Wish

TEMPLATES: Final = "vehicle/template/charge_template"
EV_TEMPLATES: Final = "vehicle/template/ev_template"
TEMPORARY: Final = "general/temporary_charge_templates_active"
PLANS: Final = ("chargemode/scheduled_charging/plans", "time_charging/plans")


class Mind:
    """``kept``: settings by topic, as JSON values. ``in_force``: templates by charge point.

    ``switched``: which vehicle comes to which charge point in the next loop.
    ``asked_soc_s``: when a SoC module had last been asked, as published.
    """

    def __init__(self, box: Box, version: Version) -> None:
        self.box = box
        self.version = version
        self.speech = Speech()
        self.kept: dict[str, Any] = settings_of(box.state.installation, version) | _settings_of(box.state)
        self.in_force: dict[int, Any] = {}
        self.switched: dict[int, int] = {}
        self.configs: dict[int, Json] = {}
        self.asked_soc_s: dict[int, float | None] = {}
        self._profiles()
        for chargepoint_id, chargepoint in box.state.chargepoints.items():
            key = {version.config_vehicle_key: chargepoint.vehicle_id}
            self.configs[chargepoint_id] = key | chargepoint_config(chargepoint.setup)
            self.load(chargepoint_id, chargepoint.vehicle_id, ask=False)

    @property
    def state(self) -> BoxState:
        return self.box.state

    def _profiles(self) -> None:
        """Profile 0 is the default's; who has a charge point or a SoC module of its own has profiles of its own."""
        points = self.state.chargepoints.values()
        wishes = {point.setup.vehicle_id: point.wish for point in reversed(list(points))}
        usual = next((point.wish for point in points), Wish())
        number = 0
        for vehicle in self.state.installation.vehicles:
            own = vehicle.id != 0 and (vehicle.id in wishes or vehicle.soc_module is not None)
            used = 0
            if own:
                number += 1
                used = number
                self._profile(used, vehicle.name, vehicle, wishes.get(vehicle.id, usual))
            elif vehicle.id == 0:
                self._profile(0, "Standard", vehicle, wishes.get(0, usual))
            self.kept[f"vehicle/{vehicle.id}/charge_template"] = used
            self.kept[f"vehicle/{vehicle.id}/ev_template"] = used

    def _profile(self, number: int, name: str, vehicle: VehicleSetup, wish: Wish) -> None:
        charge, ev = f"{name}-Lade-Profil", f"{name}-Fahrzeug-Profil"
        self.kept[f"{EV_TEMPLATES}/{number}"] = ev_template(number, ev, vehicle)
        whole = self.version.whole_templates
        template = with_wish(standard(number, charge) if whole else standard_before_2_1_8(charge), wish)
        self.keep_template(number, template)

    def keep_template(self, number: int, template: Any) -> None:
        """Before 2.1.8 the plans of a template have topics of their own."""
        topic = f"{TEMPLATES}/{number}"
        if not self.version.whole_templates and isinstance(template, dict):
            template = copy.deepcopy(template)
            for part in PLANS:
                plans = _take_plans(template, part)
                self.kept |= {f"{topic}/{part}/{plan_id}": plan for plan_id, plan in plans.items()}
        self.kept[topic] = template

    def template(self, number: Any) -> Any:
        """A vehicles' template with its plans; None if there is none with this number."""
        topic = f"{TEMPLATES}/{number}"
        template = self.kept.get(topic)
        if self.version.whole_templates or not isinstance(template, dict):
            return template
        whole = copy.deepcopy(template)
        for part in PLANS:
            prefix = f"{topic}/{part}/"
            found = {key.removeprefix(prefix): plan for key, plan in self.kept.items() if key.startswith(prefix)}
            if found:
                _take_plans(whole, part, found)
        return whole

    def template_number(self, chargepoint_id: int) -> Any:
        """Of the template in force."""
        if self.version.whole_templates:
            template = self.in_force[chargepoint_id]
            return template.get("id", 0) if isinstance(template, dict) else 0
        return self.kept.get(f"vehicle/{self.state.chargepoints[chargepoint_id].vehicle_id}/charge_template", 0)

    @property
    def temporary(self) -> bool:
        return self.kept.get(TEMPORARY, False) in (True, 1)

    def load(self, chargepoint_id: int, vehicle_id: int, *, ask: bool = True) -> None:
        """The vehicle's template comes into force at the charge point."""
        template = self.template(self.kept.get(f"vehicle/{vehicle_id}/charge_template", 0))
        self.put_in_force(chargepoint_id, template, ask=ask)

    def put_in_force(self, chargepoint_id: int, template: Any, *, ask: bool = True) -> None:
        """What the control could not read leaves the old wish."""
        self.in_force[chargepoint_id] = template
        wish = wish_of(template)
        if ask and wish is not None:
            self.box.ask(chargepoint_id, wish)

    def users(self, number: Any) -> list[int]:
        """The charge points where the template with this number is in force."""
        return [cp for cp in self.state.chargepoints if self.template_number(cp) == number]

    def connected_to(self, vehicle_id: int) -> int | None:
        """The charge point at which the vehicle is assigned and a car plugged in."""
        for key, chargepoint in self.state.chargepoints.items():
            if chargepoint.vehicle_id == vehicle_id and readings_of(self.state).chargepoints[key].plugged:
                return key
        return None

    def points(self, readings: Readings) -> list[Point]:
        """All charge points with what is known of them."""
        return [self._point(key, readings) for key in self.state.chargepoints]

    def _point(self, key: int, readings: Readings) -> Point:
        box = self.state.chargepoints[key]
        ev = self.kept.get(f"vehicle/{box.vehicle_id}/ev_template", 0)
        profile = self.kept.get(f"{EV_TEMPLATES}/{ev}")
        if not isinstance(profile, dict) or not {"min_current", "average_consump"} <= profile.keys():
            profile = ev_template(0, "", VehicleSetup(id=0, name=""))  # a written one may lack what we read
        return Point(
            box=box,
            reading=readings.chargepoints[key],
            voltages_v=readings.voltages_v,
            vehicle=self.state.vehicles.get(box.vehicle_id),
            template=self.in_force[key],
            template_id=self.template_number(key),
            ev_template=profile,
            ev_template_id=ev,
            config=self.configs[key],
            version=self.version,
        )


def _settings_of(state: BoxState) -> dict[str, Any]:
    """What the box holds itself, so that another voice of the same box goes on from it."""
    kept: dict[str, Any] = {
        "general/control_interval": state.control_interval_s,
        "general/chargemode_config/pv_charging/bat_mode": state.bat_mode,
        "optional/rfid/active": state.id_tags_active,
    }
    for key, vehicle in state.vehicles.items():
        kept[f"vehicle/{key}/name"] = vehicle.name
        kept[f"vehicle/{key}/tag_id"] = list(vehicle.id_tags)
        kept[f"vehicle/{key}/soc_module/config"] = soc_module_config(vehicle.soc_module)
    return kept


def _take_plans(template: Json, part: str, put: Json | None = None) -> Json:
    """The plans at ``part`` of a template, which are replaced by ``put``."""
    *path, leaf = part.split("/")
    place: Any = template
    for member in path:
        place = place.get(member)
        if not isinstance(place, dict):
            return {}
    plans = place.get(leaf)
    place[leaf] = put or {}
    return plans if isinstance(plans, dict) else {}
