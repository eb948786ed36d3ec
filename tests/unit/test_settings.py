"""Settings: what is allowed, and one clear line for each thing that is not."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from gateway.domain.errors import SettingsError
from gateway.settings import ALLOWED, DemoDialect, DemoScene, Settings, load
from gateway.simulator.scenes import SCENES
from gateway.simulator.simulation import DIALECTS


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    return raised.value.message.splitlines()


def test_nothing_set_is_a_household_without_a_box() -> None:
    settings = load({"PATH": "/bin"})
    assert (settings.host, settings.port, settings.sites) == ("127.0.0.1", 8080, ())
    assert settings.data_dir.is_absolute()


def test_one_mqtt_url_makes_the_site_home() -> None:
    settings = load({"GATEWAY_MQTT_URL": "mqtt://box:1883", "GATEWAY_TOPIC_PREFIX": "me/"})
    (site,) = settings.sites
    assert (site.id, site.name, site.mqtt_url, site.topic_prefix) == ("home", "Home", "mqtt://box:1883", "me/")


def test_words_of_the_environment_become_values() -> None:
    settings = load({"GATEWAY_PORT": "9000", "GATEWAY_RAW": "true", "GATEWAY_LEASE_S": "2.5"})
    assert (settings.port, settings.raw, settings.lease_s) == (9000, True, 2.5)


def test_every_problem_has_its_own_line_with_what_is_allowed() -> None:
    lines = problems({"GATEWAY_PORT": "99x", "GATEWAY_PROT": "1", "GATEWAY_MQTT_URL": "http://box"})
    assert len(lines) == 3
    assert any(line.startswith("GATEWAY_PORT:") and "99x" in line for line in lines)
    assert "GATEWAY_PROT: there is no such setting" in lines
    assert any(line.startswith("GATEWAY_MQTT_URL: allowed is mqtt://") for line in lines)


def test_a_secret_never_appears_in_a_problem() -> None:
    (line,) = problems({"GATEWAY_REDIS_URL": "http://user:hunter2@host"})
    assert "hunter2" not in line


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")
    assert load({"GATEWAY_ADMIN_PASSWORD_FILE": str(secret)}).admin_password == "correct horse"
    (line,) = problems({"GATEWAY_ADMIN_PASSWORD_FILE": str(tmp_path / "absent")})
    assert line == f"GATEWAY_ADMIN_PASSWORD_FILE: cannot read {tmp_path / 'absent'}: No such file or directory"
    secret.write_bytes(b"\xff\xfe")
    (line,) = problems({"GATEWAY_ADMIN_PASSWORD_FILE": str(secret)})
    assert line == f"GATEWAY_ADMIN_PASSWORD_FILE: cannot read {secret}: it is not UTF-8 text"


def test_a_switch_is_true_or_false() -> None:
    (line,) = problems({"GATEWAY_RAW": "maybe"})
    assert line == "GATEWAY_RAW: allowed is true or false, got 'maybe'"


def config(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    return {"GATEWAY_CONFIG": str(path)}


def test_sites_are_tables_of_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    secret = tmp_path / "box-password"
    secret.write_text("s3cret")
    environ = config(
        tmp_path,
        f"""
        port = 8000
        raw = true
        [[site]]
        id = "north"
        mqtt_url = "mqtts://10.0.0.5:8883"
        mqtt_password_file = "{secret}"
        [[site]]
        id = "south"
        name = "South wing"
        mqtt_url = "mqtt://10.0.0.6"
        """,
    )
    settings = load({**environ, "GATEWAY_PORT": "8001"})
    assert (settings.port, settings.raw) == (8001, True)
    assert [(site.id, site.name, site.mqtt_password) for site in settings.sites] == [
        ("north", "north", "s3cret"),
        ("south", "South wing", ""),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port = ", "is not TOML"),
        ("colour = 1", "GATEWAY_COLOUR: there is no such setting"),
        ('[[site]]\nid = "North Wing"\nmqtt_url = "mqtt://x"', "number 1: id: allowed is up to 32 small letters"),
        ("site = 3", "expected [[site]] tables"),
        ('[[site]]\nid = "a"', "[[site]] number 1: mqtt_url is missing"),
        (
            '[[site]]\nid = "a"\nmqtt_url = "mqtt://x"\ncolour = 1',
            "[[site]] number 1: there is no 'colour'; there are id, mqtt_url",
        ),
        ('[[site]]\nid = "a"\nmqtt_url = "mqtt://x"\n[[site]]\nid = "a"\nmqtt_url = "mqtt://y"', "given twice"),
        ('[[site]]\nid = "demo"\nmqtt_url = "mqtt://x"', "simulated site"),
        ('mqtt_url = "mqtt://z"\n[[site]]\nid = "a"\nmqtt_url = "mqtt://x"', "goes without [[site]] tables"),
        (
            '[[site]]\nid = "a"\nmqtt_url = "mqtt://x"\nmqtt_password_file = "/absent/file"',
            "cannot read /absent/file",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in line for line in problems(config(tmp_path, text)))


def test_a_missing_file_is_refused() -> None:
    (line,) = problems({"GATEWAY_CONFIG": "/absent/gateway.toml"})
    assert line.startswith("GATEWAY_CONFIG: cannot read /absent/gateway.toml")


def test_an_empty_path_in_the_file_is_refused(tmp_path: Path) -> None:
    (line,) = problems(config(tmp_path, 'data_dir = ""'))
    assert line.startswith("GATEWAY_DATA_DIR:")


def test_an_empty_variable_is_not_set() -> None:
    assert load({"GATEWAY_MQTT_URL": "", "GATEWAY_PORT": ""}) == load({})


def test_nobody_is_gone_before_he_was_pinged() -> None:
    (line,) = problems({"GATEWAY_GONE_AFTER_S": "59"})
    assert line == "GATEWAY_GONE_AFTER_S: allowed is 2 times GATEWAY_PING_IDLE_S or more, got 59 and 30"
    assert load({"GATEWAY_GONE_AFTER_S": "60"}).gone_after_s == 60


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    missing = [
        name
        for field in msgspec.structs.fields(Settings)
        if (name := f"GATEWAY_{field.name.upper()}") not in page and field.name != "sites"
    ]
    assert missing == []


def test_what_watch_reads_is_no_setting_and_no_mistake() -> None:
    assert load({"GATEWAY_TOKEN": "t", "GATEWAY_PASSWORD_FILE": "/x"}) == load({})


def test_the_demo_knows_every_scene_and_dialect_that_there_is() -> None:
    assert get_args(DemoScene) == tuple(SCENES)
    assert get_args(DemoDialect) == DIALECTS
    for name in ("demo_scene", "demo_dialect"):
        assert all(value in ALLOWED[name] for value in get_args(DemoScene if name == "demo_scene" else DemoDialect))
