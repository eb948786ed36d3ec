"""``reconcile`` from the command line: opens the database for it."""

from gateway.domain.months import Month
from gateway.domain.reconcile import Reconciled
from gateway.run.imports import opened_database
from gateway.run.zones import zone_of
from gateway.services.reconciling import reconciled as of_database
from gateway.settings import Settings, SiteSettings


async def reconciled(settings: Settings, site: SiteSettings, first: Month, last: Month) -> list[Reconciled]:
    """Month by month and charge point by charge point. Raises DatabaseUnavailable, SettingsError."""
    zone = zone_of(site)
    async with opened_database(settings, migrate=True, make=False) as database:
        return await of_database(database, site.id, zone, first, last)
