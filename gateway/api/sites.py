"""The sites and their values."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter, SkipValidation

from gateway.api.auth import moment
from gateway.api.errors import problems
from gateway.api.etags import is_known
from gateway.api.guards import current_login
from gateway.domain.access import Login
from gateway.domain.errors import InvalidArgument, NotFound, SiteUnavailable, Unavailable
from gateway.domain.filters import Filter
from gateway.domain.values import Reading, SiteState
from gateway.hub.hub import Hub
from gateway.hub.views import View, allowed_at, view_of
from gateway.protocol.frames import on_the_wire
from gateway.protocol.messages import Limits
from gateway.services.rights import rights_of

NOT_MODIFIED = 304
EXAMPLE = {"grid/power_w": [-1234.5, 1753791600.05], "battery/power_w": [12.0, 1753791500.0, "stale"]}

SiteId = Annotated[str, PathParameter(description="The id of a site.", examples=[Example(value="home")])]
Value: TypeAlias = Annotated[
    list[Any],
    msgspec.Meta(
        min_length=2,
        max_length=3,
        description='`[value, changed_at]` or `[value, changed_at, "stale"]`; `changed_at` in epoch seconds, null'
        " when the value was there before the gateway looked. A null value is known to be unknown.",
    ),
]


class SiteInfo(msgspec.Struct, frozen=True):
    """A site as the settings have it; ``dialect`` may be "auto" there."""

    id: str
    name: str
    dialect: str
    simulated: bool = False


class LinkAnswer(msgspec.Struct, frozen=True):
    """``state`` is that of the link to the openWB, or unknown while the gateway itself cannot tell."""

    state: Annotated[str, msgspec.Meta(examples=["up"])]
    reason: str | None
    since: datetime | None


class SiteAnswer(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(examples=["home"])]
    name: str
    dialect: Annotated[
        str,
        msgspec.Meta(
            description="What the openWB speaks; until the link has told, what is set.", examples=["openwb-2"]
        ),
    ]
    link: LinkAnswer


class ValuesAnswer(msgspec.Struct, frozen=True):
    """The chosen values at a position; ``view`` names what was chosen, and a subscription may go on from here."""

    site: str
    epoch: str
    seq: int
    view: str
    values: Annotated[dict[str, Value], msgspec.Meta(examples=[EXAMPLE])]


class Sites:
    """The sites of these settings, and the hub that knows their states."""

    def __init__(self, sites: Iterable[SiteInfo], hub: Hub, limits: Limits) -> None:
        self._sites = {site.id: site for site in sites}
        self._hub = hub
        self._most_patterns = limits.keys_per_subscription

    def all(self) -> tuple[SiteAnswer, ...]:
        return tuple(self._answer(site) for site in self._sites.values())

    def one(self, site_id: str) -> SiteAnswer:
        """The site; raises NotFound."""
        return self._answer(self._known(site_id))

    def origin(self, site_id: str) -> Literal["simulated"] | None:
        """Where its values come from, if not from a box; raises NotFound."""
        return "simulated" if self._known(site_id).simulated else None

    def state(self, site_id: str) -> SiteState:
        """What is known of the site now; raises NotFound or Unavailable."""
        site = self._known(site_id)
        state = self._hub.state(site.id)
        if state is None:
            raise SiteUnavailable(f"nothing is known of site {site.id!r} yet")
        return state

    def view(self, login: Login, site_id: str, keys: tuple[str, ...]) -> View:
        """What the login gets to see of what the patterns choose; raises InvalidArgument or NotFound."""
        wanted = Filter.of(patterns_of(keys, self._most_patterns))
        return view_of(site_id, wanted, allowed_at(rights_of(login, self._sites), site_id))

    def _known(self, site_id: str) -> SiteInfo:
        site = self._sites.get(site_id)
        if site is None:
            raise NotFound("there is no such site")
        return site

    def _answer(self, site: SiteInfo) -> SiteAnswer:
        try:
            readings = self.state(site.id).readings
        except Unavailable as error:
            return SiteAnswer(site.id, site.name, site.dialect, LinkAnswer("unknown", error.code, None))
        return SiteAnswer(site.id, site.name, text_of(readings, "link/dialect") or site.dialect, link_of(readings))


@get("/sites", summary="All sites", responses=problems(401, 503), tags=["sites"])
async def list_sites(sites: NamedDependency[SkipValidation[Sites]]) -> tuple[SiteAnswer, ...]:
    return sites.all()


@get("/sites/{site:str}", summary="One site", responses=problems(400, 401, 404, 503), tags=["sites"])
async def one_site(site: SiteId, sites: NamedDependency[SkipValidation[Sites]]) -> SiteAnswer:
    return sites.one(site)


@get(
    "/sites/{site:str}/values",
    summary="The values of a site",
    description="The values whose keys match one of the patterns, and those of the link always. The `ETag` changes"
    " only when a chosen value does; send it as `If-None-Match` to get 304 until then.",
    responses={
        200: ResponseSpec(ValuesAnswer, description="The chosen values.", generate_examples=False),
        **problems(400, 401, 404, 503),
        NOT_MODIFIED: ResponseSpec(None, description="No chosen value has changed since.", generate_examples=False),
    },
    tags=["sites"],
)
async def site_values(
    request: Request[Any, Any, Any],
    site: SiteId,
    sites: NamedDependency[SkipValidation[Sites]],
    keys: Annotated[
        tuple[str, ...],
        QueryParameter(
            description="A key pattern: `+` stands for one level, a final `#` for any number. In an address `#` is"
            " written `%23`. As many as a subscription may have, 16 unless set otherwise. Default: all.",
            examples=[Example(value=["chargepoints/+/power_w"])],
        ),
    ] = ("#",),
) -> Response[Any]:
    view = sites.view(current_login(request), site, keys)
    state = sites.state(site)
    matches = view.chosen.matcher()
    selected = {key: reading for key, reading in state.readings.items() if matches(key)}
    newest = max((state.seq_of(key) for key in selected), default=0)
    # weak: the position in the body may move on without a chosen value changing
    tag = f'W/"{view.name}-{state.position.epoch}-{newest}-{len(selected)}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if is_known(request.headers.get("if-none-match"), tag):
        return Response(None, status_code=NOT_MODIFIED, headers=headers)
    values: dict[str, Any] = {key: on_the_wire(reading) for key, reading in selected.items()}
    answer = ValuesAnswer(site, state.position.epoch, state.position.seq, view.name, values)
    return Response(answer, headers=headers)


def patterns_of(keys: tuple[str, ...], most: int) -> list[str]:
    """The patterns asked for. A bare ``+`` in an address arrives as a space; no level is just a space."""
    if len(keys) > most:
        raise InvalidArgument(f"at most {most} key patterns may be given, these are {len(keys)}")
    return [
        "/".join("+" * len(level) if level.isspace() else level for level in pattern.split("/")) for pattern in keys
    ]


def text_of(readings: Mapping[str, Reading], key: str) -> str | None:
    """The text the key holds, if it holds one."""
    found = readings.get(key)
    return found.value if found is not None and isinstance(found.value, str) else None


def link_of(readings: Mapping[str, Reading]) -> LinkAnswer:
    since = readings.get("link/since")
    at = since.value if since is not None else None
    known_at = moment(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
    return LinkAnswer(text_of(readings, "link/state") or "unknown", text_of(readings, "link/reason"), known_at)
