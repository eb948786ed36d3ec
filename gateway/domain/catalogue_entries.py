"""The table behind the catalogue: keys, quantities, signs, words.

Ranges keep nonsense out, not rare truth: a value outside is dropped, so each is wider than any box we know of.
Meters, inverters and batteries have the same values as the sum of their kind; such a family is written down once.
"""

import msgspec

from gateway.domain.entries import Access, Entry, Field, Freshness, Kind

NAME_CHARS = 200
TEXT_CHARS = 1_000
RAW_CHARS = 50_000

MODES = ("instant", "min_pv", "pv", "eco", "scheduled", "time", "stop", "standby")
BATTERY_MODES = ("vehicles_first", "battery_first", "battery_first_to_min_soc")
LINK_STATES = ("connecting", "up", "silent", "down", "no_rights", "secondary", "bridge_down")
DIALECTS = ("openwb-2", "openwb-1.9")
LIMIT_KINDS = ("none", "soc", "energy")
PLAN_KINDS = ("scheduled", "time")
REPEATS = ("daily", "weekly", "once")
MESSAGE_TYPES = ("info", "success", "warning", "danger")


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """What entries that are measured alike have in common."""

    kind: Kind
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    recorded: bool = False
    allowed: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


_number, _phases = Kind.number, Kind.number_list

POWER = Quantity(kind=_number, unit="W", low=-1e7, high=1e7, recorded=True)
POWERS = Quantity(kind=_phases, unit="W", low=-1e7, high=1e7)
CURRENTS = Quantity(kind=_phases, unit="A", low=-10_000, high=10_000)
VOLTAGES = Quantity(kind=_phases, unit="V", low=0, high=500)
FREQUENCY = Quantity(kind=_number, unit="Hz", low=0, high=100)
METER = Quantity(kind=_number, unit="Wh", low=0, high=1e12, recorded=True)
# a difference of meter readings: negative when the meter was exchanged in between
SPAN = Quantity(kind=_number, unit="Wh", low=-1e12, high=1e12)
PERCENT = Quantity(kind=_number, unit="%", low=0, high=100, recorded=True)
TARGET_CURRENT = Quantity(kind=_number, unit="A", low=-500, high=500)
CURRENT = Quantity(kind=_number, unit="A", low=0, high=500)
DISTANCE = Quantity(kind=_number, unit="km", low=0, high=1e7)
PRICE = Quantity(kind=_number, unit="EUR/kWh", low=-100, high=100, recorded=True)
PRICE_LIMIT = Quantity(kind=_number, unit="EUR/kWh", low=-100, high=100)
PRICES = Quantity(kind=Kind.price_list, unit="EUR/kWh", low=-100, high=100)
PHASES = Quantity(kind=Kind.integer, low=0, high=3)
FAULT = Quantity(kind=Kind.integer, low=0, high=2)
ID = Quantity(kind=Kind.integer, low=0, high=1e9)
TIME = Quantity(kind=Kind.time, unit="s", low=0, high=4.2e9)
DURATION = Quantity(kind=_number, unit="s", low=0, high=1e9)
BOOLEAN = Quantity(kind=Kind.boolean)
NAME = Quantity(kind=Kind.text, high=NAME_CHARS)
TEXT = Quantity(kind=Kind.text, high=TEXT_CHARS)
RAW = Quantity(kind=Kind.text, high=RAW_CHARS)
MODE = Quantity(kind=Kind.text, allowed=MODES)
BATTERY_MODE = Quantity(kind=Kind.text, allowed=BATTERY_MODES)
LINK_STATE = Quantity(kind=Kind.text, allowed=LINK_STATES)
DIALECT = Quantity(kind=Kind.text, allowed=DIALECTS)


def _field(name: str, quantity: Quantity) -> Field:
    return Field(
        name=name,
        kind=quantity.kind,
        unit=quantity.unit,
        allowed=quantity.allowed,
        minimum=quantity.low,
        maximum=quantity.high,
    )


_CLOCK_TIME = Quantity(kind=Kind.text, high=len("23:59"))
_AMOUNT = Quantity(kind=_number, unit="Wh", low=0, high=1e9)
LIMIT = Quantity(
    kind=Kind.object,
    fields=(
        _field("kind", Quantity(kind=Kind.text, allowed=LIMIT_KINDS)),
        _field("soc_percent", PERCENT),
        _field("energy_wh", _AMOUNT),
    ),
)
PLAN = Quantity(
    kind=Kind.object,
    fields=(
        _field("kind", Quantity(kind=Kind.text, allowed=PLAN_KINDS)),
        _field("id", ID),
        _field("name", NAME),
        _field("current_a", CURRENT),
        _field("soc_percent", PERCENT),
        _field("energy_wh", _AMOUNT),
        _field("ready_at", _CLOCK_TIME),
        _field("starts_at", _CLOCK_TIME),
        _field("ends_at", _CLOCK_TIME),
        _field("repeats", Quantity(kind=Kind.text, allowed=REPEATS)),
    ),
)
SOC_MODULE = Quantity(kind=Kind.object, fields=(_field("type", NAME), _field("name", NAME)))
MESSAGE = Quantity(
    kind=Kind.object,
    fields=(_field("type", Quantity(kind=Kind.text, allowed=MESSAGE_TYPES)), _field("text", TEXT)),
)


