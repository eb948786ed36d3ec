"""The documentation: OpenAPI at /schema/openapi.json, AsyncAPI at /schema/asyncapi.yaml, and a page at /schema.

The page loads nothing from outside.
"""

import functools
import importlib.util
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import PathParameter
from litestar.router import Router

from gateway.api.files import Folder
from gateway.domain.errors import NotFound
from gateway.protocol.asyncapi import written

SCHEME = "token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css")
PAGE = b"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>openWB Gateway: interfaces</title>
  <link rel="icon" href="/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/schema/assets/swagger-ui.css">
  <script defer src="/schema/assets/swagger-ui-bundle.js"></script>
  <script defer src="/schema/assets/start.js"></script>
</head>
<body>
  <p class="swagger-ui">REST is described below, and in <a href="/schema/openapi.json">openapi.json</a>;
    the websocket for live values in <a href="/schema/asyncapi.yaml">asyncapi.yaml</a>.</p>
  <div id="documentation"></div>
</body>
</html>
"""
# without a validator: it would send the address of this gateway to a stranger
START = b"""SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
"""
DESCRIPTION = """Values of an openWB, its history and its charge sessions; later its commands and reports.

Log in with `POST /api/v1/auth/login` and send the token as `Authorization: Bearer ...`. Errors are problem documents
(RFC 9457) with a stable `code`. Any address may answer 421, when the gateway does not go by the name in `Host`, and
all but reading 403, when a page of another origin asks. For live values use the websocket `/api/v1/live`,
described in `/schema/asyncapi.yaml`."""


class OfflinePage(OpenAPIRenderPlugin):
    """Swagger UI from an installed package instead of a CDN; its script starts from a file, so none is inline.

    The description of the websocket lies beside it.
    """

    def __init__(self, version: str) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)
        self._asyncapi = functools.cache(partial(written, version))  # made when first asked for

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - loads it
        return PAGE

    def receive_router(self, router: Router) -> None:
        folder = Folder(assets_path(), POLICY)

        @get("/assets/{name:str}", include_in_schema=False)
        async def asset(request: Request[Any, Any, Any], name: Annotated[str, PathParameter()]) -> Response[bytes]:
            if name == "start.js":
                return Response(START, media_type="text/javascript")
            return await folder.answer(name if name in ASSETS else "", request.headers.get("if-none-match"))

        @get("/asyncapi.yaml", include_in_schema=False, sync_to_thread=False)
        def asyncapi() -> Response[bytes]:
            return Response(self._asyncapi(), media_type="application/yaml")

        router.register(asset)
        router.register(asyncapi)


def assets_path() -> Path:
    """Where the package ``swagger-ui-py`` keeps its static files; the package itself is not imported."""
    found = importlib.util.find_spec("swagger_ui")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(next(iter(found.submodule_search_locations))) / "static"


async def _no_pages_of_litestar(response: Response[Any]) -> Response[Any]:
    """It would answer an unknown address here with a page of its own."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotFound("there is no such address")
    return response


def openapi(version: str) -> OpenAPIConfig:
    """The settings of the documentation."""
    return OpenAPIConfig(
        title="openWB Gateway",
        version=version,
        description=DESCRIPTION,
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            include_in_schema=False,
            response_headers={"Content-Security-Policy": POLICY},
            after_request=_no_pages_of_litestar,
        ),
        render_plugins=[OfflinePage(version), JsonRenderPlugin()],
        components=Components(security_schemes={SCHEME: SecurityScheme(type="http", scheme="bearer")}),
    )
