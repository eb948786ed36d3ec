"""What ``up`` runs: real sites, or the demo. Simulated and real values never mix.

Rules:

* Sites with a box: those, in the data directory itself.
* None: the site ``demo``, in the folder ``demo`` of the data directory, unless something says that real values live
  here: a database or store given by URL, a database of a real site in the data directory, or one of our container
  images, which say so by GATEWAY_CONTAINER (a file like /.dockerenv is no proof: people develop in containers too).
"""

from pathlib import Path

import msgspec

from gateway.db.backups import Backups
from gateway.domain.errors import SettingsError
from gateway.settings import Settings, SiteSettings

DEMO = "demo"
DATABASE_FILE = "gateway.db"
BACKUPS = "backups"


class Plan(msgspec.Struct, frozen=True):
    """``demo``: there is no box; the sites get theirs when the simulation's broker runs."""

    demo: bool
    data_dir: Path


def plan(settings: Settings) -> Plan:
    """Decide; raises SettingsError with the reason and what to set."""
    of_the_demo = [name for name in ("demo_scene", "demo_dialect", "demo_speed") if getattr(settings, name)]
    if settings.sites and of_the_demo:
        raise SettingsError(f"GATEWAY_{of_the_demo[0].upper()}: only for the demo, which does not run beside a box")
    if settings.sites:
        return Plan(demo=False, data_dir=settings.data_dir)
    reasons = [name for name in ("database_url", "redis_url") if getattr(settings, name)]
    reasons = [f"GATEWAY_{name.upper()} is set" for name in reasons]
    if (settings.data_dir / DATABASE_FILE).exists():
        reasons.append(f"{settings.data_dir} has been used for a real box")
    if settings.container:
        reasons.append("this is a container")
    if reasons:
        raise SettingsError(
            f"GATEWAY_MQTT_URL: set it to your box. The demo is not for here, since {reasons[0]}; it runs with a"
            " GATEWAY_DATA_DIR of its own"
        )
    return Plan(demo=True, data_dir=settings.data_dir / DEMO)


def database_url(settings: Settings, data_dir: Path) -> str:
    """The one that is set, else the embedded one."""
    return settings.database_url or f"sqlite+aiosqlite:///{data_dir / DATABASE_FILE}"


class Stores(msgspec.Struct, frozen=True):
    """What the parts of a process share: store and database, and where copies of the latter go."""

    redis_url: str
    database_url: str
    backups: Backups


def stores_of(settings: Settings, data_dir: Path, redis_url: str) -> Stores:
    """Those that are set, else the embedded ones."""
    return Stores(redis_url, database_url(settings, data_dir), backups_of(settings, data_dir))


def backups_of(settings: Settings, data_dir: Path) -> Backups:
    return Backups(data_dir / BACKUPS, settings.backups_kept)


def demo_site(mqtt_url: str) -> SiteSettings:
    """The simulated site behind its broker."""
    return SiteSettings(id=DEMO, name="Demo", mqtt_url=mqtt_url)
