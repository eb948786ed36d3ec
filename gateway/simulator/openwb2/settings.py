"""The retained topics that only a person changes: what is set up, and how.

Tables of topic (without the prefix) and value. What a table says is where the box begins; what is written to a topic
is kept instead. ``{}`` in a topic is an id.
"""

from typing import Any, Final

from gateway.simulator.openwb2.configurable import (
    CARDS,
    CONFIGURABLE,
    FIXED_HOURS,
    KOALA,
    ONLY_SINCE_2_1_8,
    SOC_DEFAULTS,
)
from gateway.simulator.openwb2.versions import Version
from gateway.simulator.words import ChargePointSetup, Installation, VehicleSetup

Settings = dict[str, Any]
DEVICE_ID: Final = 0
_NONE: Final[dict[str, Any]] = {"type": None, "configuration": {}}
_NOBODY: Final = {"manufacturer": None, "model": None}
_COLORS: Final = {"counter": "#dc3545", "inverter": "#28a745", "bat": "#ffc107", "cp": "#007bff", "ev": "#17a2b8"}
_ACCESS: Final = [
    "ActiveBatControlConfiguration",
    "ChargeLog",
    "ChargePointInstallation",
    "Chart",
    "CloudConfiguration",
    "DataManagement",
    "DebugConfiguration",
    "DisplayConfiguration",
    "GeneralChargeConfiguration",
    "GeneralConfiguration",
    "HardwareInstallation",
    "IdentificationConfiguration",
    "InstallAssistant",
    "IoConfiguration",
    "LegacySmartHomeConfiguration",
    "LegalSettings",
    "LoadManagementConfiguration",
    "MqttBridgeConfiguration",
    "SecurityConfiguration",
    "Settings",
    "Status",
    "Support",
    "SurplusChargeConfiguration",
    "SystemConfiguration",
    "TenantEnergyConfiguration",
    "VehicleConfiguration",
]
_LOG_COLUMNS: Final = {
    **dict.fromkeys(("time_begin", "time_end", "time_time_charged", "data_costs", "data_power_source"), True),
    **dict.fromkeys(("vehicle_name", "vehicle_chargemode", "vehicle_prio", "vehicle_rfid"), True),
    **dict.fromkeys(("vehicle_odometer", "vehicle_soc_at_start", "vehicle_soc_at_end"), False),
    "chargepoint_name": True,
    "chargepoint_serial_number": False,
    "data_exported_since_mode_switch": False,
    "data_imported_since_mode_switch": True,
    **dict.fromkeys(
        (f"chargepoint_{way}_at_{end}" for way in ("exported", "imported") for end in ("start", "end")), False
    ),
}

