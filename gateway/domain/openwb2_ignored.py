"""The topics of openWB 2.x that give no value, each with the reason, and those that never leave as ``raw/``."""

import re
from collections.abc import Iterable

from gateway.domain.filters import covers

Reasons = tuple[tuple[str, str], ...]

_SETTING = "a setting, not a value; commands will read what they need"
_CREDENTIALS = "may hold passwords or tokens"
_ECHO = "an echo of a write, on its way to the real topic"
_HARDWARE = "about the hardware or its software"
_TWIN = "the same stands in other topics"

IGNORED: Reasons = (
    ("set/#", _ECHO),
    ("bat/config/#", _SETTING),
    ("bat/+/config/#", _SETTING),
    ("bat/set/#", "inside of the control"),
    ("bat/+/set/#", "inside of the control"),
    ("bat/get/power_limit_controllable", "a capability; commands will read it"),
    ("bat/+/get/power_limit_controllable", "a capability; commands will read it"),
    ("bat/+/get/currents", "no value of the catalogue"),
    ("bat/+/get/max_charge_power", "no value of the catalogue"),
    ("bat/+/get/max_discharge_power", "no value of the catalogue"),
    ("bat/+/get/state_str", "about the control of the battery, no value of the catalogue"),
    ("chargepoint/+/config/#", "a write to a part of the settings, on its way into the whole"),
    ("chargepoint/+/control_parameter/#", "inside of the control"),
    ("chargepoint/+/get/charging_current", "direct current only; the power says it"),
    ("chargepoint/+/get/charging_power", "direct current only; the power says it"),
    ("chargepoint/+/get/charging_voltage", "direct current only; the power says it"),
    ("chargepoint/+/get/connected_vehicle", "defaults of a former version, never renewed; its parts have topics"),
    ("chargepoint/+/get/current_branch", _HARDWARE),
    ("chargepoint/+/get/current_commit", _HARDWARE),
    ("chargepoint/+/get/version", _HARDWARE),
    ("chargepoint/+/get/daily_exported", "no value of the catalogue"),
    ("chargepoint/+/get/error_code", "the fault's text says it"),
    ("chargepoint/+/get/error_timestamp", "the fault's text says it"),
    ("chargepoint/+/get/evse_current", "what the box asks for is set/current; some hardware reports A * 100 here"),
    ("chargepoint/+/get/evse_signaling", _HARDWARE),
    ("chargepoint/+/get/frequency", "no value of the catalogue"),
    ("chargepoint/+/get/max_charge_power", "a capability; commands will read it"),
    ("chargepoint/+/get/max_discharge_power", "a capability; commands will read it"),
    ("chargepoint/+/get/max_evse_current", "a capability; commands will read it"),
    ("chargepoint/+/get/power_factors", "no value of the catalogue"),
    ("chargepoint/+/get/rfid_timestamp", "the scan itself is get/rfid"),
    ("chargepoint/+/get/simulation", "inside of the control"),
    ("chargepoint/+/get/soc", "the box hands it on to the vehicle"),
    ("chargepoint/+/get/soc_timestamp", "the box hands it on to the vehicle"),
    ("chargepoint/+/get/vehicle_id", "the hardware address of a car, no value of the catalogue"),
    ("chargepoint/+/set/#", "inside of the control; phases in use say what phases_to_use did"),
    ("chargepoint/get/#", "no value of the catalogue"),
    ("chargepoint/template/#", _SETTING),
    ("command/+/error", "unused by the box"),
    ("command/+/messages/#", "the answer to a command, for the client that sent it"),
    ("command/+/todo/#", "a command of somebody"),
    ("command/max_id/#", "inside of the control"),
    ("counter/+/config/#", _SETTING),
    ("counter/+/get/power_factors", "no value of the catalogue"),
    ("counter/+/get/serial_number", "no value of the catalogue"),
    ("counter/+/module/#", _SETTING),
    ("counter/+/set/#", "inside of the control"),
    ("counter/config/#", _SETTING),
    ("counter/set/#", "inside of the control"),
    ("general/#", _SETTING),
    ("graph/#", "the same values, rounded, or their history"),
    ("internal_chargepoint/#", _TWIN),
    ("internal_io/#", "no value of the catalogue"),
    ("io/#", "no value of the catalogue"),
    ("LegacySmartHome/#", "old smart-home devices, not JSON"),
    ("log/#", "a reply to whoever asked"),
    ("mqtt/#", "inputs of devices; the box tells them as its own values"),
    ("openWB-remote/#", "remote support"),
    ("simpleAPI/#", _TWIN),
    ("optional/dc_charging", _SETTING),
    ("optional/ep/configured", "the prices say it"),
    ("optional/ep/flexible_tariff/#", "a part of ep/get/prices, and its settings"),
    ("optional/ep/grid_fee/#", "a part of ep/get/prices, and its settings"),
    ("optional/ep/module_update_completed", "noise"),
    ("optional/et/#", "settings and state of the tariff of boxes before 2.1.9"),
    ("optional/int_display/#", _SETTING),
    ("optional/monitoring/#", _SETTING),
    ("optional/ocpp/#", _SETTING),
    ("optional/rfid/#", _SETTING),
    ("pv/+/config/#", _SETTING),
    ("pv/+/get/currents", "no value of the catalogue"),
    ("pv/+/get/energy", "unused by the box"),
    ("system/backup_cloud/#", _SETTING),
    ("system/backup_password", _SETTING),
    ("system/boot_done", "the values republished after it say more"),
    ("system/configurable/#", "what could be configured; large"),
    ("system/device/module_update_completed", "noise, several times a second"),
    ("system/device/#", "settings of devices; names of components are no values of the catalogue"),
    ("system/io/#", _SETTING),
    ("system/lastlivevaluesJson", "the same values, rounded"),
    ("system/mqtt/#", _SETTING),
    ("system/security/#", "rights of this client: that they come, and nothing else, says that more is withheld"),
    ("system/subdata_initialized", "inside of the control"),
    ("system/+", _HARDWARE),
    ("vehicle/+/charge_template", _SETTING),
    ("vehicle/+/color", _SETTING),
    ("vehicle/+/control_parameter/#", "inside of the control, before 2.1.2"),
    ("vehicle/+/ev_template", _SETTING),
    ("vehicle/+/get/force_soc_update", "a request, not a value"),
    ("vehicle/+/get/soc_request_timestamp", "when the box asked; soc_timestamp is the value's time"),
    ("vehicle/+/info", _SETTING),
    ("vehicle/+/match_ev/#", _SETTING),
    ("vehicle/+/set/#", "inside of the control"),
    ("vehicle/+/soc_module/calculated_soc_state/#", "inside of the module"),
    ("vehicle/+/soc_module/general_config", _SETTING),
    ("vehicle/+/soc_module/interval_config", "the same, before 2.1.2"),
    ("vehicle/+/tag_id", _SETTING),
    ("vehicle/set/vehicle_update_completed", "noise"),
    (
        "vehicle/template/charge_template/+/#",
        "plans of boxes before 2.1.8, one topic each: what is in use stays unknown",
    ),
    ("vehicle/template/ev_template/#", _SETTING),
)

