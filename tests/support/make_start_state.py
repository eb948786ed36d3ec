"""Makes ``tests/data/v2-start.jsonl.gz``, the retained topics just before the session, from the other two captures.

``python -m tests.support.make_start_state`` writes it again. The retained file was taken at t = 345 s of the session,
while both cars charged. Before t = 0 both were unplugged, no tag was read and no vehicle known. So, topic by topic:

* First heard in the session after 345 s, or never -> as retained, for nothing had changed it.
* First heard in the first control loop, before anybody did anything -> that payload.
* An input of a device (``openWB/mqtt/``) -> left out: the session lacks them, they would say "plugged" for ever.
* Heard in between -> the session changed it: its state before is in ``BEFORE``, or by kind in ``_changed``.
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tests.support.captures import DATA, load_capture
from tests.support.recording import Recorded

RETAINED_AT_T: Final = 345
FIRST_LOOP_ENDS_T: Final = 15

DEVICE_INPUTS: Final = "openWB/mqtt/"
NO_VEHICLE: Final = '{"id": 0, "name": "Standard-Fahrzeug"}'
MANUAL_SOC: Final = (
    '{"name": "Manueller SoC", "type": "manual", "official": true, "configuration": {"reset_after_unplug": false}}'
)

# None: the topic was not there yet
BEFORE: Mapping[str, str | None] = {
    "openWB/bat/get/exported": "2306763.0",
    "openWB/bat/get/power": "2700.0",
    "openWB/bat/get/soc": "71",
    "openWB/chargepoint/get/imported": "12293094.97",
    "openWB/chargepoint/get/power": "0.0",
    "openWB/chargepoint/5/get/connected_vehicle/info": NO_VEHICLE,
    "openWB/chargepoint/5/get/rfid": "null",
    "openWB/chargepoint/5/get/rfid_timestamp": "null",
    "openWB/chargepoint/5/set/current": "0",
    "openWB/chargepoint/5/set/phases_to_use": "3",
    "openWB/chargepoint/5/set/rfid": "null",
    "openWB/chargepoint/6/get/connected_vehicle/info": NO_VEHICLE,
    "openWB/chargepoint/6/get/rfid": "null",
    "openWB/chargepoint/6/get/rfid_timestamp": "null",
    "openWB/chargepoint/6/set/current": "0",
    "openWB/chargepoint/6/set/phases_to_use": "3",
    "openWB/chargepoint/6/set/rfid": "null",
    "openWB/vehicle/1/get/fault_state": None,
    "openWB/vehicle/1/get/fault_str": None,
    "openWB/vehicle/1/get/force_soc_update": "true",
    "openWB/vehicle/1/get/odometer": None,
    "openWB/vehicle/1/get/range": None,
    "openWB/vehicle/1/get/soc": "null",
    "openWB/vehicle/1/get/soc_request_timestamp": None,
    "openWB/vehicle/1/get/soc_timestamp": None,
    "openWB/vehicle/1/soc_module/config": MANUAL_SOC,
    "openWB/vehicle/3/get/force_soc_update": "true",
}
# at the end both are unplugged again, so the last payload is as good as the one before the first
AS_AT_THE_END: Final = ("connected_vehicle/config", "connected_vehicle/soc", "/set/charge_template", "/set/log")
# the first payload does not differ from the one before, as far as anybody can tell
AS_AT_FIRST: Final = (
    "/get/prices",
    "/daily_exported",
    "/daily_imported",
    "/daily_yield_home_consumption",
    "_soc_state",
)


def start_state(retained: Sequence[Recorded], session: Sequence[Recorded]) -> Iterable[Recorded]:
    """The retained messages before the session."""
    first: dict[str, Recorded] = {}
    last: dict[str, Recorded] = {}
    for message in session:
        first.setdefault(message.topic, message)
        last[message.topic] = message
    for message in retained:
        if message.topic.startswith(DEVICE_INPUTS):
            continue
        payload: str | None = message.payload
        heard = first.get(message.topic)
        if heard is not None and heard.t < FIRST_LOOP_ENDS_T:
            payload = heard.payload
        elif heard is not None and heard.t <= RETAINED_AT_T:
            payload = _changed(heard, last[message.topic])
        if payload is not None:
            yield Recorded(message.topic, payload)


def _changed(first: Recorded, last: Recorded) -> str | None:
    topic = first.topic
    if topic in BEFORE:
        return BEFORE[topic]
    if topic.startswith("openWB/chargepoint/") and topic.endswith("/config") and "connected_vehicle" not in topic:
        return json.dumps(json.loads(last.payload) | {"_ev": 0})
    if topic.endswith(AS_AT_THE_END):
        return last.payload
    if topic.endswith(AS_AT_FIRST):
        return first.payload
    raise KeyError(f"nobody says what {topic} was before {first.t} s")


def packed(messages: Iterable[Recorded]) -> bytes:
    """The messages as gzipped JSON lines, the same bytes each time."""
    lines = [json.dumps({name: getattr(one, name) for name in ("topic", "payload", "retain")}) for one in messages]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    state = start_state(load_capture("v2-retained"), load_capture("v2-session"))
    (DATA / "v2-start.jsonl.gz").write_bytes(packed(state))
