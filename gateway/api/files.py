"""Files that ship with the gateway: the page, and the parts of the documentation page."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from litestar import Response

from gateway.api.etags import is_known
from gateway.domain.errors import NotFound

TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".html": "text/html",
        ".js": "text/javascript",
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".woff2": "font/woff2",
        ".json": "application/json",
        ".webmanifest": "application/manifest+json",
        ".txt": "text/plain",
    }
)


class Folder:
    """One flat folder of small files. Files of other types than ``TYPES`` are not given out."""

    def __init__(self, path: Path, content_security_policy: str) -> None:
        self._path = path
        self._policy = content_security_policy

    async def answer(self, name: str, if_none_match: str | None) -> Response[bytes]:
        """The file, or 304; raises NotFound. A browser asks again each time, so an update shows at once."""
        kind = TYPES.get(Path(name).suffix)
        # a name, not a path: no separators, nothing hidden, no parent
        if kind is None or name.startswith(".") or Path(name).name != name or "\\" in name or "\0" in name:
            raise NotFound("there is no such page")
        try:
            content = await asyncio.to_thread((self._path / name).read_bytes)
        except OSError as error:
            raise NotFound("there is no such page") from error
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": self._policy}
        if is_known(if_none_match, tag):
            return Response(b"", status_code=304, headers=headers, media_type=kind)
        return Response(content, headers=headers, media_type=kind)
