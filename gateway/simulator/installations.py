"""Installations that do not exist: who has what on the wall, in the garage and on the roof.

HOME is the one behind the recorded captures: the same ids, names, tags and totals, so that what the simulated box
publishes of it can be laid beside what the real software published.
"""

import msgspec

from gateway.simulator.words import BatterySetup, ChargePointSetup, Installation, InverterSetup, VehicleSetup

ROOF = InverterSetup(id=1, name="Dach Süd", peak_w=9_600, azimuth_degrees=185, produced_wh=31_178_698.37)
GARAGE = InverterSetup(id=3, name="Garage", peak_w=3_200, azimuth_degrees=255, produced_wh=5_120_618.76)
BATTERY = BatterySetup(
    id=2,
    name="Hausspeicher",
    capacity_wh=10_200,
    max_power_w=4_600,
    soc_percent=57,
    charged_wh=2_552_089.84,
    discharged_wh=2_306_893.72,
)
CARPORT = ChargePointSetup(id=5, name="Carport links", serial_number="823950", imported_wh=10_839_000.0, vehicle_id=1)
YARD = ChargePointSetup(id=6, name="Hof", serial_number="241248169", imported_wh=1_454_094.97, vehicle_id=3)
NOBODY = VehicleSetup(id=0, name="Standard-Fahrzeug")
IONIQ = VehicleSetup(
    id=1,
    name="Ioniq 5",
    capacity_wh=72_600,
    soc_percent=42,
    consumption_wh_per_100km=17_000,
    odometer_km=23_418,
    id_tags=("04A1B2C3D4",),
    soc_module="mqtt",
)
E_UP = VehicleSetup(
    id=3,
    name="e-Up",
    capacity_wh=32_300,
    soc_percent=38,
    phases=2,
    consumption_wh_per_100km=14_000,
    odometer_km=41_902,
    id_tags=("1234567890", "0012345"),
)
GUEST = VehicleSetup(
    id=4,
    name="Gast",
    capacity_wh=58_000,
    soc_percent=51,
    consumption_wh_per_100km=16_000,
    odometer_km=8_230,
    id_tags=("0009471822",),
)

HOME = Installation(
    counter_id=0,
    inverters=(ROOF, GARAGE),
    battery=BATTERY,
    chargepoints=(CARPORT, YARD),
    vehicles=(NOBODY, IONIQ, E_UP),
    imported_wh=6_803_767.931,
    exported_wh=9_120_404.498,
)
GUEST_HOME = msgspec.structs.replace(
    HOME,
    chargepoints=(CARPORT, msgspec.structs.replace(YARD, vehicle_id=0)),
    vehicles=(NOBODY, IONIQ, E_UP, GUEST),
)
FULL_HOME = msgspec.structs.replace(HOME, vehicles=(NOBODY, msgspec.structs.replace(IONIQ, soc_percent=99.6), E_UP))

CENTS_FROM_MIDNIGHT = (24.1, 22.9, 22.2, 23.4, 24.6, 27.3, 31.8, 35.2, 34.1, 30.6, 27.5, 25.2)
CENTS_FROM_NOON = (24.0, 23.6, 25.0, 27.9, 31.4, 36.8, 40.3, 39.1, 35.0, 31.2, 27.6, 25.4)
TARIFF_HOME = msgspec.structs.replace(
    HOME,
    tariff=tuple(
        (3_600 * hour, round(cents / 100_000, 8))
        for hour, cents in enumerate((*CENTS_FROM_MIDNIGHT, *CENTS_FROM_NOON))
    ),
)
"""Hourly prices: cheap after midnight, dear in the evening."""

SMALL = msgspec.structs.replace(HOME, inverters=(), battery=None, chargepoints=(CARPORT,), vehicles=(NOBODY, IONIQ))
"""One charge point and a meter: no sun, no battery."""
