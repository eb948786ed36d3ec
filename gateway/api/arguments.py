"""The arguments of an address."""

from collections.abc import Iterable
from typing import Any

from litestar import Request

from gateway.domain.errors import UnknownField


def only(request: Request[Any, Any, Any], allowed: Iterable[str]) -> None:
    """Refuse arguments that nobody knows: a filter that is misspelt would choose everything. Raises UnknownField."""
    known = tuple(allowed)
    for name in request.query_params:
        if name not in known:
            allowed_here = f"allowed are {', '.join(known)}" if known else "this address has none"
            raise UnknownField(f"there is no argument {name[:40]!r}; {allowed_here}")
