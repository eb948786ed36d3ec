"""The web page, from the folder that ships in the wheel."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, SkipValidation

from gateway.api.files import Folder

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PageFolder = NamedDependency[SkipValidation[Folder]]


@get("/", include_in_schema=False)
async def index(request: Request[Any, Any, Any], page: PageFolder) -> Response[bytes]:
    return await page.answer("index.html", request.headers.get("if-none-match"))


@get("/{name:str}", include_in_schema=False)
async def file(
    request: Request[Any, Any, Any], name: Annotated[str, PathParameter()], page: PageFolder
) -> Response[bytes]:
    return await page.answer(name, request.headers.get("if-none-match"))