class _Group(msgspec.Struct, frozen=True):
    """Keys with a common beginning: whose they are, in words, and which unit their freshness follows."""

    prefix: str
    freshness: Freshness
    name_en: str
    name_de: str
    access: Access = Access.site

    def entry(
        self,
        leaf: str,
        quantity: Quantity,
        text_en: str,
        text_de: str,
        *,
        sign: str | None = None,
        access: Access | None = None,
    ) -> Entry:
        return Entry(
            pattern=f"{self.prefix}/{leaf}",
            kind=quantity.kind,
            freshness=self.freshness,
            text_en=f"{self.name_en}: {text_en}",
            text_de=f"{self.name_de}: {text_de}",
            access=access or self.access,
            recorded=quantity.recorded,
            unit=quantity.unit,
            sign=sign,
            allowed=quantity.allowed,
            minimum=quantity.low,
            maximum=quantity.high,
            fields=quantity.fields,
        )


def _faults(group: _Group) -> tuple[Entry, ...]:
    return (
        group.entry(
            "fault_state", FAULT, "fault: 0 none, 1 warning, 2 error", "Fehler: 0 keiner, 1 Warnung, 2 Störung"
        ),
        group.entry(
            "fault_text", TEXT, "the box's words about a fault, empty without", "Fehlertext, leer ohne Fehler"
        ),
    )


def _electrical(group: _Group) -> tuple[Entry, ...]:
    return (
        group.entry("powers_w", POWERS, "power per phase", "Leistung je Phase"),
        group.entry("currents_a", CURRENTS, "current per phase", "Strom je Phase"),
        group.entry("voltages_v", VOLTAGES, "voltage per phase, 0 = no such phase", "Spannung je Phase, 0 = keine"),
    )


def _meter(prefix: str, name_en: str, name_de: str) -> tuple[Entry, ...]:
    group = _Group(prefix, Freshness.site, name_en, name_de)
    return (
        group.entry("power_w", POWER, "power", "Leistung", sign="+ import, - export"),
        *_electrical(group),
        group.entry("frequency_hz", FREQUENCY, "frequency", "Frequenz"),
        group.entry("imported_wh", METER, "imported, meter reading", "Bezug, Zählerstand"),
        group.entry("exported_wh", METER, "exported, meter reading", "Einspeisung, Zählerstand"),
        group.entry("imported_today_wh", SPAN, "imported today", "Bezug heute"),
        group.entry("exported_today_wh", SPAN, "exported today", "Einspeisung heute"),
        *_faults(group),
    )


def _inverter(prefix: str, name_en: str, name_de: str) -> tuple[Entry, ...]:
    group = _Group(prefix, Freshness.pv, name_en, name_de)
    return (
        group.entry("power_w", POWER, "power", "Leistung", sign="+ production"),
        group.entry("produced_wh", METER, "produced, meter reading", "Ertrag, Zählerstand"),
        group.entry("produced_today_wh", SPAN, "produced today", "Ertrag heute"),
        group.entry("produced_month_wh", SPAN, "produced this month", "Ertrag dieser Monat"),
        group.entry("produced_year_wh", SPAN, "produced this year", "Ertrag dieses Jahr"),
        *_faults(group),
    )


def _battery(prefix: str, name_en: str, name_de: str) -> tuple[Entry, ...]:
    group = _Group(prefix, Freshness.battery, name_en, name_de)
    return (
        group.entry("power_w", POWER, "power", "Leistung", sign="+ charging, - discharging"),
        group.entry("soc_percent", PERCENT, "state of charge", "Ladestand"),
        group.entry("charged_wh", METER, "charged, meter reading", "geladen, Zählerstand"),
        group.entry("discharged_wh", METER, "discharged, meter reading", "entladen, Zählerstand"),
        group.entry("charged_today_wh", SPAN, "charged today", "geladen heute"),
        group.entry("discharged_today_wh", SPAN, "discharged today", "entladen heute"),
        group.entry("mode", BATTERY_MODE, "who gets surplus first", "Vorrang beim Überschuss"),
        *_faults(group),
    )


