"""The words of the websocket protocol, version 1 (``/api/v1/live``, subprotocol ``gateway.v1.json``).

A message is one JSON object whose ``type`` names it. What a client sends is read strictly: an unknown field or
message is refused by name, and the connection stays open. What the server sends may grow new messages and fields;
clients ignore what they do not know.
"""

from enum import IntEnum
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from gateway.domain.access import device_problem
from gateway.domain.errors import GatewayError, InvalidArgument, MessageTooLarge, UnknownField, UnknownMessage

SUBPROTOCOL = "gateway.v1.json"
TICKET_PREFIX = "gateway.ticket."
VERSION = 1
MOST_SHOWN_CHARS = 60

RequestId = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(min_length=1, max_length=64)]
Token = Annotated[str, Meta(min_length=1, max_length=512)]
EventIdText = Annotated[str, Meta(pattern=r"^[0-9]{1,20}-[0-9]{1,20}$", examples=["1753791600123-0"])]
Milliseconds = Annotated[float, Meta(ge=0, le=3_600_000)]
How = Literal["snapshot", "resumed", "unchanged"]
ResetReason = Literal["epoch", "trimmed", "view"]


class Limits(Struct, frozen=True, kw_only=True):
    """What a connection may use; ``hello`` tells them. The defaults are those of the protocol's description."""

    message_bytes: int = 16_384
    auth_message_bytes: int = 4_096
    snapshot_part_bytes: int = 32_768
    unacknowledged_bytes: int = 131_072
    subscriptions: int = 32
    keys_per_subscription: int = 16
    groups_per_site: int = 256
    groups_per_user: int = 64
    connections_per_user: int = 20
    connections_per_address: int = 100
    subscribe_burst: int = 32
    subscribes_per_s: float = 5.0
    message_burst: int = 128
    messages_per_s: float = 32.0
    refusal_burst: int = 100
    refusals_per_s: float = 10.0
    queued_requests: int = 32
    replayed_events: int = 200
    auth_deadline_s: float = 5.0
    auth_tries: int = 3
    heartbeat_s: float = 10.0


class CloseCode(IntEnum):
    """Why the server ends a connection. The range tells a client what to do, see ``retry_class``."""

    AUTH_FAILED = 4001
    REPLACED = 4005
    ABUSE = 4008
    LOGIN_ENDED = 4010
    GONE = 4102
    AUTH_TIMEOUT = 4103
    TOO_MANY_CONNECTIONS = 4104
    DRAINING = 4201
    LOGIN_EXPIRED = 4203


RetryClass = Literal["final", "backoff", "soon"]


def retry_class(code: int) -> RetryClass:
    """4000-4099 final, 4200-4299 come back within the given time; all else, 1006 and 1012 too: with backoff."""
    if 4000 <= code <= 4099:  # noqa: PLR2004 - the protocol's ranges, named in the line above
        return "final"
    return "soon" if 4200 <= code <= 4299 else "backoff"  # noqa: PLR2004 - as above


# --- what clients send ----------------------------------------------------------------------------------------------


class FromClient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """The base of all messages of a client."""


class Auth(FromClient, frozen=True, tag="auth", kw_only=True):
    """Who this is. ``device``, a text without control characters, names the installation of an app."""

    id: RequestId
    token: Token
    device: Text | None = None