BATTERY: Final[Settings] = {
    "bat/config/bat_control_activated": False,
    "bat/config/bat_control_max_soc": 90,
    "bat/config/bat_control_min_soc": 5,
    "bat/config/charge_limit": 0.3,
    "bat/config/manual_mode": "manual_disable",
    "bat/config/power_limit_condition": "vehicle_charging",
    "bat/config/power_limit_mode": "mode_no_discharge",
    "bat/config/price_charge_activated": False,
    "bat/config/price_limit": 0.3,
    "bat/config/price_limit_activated": False,
}
PV_CHARGING: Final[Settings] = {
    f"general/chargemode_config/pv_charging/{leaf}": value
    for leaf, value in {
        "bat_mode": "ev_mode",
        "bat_power_discharge": 1000,
        "bat_power_discharge_active": True,
        "bat_power_reserve": 200,
        "bat_power_reserve_active": True,
        "control_range": [0, 230],
        "feed_in_yield": 0,
        "max_bat_soc": 70,
        "min_bat_soc": 50,
        "phase_switch_delay": 7,
        "retry_failed_phase_switches": False,
        "switch_off_delay": 60,
        "switch_off_threshold": 0,
        "switch_on_delay": 30,
        "switch_on_threshold": 1500,
    }.items()
}
GENERAL: Final[Settings] = {
    "general/allow_unencrypted_access": True,
    "general/charge_log_data_config": _LOG_COLUMNS,
    "general/chargemode_config/unbalanced_load": False,
    "general/chargemode_config/unbalanced_load_limit": 18,
    "general/control_interval": 10,
    "general/extern": False,
    "general/extern_display_mode": "primary",
    "general/grid_protection_configured": True,
    "general/http_api": False,
    "general/modbus_control": False,
    "general/prices/bat": 0.00018,
    "general/range_unit": "km",
    "general/temporary_charge_templates_active": False,
    "general/web_theme": KOALA,
    "graph/config/duration": 120,
}
OPTIONAL: Final[Settings] = {
    "optional/dc_charging": False,
    "optional/int_display/active": True,
    "optional/int_display/detected": True,
    "optional/int_display/on_if_plugged_in": True,
    "optional/int_display/only_local_charge_points": False,
    "optional/int_display/pin_active": False,
    "optional/int_display/pin_code": "0000",
    "optional/int_display/rotation": 0,
    "optional/int_display/standby": 60,
    "optional/int_display/theme": CARDS,
    "optional/monitoring/config": _NONE,
    "optional/ocpp/config": {"active": False, "url": None, "version": "ocpp1.6"},
    "optional/rfid/active": True,
}
SYSTEM: Final[Settings] = {
    "system/backup_cloud/backup_before_update": True,
    "system/backup_cloud/config": _NONE,
    "system/backup_password": None,
    "system/boot_done": True,
    "system/current_branch": None,
    "system/current_commit": None,
    "system/dataprotection_acknowledged": False,
    "system/debug_level": 30,
    "system/device/module_update_completed": True,
    "system/hostname": "openwb",
    "system/installAssistantDone": False,
    "system/ip_address": "192.168.178.30",
    "system/mac_address": "dc:a6:32:11:22:33",
    "system/mqtt/valid_partner_ids": [],
    "system/pnp_ip": {"address": "192.168.193.250", "prefix": 24},
    "system/release_train": "master",
    "system/secondary_auto_update": True,
    "system/security/access_allowed": True,
    "system/security/user_management_active": False,
    "system/serial_number": "snnumber4711",
    "system/usage_terms_acknowledged": False,
    **{f"system/security/access/{page}": True for page in _ACCESS},
}
OTHERS: Final[Settings] = {
    "counter/config/consider_less_charging": False,
    "counter/config/home_consumption_source_id": None,
    "internal_chargepoint/0/data/parent_cp": None,
    "internal_chargepoint/1/data/parent_cp": None,
    "vehicle/set/vehicle_update_completed": True,
}
CHARGEPOINT_TEMPLATE: Final = {
    "autolock": {"active": False, "plans": [], "wait_for_charging_end": False},
    "charging_type": "AC",
    "id": 0,
    "max_current_multi_phases": 32,
    "max_current_single_phase": 32,
    "dc_max_current": 435,
    "name": "Ladepunkt-Profil",
    "disable_after_unplug": False,
    "valid_tags": [],
}
# topics that came with 2.1.8 or later
_LATER: Final = (
    "general/allow_unencrypted_access",
    "general/temporary_charge_templates_active",
    "system/security/",
    "system/pnp_ip",
    "bat/config/bat_control",
    "bat/config/charge_limit",
    "bat/config/manual_mode",
    "bat/config/power_limit_condition",
    "bat/config/price",
    "counter/config/consider_less_charging",
)
# topics that went with 2.1.8: the phases of each mode stood in general
OLD_PHASES: Final[Settings] = {
    f"general/chargemode_config/{mode}/phases_to_use": phases
    for mode, phases in (("instant_charging", 3), ("pv_charging", 0), ("time_charging", 3), ("scheduled_charging", 0))
}


def settings_of(installation: Installation, version: Version) -> Settings:
    """Where the box begins, without what ``Mind`` puts in: templates, and what the box holds itself."""
    kept: Settings = {
        **(BATTERY if installation.battery else {}),
        "bat/config/configured": installation.battery is not None,
        "pv/config/configured": bool(installation.inverters),
        **PV_CHARGING,
        **GENERAL,
        **OPTIONAL,
        **SYSTEM,
        **OTHERS,
        "general/prices/grid": installation.price_eur_per_wh,
        "general/prices/pv": installation.feed_in_eur_per_wh,
        "system/version": version.name,
        "system/datastore_version": list(range(version.datastore + 1)),
        "chargepoint/template/0": CHARGEPOINT_TEMPLATE,
        **{f"system/configurable/{name}": what for name, what in CONFIGURABLE.items()},
        **_hardware(installation),
        **_prices(installation, version),
    }
    for vehicle in installation.vehicles:
        kept |= _vehicle(vehicle, version)
    if version.whole_templates:
        return kept
    old = {topic: value for topic, value in kept.items() if not topic.startswith(_LATER)}
    for name in ONLY_SINCE_2_1_8:
        old.pop(f"system/configurable/{name}")
    return old | OLD_PHASES | {"system/configurable/electricity_tariffs": CONFIGURABLE["flexible_tariffs"]}