NEVER_RAW: Reasons = (
    ("set/#", "echoes whatever is written, secrets too"),
    ("vehicle/+/soc_module/#", _CREDENTIALS),
    ("chargepoint/+/config/#", _CREDENTIALS),
    ("system/device/#", _CREDENTIALS),
    ("system/io/#", _CREDENTIALS),
    ("system/mqtt/#", _CREDENTIALS),
    ("system/backup_cloud/#", _CREDENTIALS),
    ("system/backup_password", _CREDENTIALS),
    ("system/configurable/#", "what could be configured; large"),
    ("system/security/#", _CREDENTIALS),
    ("optional/ep/flexible_tariff/provider", _CREDENTIALS),
    ("optional/ep/grid_fee/provider", _CREDENTIALS),
    ("optional/et/provider", _CREDENTIALS),
    ("optional/int_display/#", "holds the display's PIN and lock code"),
    ("optional/monitoring/#", _CREDENTIALS),
    ("optional/ocpp/#", _CREDENTIALS),
    ("general/web_theme", "may hold a lock code"),
    ("LegacySmartHome/config/#", _CREDENTIALS),
    ("log/#", "charge logs of everybody"),
    ("command/+/todo/#", _CREDENTIALS),
    ("graph/#", "history, large, and the same values"),
)
# a second net, for what future versions add: members that sound like a secret
_SOUNDS_SECRET = re.compile(
    r"\"[^\"\\]{0,60}(?:passw|token|secret|credential|api_?key|private_?key|psk|pin_code|lock_changes_code|client_id)"
    r"[^\"\\]{0,60}\\*\"\s*:",
    re.IGNORECASE,
)


def why(reasons: Iterable[tuple[str, str]], topic: str) -> str | None:
    """The reason of the first pattern that covers the topic (without prefix), or None."""
    return next((reason for pattern, reason in reasons if covers(pattern, topic)), None)


def sounds_secret(payload: str) -> bool:
    """Whether a payload has a member that may be a secret."""
    return _SOUNDS_SECRET.search(payload) is not None