class Held(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to where a client's copy of a view is complete."""

    epoch: Text
    seq: Number
    view: Text


class Subscribe(FromClient, frozen=True, tag="subscribe", kw_only=True):
    """Ask for the values of a site whose keys match one of the patterns, from the held position if there is one.

    The first subscription of a site on a connection brings the site's events, too: those after ``events_after``, or
    from now on without it. With further ones it says nothing.
    """

    id: RequestId
    site: Text
    keys: tuple[str, ...]
    min_interval_ms: Milliseconds = 0.0
    held: Held | None = field(default=None, name="from")
    events_after: EventIdText | None = None


class Update(FromClient, frozen=True, tag="update", kw_only=True):
    """Change what is given of a subscription; the rest stays."""

    id: RequestId
    subscription: Number
    keys: tuple[str, ...] | UnsetType = UNSET
    min_interval_ms: Milliseconds | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class Unsubscribe(FromClient, frozen=True, tag="unsubscribe", kw_only=True):
    """End a subscription."""

    id: RequestId
    subscription: Number


class Ping(FromClient, frozen=True, tag="ping", kw_only=True):
    """Ask for a ``pong``."""


Request: TypeAlias = Subscribe | Update | Unsubscribe
ClientMessage: TypeAlias = Auth | Request | Ping

# --- what the server sends ------------------------------------------------------------------------------------------


class FromServer(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base of all messages of the server."""


class ServerInfo(Struct, frozen=True, kw_only=True):
    version: str
    features: tuple[str, ...] = ()


class Hello(FromServer, frozen=True, tag="hello", kw_only=True):
    """The first message. ``server_time`` is in epoch seconds; ``auth`` says whether an ``auth`` message is needed."""

    version: int = VERSION
    server: ServerInfo
    server_time: float
    auth: Literal["required", "done"]
    limits: Limits


class Authenticated(FromServer, frozen=True, tag="authenticated", kw_only=True):
    """Who the client is known as. ``id`` is null when the Authorization header said who it is."""

    id: int | None
    user: str
    scopes: tuple[str, ...]
    connection: str


class Subscribed(FromServer, frozen=True, tag="subscribed", kw_only=True):
    """The subscription stands; ``subscription`` is the number under which snapshots and deltas come.

    ``how`` = snapshot: the whole view comes as ``snapshot`` messages, at this position or a later one. resumed: the
    client holds (``epoch``, ``seq``), the position it gave, and goes on from it; a delta follows if the site moved
    since. unchanged: it goes on as before.

    The site's events come behind ``events_after``; until there is one, that is what to give after a break.
    """

    id: int
    subscription: int
    view: str
    how: How
    epoch: str
    seq: int
    min_interval_ms: int
    events_after: str | None = None


class Unsubscribed(FromServer, frozen=True, tag="unsubscribed", kw_only=True):
    """The subscription has ended. ``id`` is null when the server ended it: the site may no longer be seen."""

    id: int | None
    subscription: int


class SnapshotPart(FromServer, frozen=True, tag="snapshot", kw_only=True):
    """One of ``parts`` pieces of a view at a position; ``part`` counts from 1, piece 1 begins anew.

    A value is ``[value, changed_at]`` or ``[value, changed_at, "stale"]``.
    """

    subscription: int
    epoch: str
    seq: int
    part: int
    parts: int
    values: dict[str, Any]


class DeltaMessage(FromServer, frozen=True, tag="delta", kw_only=True):
    """The newest value, as of ``seq``, of every key of the view that changed in (``from``, ``seq``]; null: it ceased.

    Empty ``values`` are a sign of life that moves the position.
    """

    subscription: int
    from_seq: int = field(name="from")
    seq: int
    values: dict[str, Any]


class Reset(FromServer, frozen=True, tag="reset", kw_only=True):
    """What the client holds under ``subscription`` no longer counts; a snapshot comes under the number ``now``."""

    subscription: int
    reason: ResetReason
    now: int


class EventMessage(FromServer, frozen=True, tag="event", kw_only=True):
    """Something happened ``at`` (epoch seconds); ``docs/events.md`` says what ``details`` an ``event`` has.

    It comes behind the values that show it. Ids grow; the last one is what ``events_after`` wants after a break.
    """

    event_id: str
    at: float
    site: str
    event: str
    details: dict[str, Any]


class EventGap(FromServer, frozen=True, tag="event_gap", kw_only=True):
    """Not all events of the site after the id ``after`` come here: read ``GET sites/{site}/events?after=`` for them.

    What is kept here follows, which may be something that came before.
    """

    site: str
    after: str


class Pong(FromServer, frozen=True, tag="pong", kw_only=True):
    """The answer to ``ping``."""


class Drain(FromServer, frozen=True, tag="drain", kw_only=True):
    """The process ends: the connection will be closed (4201) within ``within_s`` seconds. Move at once, or then."""

    within_s: float


class Error(FromServer, frozen=True, tag="error", kw_only=True):
    """What went wrong. ``id`` is that of the request, or null when it concerns none or could not be read."""

    id: int | None
    code: str
    message: str
    retry_after_s: float | None = None


ServerMessage: TypeAlias = (
    Hello
    | Authenticated
    | Subscribed
    | Unsubscribed
    | SnapshotPart
    | DeltaMessage
    | Reset
    | EventMessage
    | EventGap
    | Pong
    | Drain
    | Error
)

# --- reading --------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """A client's message that cannot be read; leaves this package only as an ``error`` message."""

    def __init__(self, error: GatewayError, request_id: int | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.request_id = request_id


class MessageReader:
    """Reads what clients send."""

    def __init__(self, message_bytes: int) -> None:
        self.message_bytes = message_bytes
        self._decoder = msgspec.json.Decoder(ClientMessage)
        self._known = {kind.__struct_config__.tag: kind for kind in get_args(ClientMessage)}

    def read(self, received: str | bytes) -> ClientMessage:
        """The message; raises Refused with the reason and, where it can be read, the request's id."""
        if not isinstance(received, str):
            raise Refused(InvalidArgument("a message is sent as text, this one came as binary"), None)
        raw = received.encode("utf-8", "surrogatepass")
        if len(raw) > self.message_bytes:
            problem = f"a message has at most {self.message_bytes} bytes here, this one {len(raw)}"
            raise Refused(MessageTooLarge(problem), None)
        try:
            message: ClientMessage = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._explained(raw, error) from error
        if isinstance(message, Auth) and (wrong := device_problem(message.device)):
            raise Refused(InvalidArgument(f"message 'auth': {wrong}"), message.id)
        return message

    def _explained(self, raw: bytes, error: Exception) -> Refused:
        """Read the message without types, to say what is wrong with it in the client's own words."""
        try:
            found = msgspec.json.decode(raw)
        except RecursionError:
            return Refused(InvalidArgument("the message is nested too deeply"), None)
        except (msgspec.DecodeError, UnicodeDecodeError) as broken:
            where = str(broken).removeprefix("JSON is malformed: ")
            return Refused(InvalidArgument(f"the message is not JSON: {where}"), None)
        if not isinstance(found, dict):
            return Refused(InvalidArgument("a message is a JSON object with a field 'type'"), None)
        return Refused(self._problem(found, error), _id_of(found))

    def _problem(self, found: dict[str, Any], error: Exception) -> GatewayError:
        kind = found.get("type")
        if not isinstance(kind, str):
            return InvalidArgument("a message has a field 'type', a text")
        struct = self._known.get(kind)
        if struct is None:
            return UnknownMessage(f"there is no message {shown(kind)}; known are {', '.join(map(str, self._known))}")
        held = found.get("from")
        unknown = _unknown(found, struct) or (_unknown(held, Held, "from.") if isinstance(held, dict) else None)
        if unknown:
            return UnknownField(f"message {kind!r} has no field {unknown}")
        return InvalidArgument(f"message {kind!r}: {error}")


def _unknown(found: dict[str, Any], struct: type[Struct], prefix: str = "") -> str | None:
    """The first field that is none, and which there are."""
    known = (*(() if prefix else ("type",)), *struct.__struct_encode_fields__)
    return next((f"{shown(prefix + name)}; it has {', '.join(known)}" for name in found if name not in known), None)


def _id_of(found: dict[str, Any]) -> int | None:
    try:
        return msgspec.convert(found.get("id"), RequestId)
    except msgspec.ValidationError:
        return None


def shown(text: str) -> str:
    """A client's text as it may stand in an answer: quoted, not too long."""
    return repr(text if len(text) <= MOST_SHOWN_CHARS else f"{text[:MOST_SHOWN_CHARS]}…")


def error_message(error: GatewayError, request_id: int | None) -> Error:
    return Error(id=request_id, code=error.code, message=error.message, retry_after_s=error.retry_after_s)


class ServerMessageReader:
    """Reads what the server sends, as a client does: what is unknown is ignored."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(ServerMessage)
        self._any = msgspec.json.Decoder(_AnyMessage)
        self._known = {kind.__struct_config__.tag for kind in get_args(ServerMessage)}

    def read(self, received: str | bytes) -> ServerMessage | None:
        """The message, or None when this version does not know it; raises ``msgspec.DecodeError`` when broken."""
        try:
            message: ServerMessage = self._decoder.decode(received)
        except msgspec.ValidationError:
            if self._any.decode(received).type in self._known:
                raise
            return None
        return message


class _AnyMessage(Struct, frozen=True):
    type: str
