import msgspec
import pytest

from gateway.domain.events import KINDS, Kind
from gateway.protocol.examples import EXAMPLES, FROM_CLIENT, FROM_SERVER, Example
from gateway.protocol.messages import (
    EventMessage,
    FromClient,
    FromServer,
    Limits,
    MessageReader,
    ServerMessageReader,
)


def name_of(example: Example) -> str:
    return f"{example.message.__struct_config__.tag} {example.name}"


@pytest.mark.parametrize("example", FROM_CLIENT, ids=name_of)
def test_the_server_reads_it(example: Example) -> None:
    assert isinstance(example.message, FromClient)
    text = msgspec.json.encode(example.message).decode()
    assert MessageReader(Limits().message_bytes).read(text) == example.message


@pytest.mark.parametrize("example", FROM_SERVER, ids=name_of)
def test_a_client_reads_it(example: Example) -> None:
    assert isinstance(example.message, FromServer)
    assert ServerMessageReader().read(msgspec.json.encode(example.message)) == example.message


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_event_is_shown_with_all_its_details(kind: Kind) -> None:
    messages = [one.message for one in FROM_SERVER if isinstance(one.message, EventMessage)]
    shown = [set(message.details) for message in messages if message.event == kind.name]
    assert shown, f"give the event {kind.name} an example in gateway/protocol/examples.py"
    assert all(details == {detail.field.name for detail in kind.details} for details in shown)


def test_the_names_of_a_messages_examples_differ() -> None:
    assert len(set(map(name_of, EXAMPLES))) == len(EXAMPLES)
    assert all(example.summary for example in EXAMPLES)
