from collections.abc import Iterator

import pytest

from gateway.domain import errors
from gateway.domain.errors import (
    BrokerUnavailable,
    GatewayError,
    RateLimited,
    TooManySubscriptions,
    TooManyViews,
    Unreadable,
)


def tree(root: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def leaves() -> list[type[GatewayError]]:
    return [error for error in tree() if not error.__subclasses__()]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in tree()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", leaves(), ids=lambda error: error.__name__)
def test_the_docstring_draws_each_leaf_with_its_code(error: type[GatewayError]) -> None:
    assert errors.__doc__ is not None
    drawn = [line.split() for line in errors.__doc__.splitlines() if error.__name__ in line.split()]
    assert len(drawn) == 1
    assert any(word.rstrip(":") == error.code for word in drawn[0])


def test_an_error_carries_its_sentence_and_when_to_come_back() -> None:
    error = RateLimited("at most 2 commands a second", retry_after_s=0.5)
    assert str(error) == error.message == "at most 2 commands a second"
    assert error.retry_after_s == 0.5
    assert error.temporary
    assert Unreadable("not JSON").retry_after_s is None
    assert not Unreadable("not JSON").temporary


def test_an_unreachable_broker_says_why() -> None:
    assert BrokerUnavailable("refused").reason == "unreachable"
    assert BrokerUnavailable("wrong password", reason="bad_credentials").reason == "bad_credentials"


def test_a_limit_says_which_one_it_was() -> None:
    assert RateLimited("slowly").scope == "other"
    assert RateLimited("slowly", scope="messages").scope == "messages"
    assert (TooManySubscriptions("enough").scope, TooManyViews("enough").scope) == ("subscriptions", "views")


def test_what_cannot_be_read_says_in_a_word_why() -> None:
    assert (Unreadable("not a text").reason, Unreadable("not JSON", reason="encoding").reason) == ("kind", "encoding")
