"""The document: complete, in itself right, and the one that lies in docs/protocol/."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from gateway.domain import errors
from gateway.protocol import messages
from gateway.protocol.asyncapi import (
    ANSWERS,
    CLOSE_MEANINGS,
    close_codes,
    document,
    error_codes,
    kinds_of,
    prose,
    tag,
    written,
)
from gateway.protocol.messages import CloseCode, FromClient, FromServer
from gateway.version import VERSION

ROOT = Path(__file__).parents[3]
DOCUMENT = document("1.2.3")
KINDS = [*kinds_of(FromClient), *kinds_of(FromServer)]
CLOSES = {one["code"]: one for one in close_codes()}

# What AsyncAPI 3 knows of each object that is used here: its fields, and in front those that must be there.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "document": (
        {"asyncapi", "info"},
        {"id", "servers", "defaultContentType", "channels", "operations", "components"},
    ),
    "info": ({"title", "version"}, {"description", "termsOfService", "contact", "license", "tags", "externalDocs"}),
    "server": (
        {"host", "protocol"},
        {"protocolVersion", "pathname", "description", "title", "summary", "variables", "security", "bindings"},
    ),
    "channel": (
        set(),
        {"address", "messages", "title", "summary", "description", "servers", "bindings"},
    ),
    "operation": (
        {"action", "channel"},
        {"title", "summary", "description", "security", "bindings", "messages", "reply"},
    ),
    "reply": (set(), {"address", "channel", "messages"}),
    "message": (
        set(),
        {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "examples"},
    ),
    "example": (set(), {"headers", "payload", "name", "summary"}),
    "components": (
        set(),
        {"schemas", "servers", "channels", "operations", "messages", "securitySchemes", "correlationIds", "replies"},
    ),
}


def fits(what: str, found: dict[str, Any]) -> None:
    needed, more = FIELDS[what]
    known = {name for name in found if not name.startswith("x-")}
    assert needed <= known <= needed | more, f"{what}: {sorted(known)}"


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, below in part.items():
            if name == "$ref":
                yield below
            else:
                yield from references(below)
    elif isinstance(part, list):
        for below in part:
            yield from references(below)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_the_objects_have_the_fields_of_asyncapi_3() -> None:
    components = DOCUMENT["components"]
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"
    fits("document", DOCUMENT)
    fits("info", DOCUMENT["info"])
    fits("components", components)
    for server in DOCUMENT["servers"].values():
        fits("server", server)
    for channel in DOCUMENT["channels"].values():
        fits("channel", channel)
    for operation in DOCUMENT["operations"].values():
        fits("operation", operation)
        assert operation["action"] in ("send", "receive")
        if "reply" in operation:
            fits("reply", operation["reply"])
    for message in components["messages"].values():
        fits("message", message)
        for example in message["examples"]:
            fits("example", example)


def test_every_reference_leads_somewhere_and_everything_is_led_to() -> None:
    found = set(references(DOCUMENT))
    for reference in found:
        assert resolved(reference), reference
    for group in ("messages", "schemas", "securitySchemes", "correlationIds"):
        for name in DOCUMENT["components"][group]:
            assert f"#/components/{group}/{name}" in found


def test_operations_name_messages_of_their_channel() -> None:
    """As AsyncAPI 3 wants it: never those of the components directly."""
    for operation in DOCUMENT["operations"].values():
        for part in (operation, operation.get("reply", operation)):
            assert part["channel"] == {"$ref": "#/channels/live"}
            assert all(one["$ref"].startswith("#/channels/live/messages/") for one in part["messages"])


def test_every_message_is_sent_or_received() -> None:
    operations = DOCUMENT["operations"]
    assert [operations[tag(kind)]["action"] for kind in kinds_of(FromClient)] == ["send"] * len(ANSWERS)
    assert {operations[f"on_{tag(kind)}"]["action"] for kind in kinds_of(FromServer)} == {"receive"}
    assert len(operations) == len(KINDS)
    assert set(ANSWERS) == set(kinds_of(FromClient)), "name what answers each message in ANSWERS of asyncapi.py"


def test_what_has_an_id_may_be_answered_by_an_error() -> None:
    answers = {name: one["reply"]["messages"] for name, one in DOCUMENT["operations"].items() if "reply" in one}
    error = {"$ref": "#/channels/live/messages/error"}
    assert answers["subscribe"] == [{"$ref": "#/channels/live/messages/subscribed"}, error]
    assert answers["ping"] == [{"$ref": "#/channels/live/messages/pong"}]


@pytest.mark.parametrize("kind", KINDS, ids=tag)
def test_every_message_says_what_it_is_and_has_examples_that_its_schema_allows(kind: Any) -> None:
    message = DOCUMENT["components"]["messages"][tag(kind)]
    assert message["summary"], f"{kind.__name__} needs a docstring"
    assert message["examples"], f"give {kind.__name__} an example in gateway/protocol/examples.py"
    schema = {**DOCUMENT["components"]["schemas"][kind.__name__], "components": DOCUMENT["components"]}
    validator = jsonschema_rs.validator_for({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
    for example in message["examples"]:
        validator.validate(example["payload"])
        with pytest.raises(jsonschema_rs.ValidationError):
            validator.validate({**example["payload"], "type": "other"})


@pytest.mark.parametrize(
    ("message", "values", "right"),
    [
        ("SnapshotPart", {"a": [1, 2.0]}, True),
        ("SnapshotPart", {"a": [None, None, "stale", "later"]}, True),
        ("SnapshotPart", {"a": [1]}, False),
        ("SnapshotPart", {"a": [1, 2.0, "fresh"]}, False),
        ("SnapshotPart", {"a": None}, False),
        ("DeltaMessage", {"a": None}, True),
        ("DeltaMessage", {"a": 1}, False),
    ],
)
def test_readings_are_described(message: str, values: object, right: bool) -> None:
    described = DOCUMENT["components"]["schemas"][message]["properties"]["values"]
    validator = jsonschema_rs.validator_for(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {"values": described},
            "components": DOCUMENT["components"],
        }
    )
    assert validator.is_valid({"values": values}) is right


def test_every_error_code_that_an_app_may_meet_is_listed() -> None:
    listed = {one["code"]: one for one in error_codes()}
    leaves = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RequestError | errors.Unavailable)
        if not [below for below in kind.__subclasses__() if below.__module__ == errors.__name__]
    }
    assert {kind.code: kind.temporary for kind in leaves} == {code: one["temporary"] for code, one in listed.items()}
    assert not [code for code, one in listed.items() if not one["description"]], "say it in the class"
    assert DOCUMENT["x-error-codes"] == list(listed.values())


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_is_listed_with_its_class_and_meaning(code: CloseCode) -> None:
    assert CLOSES[code]["class"] == messages.retry_class(code)
    assert CLOSES[code]["description"], f"say in CLOSE_MEANINGS of asyncapi.py what {code.value} means"


def test_no_other_close_code_of_ours_is_listed() -> None:
    assert set(CLOSE_MEANINGS) == set(CloseCode)
    assert DOCUMENT["x-close-codes"] == list(CLOSES.values())
    assert list(CLOSES) == sorted(CLOSES)


def test_docstrings_become_markdown() -> None:
    assert prose("One ``word``\n    of it.\n\n    More\n    of it.\n    ") == ["One `word` of it.", "More of it."]
    assert prose(None) == [""]


def test_the_yaml_holds_exactly_the_document() -> None:
    assert msgspec.yaml.decode(written("1.2.3")) == msgspec.json.decode(msgspec.json.encode(DOCUMENT))


def test_the_file_is_the_one_of_this_version() -> None:
    lies_there = (ROOT / "docs/protocol/asyncapi.yaml").read_bytes()
    assert lies_there == written(VERSION), "run: openwb-gateway schema asyncapi > docs/protocol/asyncapi.yaml"
