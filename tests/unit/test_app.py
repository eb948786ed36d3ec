"""Which routes there are, and that none was forgotten."""

from pathlib import Path

from litestar.routes import HTTPRoute

from gateway.api.guards import bearer_guard
from gateway.app import API
from tests.support.rest import Web, sqlite
from tests.unit.api.test_docs import OPEN


async def test_below_the_api_only_the_named_routes_are_open(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as database:
        web = Web(database)
    name = bearer_guard(web.auth).__qualname__
    open_routes = OPEN | {f"{API}/live"}  # there it only says: open me as a websocket
    seen = set()
    for route in web.app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(API):
            for handler in route.route_handlers:
                guarded = any(getattr(guard, "__qualname__", "") == name for guard in handler.resolve_guards())
                # what Litestar answers to OPTIONS tells the methods of an address and nothing else
                assert guarded is (route.path not in open_routes) or handler.http_methods == {"OPTIONS"}, route.path
            seen.add(route.path)
    assert len(seen) > len(open_routes)