def _hardware(installation: Installation) -> Settings:
    counter = installation.counter_id
    parts: list[tuple[int, str, str, dict[str, Any]]] = [(counter, "EVU-Zähler", "counter", {})]
    parts += [(inverter.id, inverter.name, "inverter", {}) for inverter in installation.inverters]
    if installation.battery is not None:
        limits = {"power_limit_controllable": False}
        parts.append((installation.battery.id, installation.battery.name, "bat", limits))
    children = [{"id": part, "type": kind, "children": []} for part, _, kind, _ in sorted(parts[1:])]
    children += [{"id": chargepoint.id, "type": "cp", "children": []} for chargepoint in installation.chargepoints]
    return {
        "counter/get/hierarchy": [{"id": counter, "type": "counter", "children": children}],
        f"counter/{counter}/config/max_currents": [35, 35, 35],
        f"counter/{counter}/config/max_power_errorcase": 7000,
        f"counter/{counter}/config/max_total_power": 24000,
        **{f"pv/{inverter.id}/config/max_ac_out": 0 for inverter in installation.inverters},
        f"system/device/{DEVICE_ID}/config": {
            "name": "Messwerte per MQTT",
            "type": "mqtt",
            "vendor": "generic",
            "id": DEVICE_ID,
            "configuration": {},
        },
        **{
            f"system/device/{DEVICE_ID}/component/{part}/config": {
                "name": name,
                "info": _NOBODY,
                "type": kind,
                "id": part,
                "configuration": configuration,
                "color": _COLORS[kind],
            }
            for part, name, kind, configuration in parts
        },
    }


def _prices(installation: Installation, version: Version) -> Settings:
    provider = FIXED_HOURS["defaults"] if installation.tariff else _NONE
    if version.prices_branch == "et":
        return {"optional/et/provider": provider}
    return {
        "optional/ep/configured": bool(installation.tariff),
        "optional/ep/flexible_tariff/provider": provider,
        "optional/ep/grid_fee/get/next_query_time": None,
        "optional/ep/grid_fee/get/prices": {},
        "optional/ep/grid_fee/provider": _NONE,
        "optional/ep/module_update_completed": True,
    }


def _vehicle(vehicle: VehicleSetup, version: Version) -> Settings:
    topics: Settings = {
        "color": _COLORS["ev"],
        "info": _NOBODY,
        "soc_module/general_config": {
            "use_soc_from_cp": False,
            "request_interval_charging": 300,
            "request_interval_not_charging": 43200,
            "request_only_plugged": False,
        },
    }
    if not version.whole_templates:
        topics.pop("color")
    return {f"vehicle/{vehicle.id}/{leaf}": value for leaf, value in topics.items()}


def soc_module_config(module: str | None) -> Any:
    """The empty configuration of a SoC module; a name that is none stands in it nevertheless."""
    return SOC_DEFAULTS.get(module) or {"type": module, "configuration": {}}


def chargepoint_config(setup: ChargePointSetup) -> Settings:
    """``chargepoint/<id>/config`` without the vehicle, whose key differs."""
    return {
        "configuration": {},
        "name": setup.name,
        "color": _COLORS["cp"],
        "type": "mqtt",
        "template": 0,
        "connected_phases": setup.phases,
        "phase_1": 1,
        "auto_phase_switch_hw": setup.phases > 1,
        "control_pilot_interruption_hw": False,
        "id": setup.id,
        "ocpp_chargebox_id": None,
        "charging_type": "AC",
        "visibility": True,
    }


def ev_template(template_id: int, name: str, vehicle: VehicleSetup) -> Settings:
    """``vehicle/template/ev_template/<id>``: battery in Wh, consumption in Wh/100 km."""
    return {
        "dc_min_current": 20,
        "dc_max_current": 150,
        "id": template_id,
        "name": name,
        "max_current_multi_phases": int(vehicle.max_current_a),
        "max_phases": vehicle.phases,
        "prevent_phase_switch": False,
        "prevent_charge_stop": False,
        "control_pilot_interruption": False,
        "control_pilot_interruption_duration": 4,
        "control_pilot_interruption_retry_interval": 0,
        "average_consump": int(vehicle.consumption_wh_per_100km),
        "min_current": 6 if template_id else 10,
        "max_current_single_phase": int(vehicle.max_current_a),
        "battery_capacity": int(vehicle.capacity_wh),
        "efficiency": 90,
        "nominal_difference": 1,
        "keep_charge_active_duration": 40,
        "bidi": False,
    }
