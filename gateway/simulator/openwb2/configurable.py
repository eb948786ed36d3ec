"""What can be configured at a box (``system/configurable/*``), in small.

The SoC modules are complete, with every member of their empty defaults: a client that changes one copies them. Of the
other catalogues, which fill 30 kB on a real box, some entries show the shape.
"""

from typing import Any, Final

Json = dict[str, Any]
_CLOUD: Final = {"user_id": None, "password": None}


def _choice(value: str, text: str, configuration: Json, *, official: bool | None = False) -> Json:
    defaults: Json = {"name": text, "type": value}
    if official is not None:
        defaults["official"] = official
    return {"value": value, "text": text, "defaults": defaults | {"configuration": configuration}}


def _none(text: str) -> Json:
    return {"value": None, "text": text, "defaults": {"type": None, "configuration": {}}}


SOC_MODULES: Final = [
    _none("- kein SoC Modul -"),
    _choice(
        "bmw_cardata",
        "BMW CarData",
        {
            "client_id": "",
            "vin": "",
            "calculate_soc": False,
            "access_token": "",
            "refresh_token": "",
            "expires_at": 0,
            "container_id": "",
            "auth_user_code": "",
            "auth_verification_uri": "",
            "auth_device_code": "",
            "auth_code_verifier": "",
            "auth_expires_at": 0,
            "auth_connected": False,
        },
    ),
    _choice(
        "evcc",
        "EVCC",
        {
            "vehicle_id": None,
            "calculate_soc": False,
            **_CLOUD,
            "sponsor_token": None,
            "vehicle_type": None,
            "VIN": "",
        },
    ),
    _choice("evnotify", "EVNotify", {"id": 0, "akey": None, "token": None}),
    _choice(
        "homeassistant",
        "HomeAssistant",
        {
            "calculate_soc": False,
            "url": None,
            "token": None,
            "entity_soc": None,
            "entity_range": None,
            "entity_odometer": None,
        },
        official=True,
    ),
    _choice("http", "HTTP SOC Module", {"soc_url": None, "range_url": None, "calculate_soc": False}, official=True),
    _choice(
        "iobroker",
        "ioBroker",
        {
            "calculate_soc": False,
            "url": None,
            "user": None,
            "password": None,
            "state_soc": None,
            "state_range": None,
            "state_odometer": None,
            "timeout": 5,
        },
    ),
    _choice(
        "json",
        "JSON",
        {
            "url": None,
            "soc_pattern": None,
            "range_pattern": None,
            "timestamp_pattern": None,
            "odometer_pattern": None,
            "timeout": None,
            "calculate_soc": False,
        },
        official=True,
    ),
    _choice("kia", "KIA / Hyundai (experimental)", {**_CLOUD, "pin": None, "vin": None}),
    _choice("manual", "Manueller SoC", {"reset_after_unplug": False}, official=True),
    _choice("mqtt", "MQTT", {"calculate_soc": False}, official=True),
    _choice("leaf", "Nissan Leaf/NV200 -05.2019 (experimental)", {**_CLOUD, "region": None}, official=None),
    _choice(
        "ovms",
        "OVMS",
        {"server_url": "https://ovms.dexters-web.de:6869", **_CLOUD, "vehicleId": None, "token": None},
    ),
    _choice("polestar", "Polestar2", {**_CLOUD, "vin": None}),
    _choice(
        "psa",
        "PSA (nicht mehr verwenden)",
        {
            **_CLOUD,
            "client_id": None,
            "client_secret": None,
            "manufacturer": None,
            "calculate_soc": False,
            "vin": None,
        },
    ),
    _choice(
        "psacc",
        "PSA Car Controller",
        {
            "soc_pattern": ".energy[0].level",
            "range_pattern": ".energy[0].autonomy",
            "timestamp_pattern": ".energy[0].updated_at",
            "odometer_pattern": ".timed_odometer.mileage",
            "timeout": 10,
            "calculate_soc": True,
            "psacc_server_or_ip": None,
            "psacc_port": None,
            "vehicle_vin": None,
        },
    ),
    _choice("renault", "Renault", {**_CLOUD, "country": None, "vin": None}),
    _choice("smarthello", "Smart Hello (#1, #3)", {**_CLOUD, "vin": None, "sessioncache": None}),
    _choice(
        "tesla",
        "Tesla",
        {
            "tesla_ev_num": 0,
            "token": {"refresh_token": None, "access_token": None, "expires_in": 0, "created_at": 0},
        },
    ),
    _choice(
        "tronity",
        "Tronity",
        {
            "vehicle_id": None,
            "client_id": None,
            "client_secret": None,
            "access_token": None,
            "calculate_soc": False,
        },
        official=True,
    ),
    _choice("vweuda", "VWEUDA", {**_CLOUD, "vin": None, "calculate_soc": False}),
]
SOC_DEFAULTS: Final[dict[str | None, Json]] = {module["value"]: module["defaults"] for module in SOC_MODULES}

