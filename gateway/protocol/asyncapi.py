"""The AsyncAPI 3 document of the websocket, made from the message structs, the error tree and the close codes.

It is written from a client's view: ``send`` is what an app sends, ``receive`` what it gets. A message that is added
to ``messages.py`` is in it by itself; what else it needs, an example and an answer, the tests ask for.
"""

import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import msgspec

from gateway.domain import errors
from gateway.domain.errors import GatewayError
from gateway.domain.events import KINDS
from gateway.domain.events import Kind as EventKind
from gateway.protocol import messages
from gateway.protocol.examples import EXAMPLES
from gateway.protocol.messages import SUBPROTOCOL, VERSION, CloseCode, FromClient, FromServer, retry_class

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = type[FromClient] | type[FromServer]
Base = TypeVar("Base", FromClient, FromServer)

PATH = "/api/v1/live"
DESCRIPTION = f"""\
Live values of an openWB over one connection, written from the view of an app: `send` is what the app sends, `receive`
what it gets. Every message is one JSON object as text, and its `type` names it. The guide beside this document,
README.md, says how to keep a copy that is never wrong.

Offer the subprotocol `{SUBPROTOCOL}`, or none. The server only ever adds messages and fields: ignore those that you
do not know. From you it takes what it knows, and names in an `error` what it does not.

`x-events` lists what `event` may be in an `event`, and what its `details` then are. `x-error-codes` lists what `code`
may be in an `error`, and in the problem documents of the REST API; `temporary` ones may work later. `x-close-codes`
lists how a connection may end, and whether to come back: `final` - not by yourself; `soon` - at once, or within the
time that was told; `backoff` - after a random time of up to 1, 2, 4 … 60 s."""

# What answers a client's message when all goes well; an ``error`` otherwise, but for ``ping``.
ANSWERS: Mapping[type[FromClient], type[FromServer]] = MappingProxyType(
    {
        messages.Auth: messages.Authenticated,
        messages.Subscribe: messages.Subscribed,
        messages.Update: messages.Subscribed,
        messages.Unsubscribe: messages.Unsubscribed,
        messages.Ping: messages.Pong,
    }
)

CLOSE_MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        CloseCode.AUTH_FAILED: "Too many wrong tokens. Log in again.",
        CloseCode.REPLACED: "Another connection of this `device` took the place. Back only on the user's wish.",
        CloseCode.ABUSE: "Too many messages that were refused.",
        CloseCode.LOGIN_ENDED: "The login was ended. Log in again.",
        CloseCode.GONE: "No pong came for too long, as when a phone sleeps. Resume.",
        CloseCode.AUTH_TIMEOUT: "No valid `auth` came in time.",
        CloseCode.TOO_MANY_CONNECTIONS: "The user has as many connections as `limits` allows.",
        CloseCode.DRAINING: "The process ends; another one is there. `drain` came before.",
        CloseCode.LOGIN_EXPIRED: "The login has expired. Get a new token, then come back at once.",
    }
)
# Codes that are not ours: of the websocket itself.
COMMON_CLOSE_CODES: Mapping[int, str] = MappingProxyType(
    {
        1006: "Never sent, but what a library reports: the connection is gone without a word.",
        1009: "A message far beyond `limits.message_bytes`.",
        1011: "An error in the gateway.",
        1012: "The gateway stops, or starts again.",
    }
)

# In the words of JSON Schema draft 7, which AsyncAPI 3 speaks.
READING: Json = {
    "title": "Reading",
    "description": (
        '`[value, changed_at]` or `[value, changed_at, "stale"]`. `value` null: known to be unknown. `changed_at`, in'
        " epoch seconds, is null when the value was there before the gateway looked. `stale`: nobody vouches for the"
        " value any more. Ignore further elements."
    ),
    "type": "array",
    "minItems": 2,
    "items": [
        {"description": "As docs/values.md says of the key."},
        {"type": ["number", "null"]},
        {"const": "stale"},
    ],
    "examples": [[-1234.5, 1753791600.05], [12.0, 1753791500.0, "stale"], [None, None]],
}


def document(version: str) -> Json:
    """The whole document as plain dicts and lists; ``version`` is the gateway's."""
    kinds: list[Kind] = [*kinds_of(FromClient), *kinds_of(FromServer)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"openWB Gateway: the websocket, version {VERSION}",
            "version": version,
            "description": "\n\n".join(prose(DESCRIPTION)),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {"live": _channel(kinds)},
        "operations": _operations(),
        "components": {
            "messages": {tag(kind): _message(kind) for kind in kinds},
            "schemas": _schemas(kinds),
            "securitySchemes": _security_schemes(),
            "correlationIds": {
                "request": {
                    "description": "An answer repeats the request's.",
                    "location": "$message.payload#/id",
                }
            },
        },
        "x-events": [_event(kind) for kind in KINDS],
        "x-error-codes": error_codes(),
        "x-close-codes": close_codes(),
    }


def written(version: str) -> bytes:
    """The document as YAML, as it lies in docs/protocol/ and is served."""
    return msgspec.yaml.encode(document(version))


def kinds_of(base: type[Base]) -> list[type[Base]]:
    """The messages of one side, in the order in which they are declared."""
    return [kind for kind in base.__subclasses__() if kind.__module__ == messages.__name__]


