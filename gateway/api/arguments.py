"""The arguments of an address."""

from collections.abc import Collection, Iterable
from typing import Any

from litestar import Request

from gateway.domain.errors import InvalidArgument, UnknownField


def only(request: Request[Any, Any, Any], allowed: Iterable[str], several: Collection[str] = ()) -> None:
    """Refuse arguments that nobody knows, and such as are given twice: a filter left out would choose too much.

    Those of ``several`` may be given more than once. Raises UnknownField, InvalidArgument.
    """
    known = tuple(allowed)
    seen = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            allowed_here = f"allowed are {', '.join(known)}" if known else "this address has none"
            raise UnknownField(f"there is no argument {name[:40]!r}; {allowed_here}")
        if name in seen and name not in several:
            raise InvalidArgument(f"{name}: it is given twice; allowed is once")
        seen.add(name)
