"""What of the settings of recording is allowed. What is recorded is shown with real parts: tests/e2e."""

import pytest

from gateway.domain.errors import SettingsError
from gateway.domain.retention import Keep
from gateway.domain.series import Recorded
from gateway.run.recorder import kept_for, recording, run_recorder
from gateway.settings import Settings, SiteSettings

HOME = (SiteSettings(id="home", mqtt_url="mqtt://box"),)


@pytest.mark.parametrize(("seconds", "ms"), [(60, 60_000), (0.2, 200), (0.05, 50), (900, 900_000), (22.5, 22_500)])
def test_periods(seconds: float, ms: int) -> None:
    assert recording(Settings(record_period_s=seconds)).period_ms == ms


@pytest.mark.parametrize("seconds", [7, 0.7, 59, 601])
def test_a_quarter_of_an_hour_is_a_multiple_of_the_period(seconds: float) -> None:
    with pytest.raises(SettingsError, match=f"fits into 15 minutes without a rest .*, got {seconds:g}"):
        recording(Settings(record_period_s=seconds))


def test_a_period_has_whole_milliseconds() -> None:
    with pytest.raises(SettingsError, match=r"GATEWAY_RECORD_PERIOD_S: .*whole milliseconds"):
        recording(Settings(record_period_s=0.0625))


def test_series_are_added_and_dropped() -> None:
    records = Recorded(recording(Settings(record_add=("+/frequency_hz",), record_drop=("pv/#",))).choice)
    assert [records(key) for key in ("grid/power_w", "grid/frequency_hz", "pv/power_w")] == [True, True, False]
    with pytest.raises(SettingsError, match="GATEWAY_RECORD_ADD, GATEWAY_RECORD_DROP: 'grid/fault_text' is of the"):
        recording(Settings(record_add=("grid/fault_text",)))


def test_each_tier_is_kept_for_its_own_time() -> None:
    given = Settings(record_keep_days=3, record_keep_15m_days=4, record_keep_1h_days=5, record_keep_1d_days=0)
    assert kept_for(given) == Keep(slots=3, quarters=4, hours=5, days=0)
    assert kept_for(Settings()) == Keep()
    with pytest.raises(
        SettingsError, match=r"GATEWAY_RECORD_KEEP_1H_DAYS: allowed are 0 .* and 2 days or more, got 1"
    ):
        kept_for(Settings(record_keep_1h_days=1))


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (Settings(database_url="sqlite+aiosqlite:////x", sites=HOME), "GATEWAY_REDIS_URL"),
        (Settings(redis_url="redis://x", sites=HOME), "GATEWAY_DATABASE_URL"),
        (Settings(redis_url="redis://x", database_url="sqlite+aiosqlite:////x"), "GATEWAY_MQTT_URL"),
    ],
)
async def test_a_recorder_of_its_own_is_told_its_parts(settings: Settings, missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        await run_recorder(settings)
