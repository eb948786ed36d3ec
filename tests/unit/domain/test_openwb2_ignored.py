import pytest

from gateway.domain.filters import check_pattern
from gateway.domain.openwb2_ignored import IGNORED, NEVER_RAW, sounds_secret, why


@pytest.mark.parametrize("reasons", [IGNORED, NEVER_RAW])
def test_patterns_are_patterns_and_stand_once_with_a_reason(reasons: tuple[tuple[str, str], ...]) -> None:
    patterns = [check_pattern(pattern) for pattern, _ in reasons]
    assert len(patterns) == len(set(patterns))
    assert all(len(reason) >= len("noise") for _, reason in reasons)


def test_the_first_pattern_gives_the_reason() -> None:
    reasons = (("a/+", "one"), ("a/#", "other"))
    assert why(reasons, "a/b") == "one"
    assert why(reasons, "a/b/c") == "other"
    assert why(reasons, "b") is None


@pytest.mark.parametrize(
    "topic",
    [
        "vehicle/1/soc_module/config",
        "set/vehicle/1/soc_module/config",
        "system/device/0/component/1/config",
        "system/mqtt/bridge/1",
        "system/backup_password",
        "optional/ep/flexible_tariff/provider",
        "optional/int_display/pin_code",
        "chargepoint/5/config",
    ],
)
def test_what_may_hold_secrets_is_never_raw(topic: str) -> None:
    assert why(NEVER_RAW, topic)


@pytest.mark.parametrize(
    ("payload", "secret"),
    [
        ('{"password": 1}', True),
        ('{"a": {"refreshToken": "x"}}', True),
        ('"{\\"api_key\\": 1}"', True),
        ('{"Client_Secret":1}', True),
        ('{"power": 1, "name": "Hof"}', False),
        ('"Passwort falsch"', False),
        ("11.5", False),
    ],
)
def test_members_that_sound_like_a_secret(payload: str, secret: bool) -> None:
    assert sounds_secret(payload) is secret
