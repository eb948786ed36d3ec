"""Answers with exact decimals: JSON numbers of the very digits, and no unknown arguments."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType

from gateway.domain.box_log import plain
from gateway.domain.errors import UnknownField

_encoder = msgspec.json.Encoder(decimal_format="number")


def exact(answer: object, status_code: int = 200) -> Response[bytes]:
    """The answer; a reader that takes its numbers for binary ones gets the nearest."""
    return Response(_encoder.encode(answer), status_code=status_code, media_type=MediaType.JSON)


def shortest(number: Decimal) -> Decimal:
    """The same number without superfluous zeros, which a database adds."""
    return Decimal(plain(number))


def only(request: Request[Any, Any, Any], allowed: Iterable[str]) -> None:
    """Refuse arguments that nobody knows: a filter that is misspelt would choose everything. Raises UnknownField."""
    known = tuple(allowed)
    for name in request.query_params:
        if name not in known:
            raise UnknownField(f"there is no argument {name[:40]!r}; allowed are {', '.join(known)}")