def tag(kind: Kind) -> str:
    """The ``type`` of a message."""
    return str(kind.__struct_config__.tag)


def error_codes() -> list[Json]:
    """Every code that an app may meet: of the errors that the caller can mend, and of parts out of reach."""
    return [
        {"code": kind.code, "temporary": kind.temporary, "description": prose(kind.__doc__)[0]}
        for root in (errors.RequestError, errors.Unavailable)
        for kind in _leaves(root)
    ]


def _leaves(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    below = [kind for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    if not below:
        yield root
    for kind in below:
        yield from _leaves(kind)


def close_codes() -> list[Json]:
    """Ours and those of the websocket itself, in order, each with what to do."""
    told = {**COMMON_CLOSE_CODES, **{code.value: CLOSE_MEANINGS.get(code, "") for code in CloseCode}}
    return [{"code": code, "class": retry_class(code), "description": told[code]} for code in sorted(told)]


def prose(docstring: str | None) -> list[str]:
    """The paragraphs of a docstring, each in one line, as Markdown."""
    clean = inspect.cleandoc(docstring or "").replace("``", "`")
    return [" ".join(paragraph.split()) for paragraph in clean.split("\n\n")]


# --- the parts of the document --------------------------------------------------------------------------------------


def _ref(*way: str) -> Json:
    return {"$ref": "/".join(("#", *way))}


def _servers() -> Json:
    security = [_ref("components", "securitySchemes", name) for name in _security_schemes()]
    host = {"description": "Name or address, and the port if it is not the usual one."}
    return {
        "public": {
            "host": "{host}",
            "protocol": "wss",
            "description": "Behind TLS, as it should be reached from outside.",
            "variables": {"host": {**host, "default": "gateway.example"}},
            "security": security,
        },
        "local": {
            "host": "{host}",
            "protocol": "ws",
            "description": "As `make run` starts it.",
            "variables": {"host": {**host, "default": "127.0.0.1:8080"}},
            "security": security,
        },
    }


def _security_schemes() -> Json:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of `POST /api/v1/auth/login` as a header of the handshake; `hello` then says"
            ' `"auth": "done"`, and `authenticated` follows by itself.',
        },
        "auth_message": {
            "type": "apiKey",
            "in": "password",
            "description": "The same token in the message `auth`, for browsers, which cannot send the header.",
        },
        "ticket": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": f"A ticket of `POST /api/v1/auth/ticket`, good for one connection, as the subprotocol"
            f" `gateway.ticket.<ticket>` beside `{SUBPROTOCOL}`; the server picks the latter.",
        },
    }


def _channel(kinds: list[Kind]) -> Json:
    return {
        "address": PATH,
        "title": "Live values",
        "description": "One connection; the server speaks first.",
        "servers": [_ref("servers", name) for name in _servers()],
        "messages": {tag(kind): _ref("components", "messages", tag(kind)) for kind in kinds},
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Authorization": {"type": "string", "description": "`Bearer <token>`; never in the address."},
                        "Sec-WebSocket-Protocol": {"type": "string", "examples": [SUBPROTOCOL]},
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operations() -> Json:
    return {tag(kind): _sending(kind) for kind in kinds_of(FromClient)} | {
        f"on_{tag(kind)}": _receiving(kind) for kind in kinds_of(FromServer)
    }


def _in_channel(kind: Kind) -> Json:
    return _ref("channels", "live", "messages", tag(kind))


def _receiving(kind: type[FromServer]) -> Json:
    return {
        "action": "receive",
        "channel": _ref("channels", "live"),
        "summary": prose(kind.__doc__)[0],
        "messages": [_in_channel(kind)],
    }


def _sending(kind: type[FromClient]) -> Json:
    answers = [_in_channel(ANSWERS[kind])] if kind in ANSWERS else []
    if "id" in kind.__struct_fields__:
        answers.append(_in_channel(messages.Error))
    return {
        "action": "send",
        "channel": _ref("channels", "live"),
        "summary": prose(kind.__doc__)[0],
        "messages": [_in_channel(kind)],
        "reply": {"channel": _ref("channels", "live"), "messages": answers},
    }


def _event(kind: EventKind) -> Json:
    details = {detail.field.name: detail.text_en for detail in kind.details}
    return {"event": kind.name, "description": kind.text_en, "details": details}


def _message(kind: Kind) -> Json:
    summary, *more = prose(kind.__doc__)
    made: Json = {"name": tag(kind), "title": kind.__name__, "summary": summary}
    if more:
        made["description"] = "\n\n".join(more)
    if "id" in kind.__struct_fields__:
        made["correlationId"] = _ref("components", "correlationIds", "request")
    made["payload"] = _ref("components", "schemas", kind.__name__)
    made["examples"] = [
        {"name": example.name, "summary": example.summary, "payload": msgspec.to_builtins(example.message)}
        for example in EXAMPLES
        if type(example.message) is kind
    ]
    return made


def _schemas(kinds: list[Kind]) -> Json:
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = " ".join(prose(schema["description"]))
    # The structs hold readings as they come, since only the catalogue knows their types.
    reading = _ref("components", "schemas", "Reading")
    schemas["SnapshotPart"]["properties"]["values"]["additionalProperties"] = reading
    schemas["DeltaMessage"]["properties"]["values"]["additionalProperties"] = {"oneOf": [reading, {"type": "null"}]}
    return {**schemas, "Reading": READING}
