"""The time zone of a site, by its name in the settings."""

from zoneinfo import ZoneInfo

from gateway.domain.errors import SettingsError
from gateway.settings import SiteSettings


def zone_of(site: SiteSettings) -> ZoneInfo:
    """Raises SettingsError for a name that this system does not know."""
    try:
        return ZoneInfo(site.timezone)
    except (KeyError, OSError, ValueError) as error:
        raise SettingsError(
            f"GATEWAY_TIMEZONE: this system knows no time zone {site.timezone!r}; allowed is a name such as"
            " Europe/Berlin (if none is known, install tzdata)"
        ) from error
