from collections.abc import Callable

import pytest

from gateway.domain.openwb2_payloads import decoded
from gateway.domain.openwb19_payloads import number
from gateway.domain.openwb_heartbeat import box_time
from gateway.domain.values import JsonValue


@pytest.mark.parametrize("decode", [decoded, number])
def test_the_time_or_none(decode: Callable[[bytes], JsonValue]) -> None:
    assert box_time(decode, b"1714732740") == 1_714_732_740.0
    for payload in (b"", b"null", b"garbage{", b"\xff", b"-1"):
        assert box_time(decode, payload) is None
