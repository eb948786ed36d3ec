"""What a login may see, for REST and the websocket alike."""

from collections.abc import Collection

from gateway.domain.access import Login, Role
from gateway.domain.filters import Filter
from gateway.hub.views import Allowed, Rights


def rights_of(login: Login, sites: Collection[str]) -> Rights:
    """Admins see all of each of these sites. A site that may not be seen is, for its reader, not there."""
    everything = Allowed(Filter.of(("#",)), login.scopes)

    def rights(site: str) -> Allowed | None:
        return everything if site in sites and login.role is Role.admin else None

    return rights
