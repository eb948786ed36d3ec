"""What an MQTT URL may say, and what becomes of it."""

import pytest

from gateway.dial import Endpoint, endpoint
from gateway.domain.errors import SettingsError

PIN = "ab" * 32


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://box", Endpoint("box", 1883, False, None, None, None)),
        ("mqtt://box/", Endpoint("box", 1883, False, None, None, None)),
        ("mqtt://192.168.1.5:1884", Endpoint("192.168.1.5", 1884, False, None, None, None)),
        ("mqtt://[fe80::1]:1884", Endpoint("fe80::1", 1884, False, None, None, None)),
        ("mqtts://box", Endpoint("box", 8883, True, None, None, None)),
        ("mqtts://me:p%40ss%2F%3A@box:1", Endpoint("box", 1, True, "me", "p@ss/:", None)),
        ("mqtt://me@box", Endpoint("box", 1883, False, "me", None, None)),
    ],
)
def test_url_becomes_an_endpoint(url: str, expected: Endpoint) -> None:
    assert endpoint(url) == expected


def test_arguments_win_over_the_url() -> None:
    assert endpoint("mqtt://a:b@box", "me", "secret") == Endpoint("box", 1883, False, "me", "secret", None)


@pytest.mark.parametrize("given", [PIN, PIN.upper(), ":".join(["AB"] * 32), " ".join(["ab"] * 32)])
def test_fingerprint_in_every_common_spelling(given: str) -> None:
    assert endpoint("mqtts://box", fingerprint_sha256=given).fingerprint == PIN


@pytest.mark.parametrize("absent", [None, ""])
def test_no_fingerprint_leaves_the_decision_to_the_authorities(absent: str | None) -> None:
    assert endpoint("mqtts://box", fingerprint_sha256=absent).fingerprint is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "box",
        "http://box",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://box:0",
        "mqtt://box:99999",
        "mqtt://box:port",
        "mqtt://box/openWB",
        "mqtt://box?keepalive=1",
        "mqtt://box#x",
        "mqtt://[::1",
        "mqtt://:hush@box",
        "mqtt://me:hush/hush@box",
    ],
)
def test_anything_else_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        endpoint(url)
    assert error.value.message.startswith("MQTT URL: ")
    assert "hush" not in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("url", "pin"), [("mqtts://box", "ab" * 31), ("mqtts://box", "zz" * 32), ("mqtt://box", PIN)]
)
def test_fingerprint_that_cannot_be_meant(url: str, pin: str) -> None:
    with pytest.raises(SettingsError, match=r"MQTT fingerprint: "):
        endpoint(url, fingerprint_sha256=pin)