FIXED_HOURS: Final = _choice(
    "fixed_hours",
    "Feste Tarifstunden (z.b. §14a EnWG Modul3)",
    {"default_price": 0, "tariffs": [], "update_hours": list(range(24))},
)
KOALA: Final = {
    "name": "Koala",
    "type": "koala",
    "official": True,
    "userManagementSupported": True,
    "configuration": {
        "hide_standard_vehicle": False,
        "history_chart_range": 3600,
        "chargePoint_card_view_breakpoint": 4,
        "vehicle_card_view_breakpoint": 4,
        "chargePoint_table_search_input_field": False,
        "vehicle_table_search_input_field": False,
        "top_carousel_slide_order": ["flow_diagram", "history_chart", "daily_totals"],
    },
}
CARDS: Final = {
    "name": "Cards",
    "type": "cards",
    "official": True,
    "userManagementSupported": True,
    "configuration": {
        "lock_changes": False,
        "lock_changes_code": None,
        "default_view": "dashboard",
        "default_view_timeout": 0,
        "enable_dashboard_view": True,
        "enable_dashboard_card_grid": True,
        "enable_dashboard_card_home_consumption": True,
        "enable_dashboard_card_battery_sum": True,
        "enable_dashboard_card_inverter_sum": True,
        "enable_dashboard_card_charge_point_sum": True,
        "enable_dashboard_card_vehicles": True,
        "enable_energy_flow_view": True,
        "enable_charge_points_view": True,
        "simple_charge_point_view": False,
        "enable_status_view": True,
    },
}
_MQTT_COMPONENTS: Final = {
    kind: {"component_name": f"MQTT-{text}"}
    for kind, text in (("bat", "Speicher"), ("counter", "Zähler"), ("inverter", "Wechselrichter"))
}

CONFIGURABLE: Final[dict[str, Any]] = {
    "backup_clouds": [
        _none("- keine Backup-Cloud -"),
        _choice("nfs", "Nfs", {"nfs_share": None}),
    ],
    "chargepoints": [
        {"value": "internal_openwb", "text": "Interne openWB"},
        {"value": "external_openwb", "text": "Secondary openWB"},
        {"value": "mqtt", "text": "MQTT-Ladepunkt"},
        {"value": "openwb_pro", "text": "openWB Pro (nicht Pro+)"},
        {"value": "openwb_series2_satellit", "text": "openWB series2 satellit, openWB series2 satellit Duo"},
        {"value": "smartwb", "text": "smartWB / EVSE-Wifi (>= v1.x.x/v2.x.x)"},
    ],
    "chargepoints_internal": [{"value": "internal_openwb", "text": "Interne openWB"}],
    "devices_components": {
        "generic": {
            "group_name": "herstellerunabhängig",
            "vendors": {
                "generic": {
                    "vendor_name": "Standardprotokolle",
                    "devices": {"mqtt": {"device_name": "MQTT", "components": _MQTT_COMPONENTS}},
                }
            },
        }
    },
    "display_themes": [{"value": "cards", "text": "Cards", "official": True, "defaults": CARDS}],
    "flexible_tariffs": [_none("- kein Anbieter -"), FIXED_HOURS],
    "grid_fees": [_none("- kein Anbieter -"), FIXED_HOURS],
    "io_actions": {"controllable_consumers": {"group_name": "Steuerbare Verbrauchseinrichtungen", "actions": []}},
    "io_devices": [],
    "monitoring": [_none("- kein Monitoring -")],
    "soc_modules": SOC_MODULES,
    "web_themes": [{"value": "koala", "text": "Koala", "official": True, "defaults": KOALA}],
}
ONLY_SINCE_2_1_8: Final = frozenset({"io_actions", "io_devices", "grid_fees", "flexible_tariffs"})