def _chargepoint(prefix: str) -> tuple[Entry, ...]:
    group = _Group(prefix, Freshness.chargepoint, "Charge point", "Ladepunkt")
    public, owner = Access.public, Access.owner
    return (
        group.entry("name", NAME, "name", "Name", access=public),
        group.entry("busy", BOOLEAN, "taken by a vehicle", "belegt", access=public),
        group.entry("power_w", POWER, "power", "Leistung", sign="+ charging, - discharging"),
        *_electrical(group),
        group.entry("phases_in_use", PHASES, "phases in use, idle: the last ones", "Phasen, im Leerlauf die letzten"),
        group.entry("plugged", BOOLEAN, "a vehicle is plugged in", "Fahrzeug angesteckt"),
        group.entry("charging", BOOLEAN, "charging", "lädt"),
        group.entry("locked", BOOLEAN, "locked by hand", "gesperrt"),
        group.entry("mode", MODE, "charge mode that is selected", "gewählter Lademodus"),
        group.entry("current_target_a", TARGET_CURRENT, "current the box asks for", "Sollstrom"),
        group.entry("instant_current_a", CURRENT, "current of mode instant", "Strom beim Sofortladen"),
        group.entry(
            "min_current_a", CURRENT, "least current in mode pv, 0 = none", "Mindeststrom PV-Laden, 0 = ohne"
        ),
        group.entry("limit", LIMIT, "limit of the selected mode", "Begrenzung des gewählten Modus"),
        group.entry(
            "plan", PLAN, "plan in use, times of day in the box's zone", "aktiver Plan, Uhrzeiten der openWB"
        ),
        group.entry("price_limit_eur_per_kwh", PRICE_LIMIT, "highest price to charge at", "Preisgrenze"),
        group.entry("meter_wh", METER, "charged, meter reading", "geladen, Zählerstand"),
        group.entry("discharged_wh", METER, "discharged, meter reading", "entladen, Zählerstand"),
        group.entry("energy_today_wh", SPAN, "charged today", "geladen heute"),
        group.entry("energy_since_plugged_wh", SPAN, "charged since plug-in", "geladen seit dem Anstecken"),
        group.entry("id_tag", NAME, "id tag of the charge session, else scanned", "ID-Tag", access=owner),
        group.entry(
            "vehicle_id", ID, "vehicle assigned, 0 = the box's default one", "Fahrzeug, 0 = Standardfahrzeug"
        ),
        group.entry("serial_number", NAME, "serial number", "Seriennummer"),
        *_faults(group),
        group.entry("state_text", TEXT, "the box's words about its state", "Zustandstext"),
    )


def _vehicle(prefix: str) -> tuple[Entry, ...]:
    group = _Group(prefix, Freshness.vehicle, "Vehicle", "Fahrzeug")
    return (
        group.entry("name", NAME, "name", "Name"),
        group.entry("soc_percent", PERCENT, "state of charge", "Ladestand"),
        group.entry("soc_at", TIME, "time of the state of charge", "Zeitpunkt des Ladestands"),
        group.entry("range_km", DISTANCE, "range", "Reichweite"),
        group.entry("odometer_km", DISTANCE, "odometer", "Kilometerstand"),
        group.entry(
            "soc_module", SOC_MODULE, "source of its state of charge", "Ladestands-Modul", access=Access.owner
        ),
        *_faults(group),
    )


_link = _Group("link", Freshness.link, "Link", "Verbindung", Access.public)
_house = _Group("house", Freshness.site, "House", "Haus")
_charging = _Group("charging", Freshness.site, "All charge points", "Alle Ladepunkte")
_tariff = _Group("tariff", Freshness.site, "Tariff", "Tarif")
_box = _Group("box", Freshness.site, "openWB", "openWB")
_raw = _Group("raw", Freshness.site, "openWB", "openWB", Access.admin)

ENTRIES: tuple[Entry, ...] = (
    _link.entry("state", LINK_STATE, "state", "Zustand"),
    _link.entry("reason", TEXT, "why it is not up", "Grund"),
    _link.entry("since", TIME, "in this state since", "Zustand seit"),
    _link.entry("dialect", DIALECT, "what the box speaks", "Dialekt der openWB"),
    *_meter("grid", "Grid", "Netz"),
    *_meter("meters/+", "Meter", "Zähler"),
    *_inverter("pv", "PV", "PV"),
    *_inverter("inverters/+", "Inverter", "Wechselrichter"),
    *_battery("battery", "Battery", "Speicher"),
    *_battery("batteries/+", "One battery", "Einzelner Speicher"),
    _house.entry("power_w", POWER, "power", "Leistung", sign="+ consumption"),
    _house.entry("consumed_today_wh", SPAN, "consumed today", "Verbrauch heute"),
    _charging.entry("power_w", POWER, "power", "Leistung", sign="+ charging, - discharging"),
    _charging.entry("energy_wh", METER, "charged, sum of the meter readings", "geladen, Summe der Zählerstände"),
    _charging.entry("energy_today_wh", SPAN, "charged today", "geladen heute"),
    *_chargepoint("chargepoints/+"),
    *_vehicle("vehicles/+"),
    _tariff.entry("price_eur_per_kwh", PRICE, "price now", "Preis jetzt"),
    _tariff.entry("prices", PRICES, "pairs of start and price, each until the next", "Preise, jeweils ab Beginn"),
    _box.entry("version", NAME, "version", "Version"),
    _box.entry("time", TIME, "its clock", "Uhrzeit"),
    _box.entry("updating", BOOLEAN, "an update is running", "Aktualisierung läuft"),
    _box.entry("messages/+", MESSAGE, "message", "Meldung", access=Access.admin),
    _raw.entry("#", RAW, "payload of a topic as text", "Inhalt eines Topics"),
)
