"""Which of the two ``up`` runs: real sites or the demo, and never both in one place."""

from pathlib import Path

import pytest

from gateway.domain.errors import SettingsError
from gateway.run.plan import plan
from gateway.settings import load


def settings_of(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"GATEWAY_DATA_DIR": str(tmp_path), **{f"GATEWAY_{name.upper()}": value for name, value in more.items()}}


def test_without_a_box_it_is_the_demo_in_a_folder_of_its_own(tmp_path: Path) -> None:
    chosen = plan(load(settings_of(tmp_path)))
    assert chosen.demo
    assert chosen.data_dir == tmp_path / "demo"


def test_with_a_box_it_is_real_even_in_a_container(tmp_path: Path) -> None:
    chosen = plan(load(settings_of(tmp_path, mqtt_url="mqtt://box", container="true")))
    assert not chosen.demo
    assert chosen.data_dir == tmp_path


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"redis_url": "redis://host:6379/0"}, "GATEWAY_REDIS_URL is set"),
        ({"database_url": "sqlite+aiosqlite:////x"}, "GATEWAY_DATABASE_URL is set"),
    ],
)
def test_the_demo_never_runs_on_configured_parts(tmp_path: Path, more: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        plan(load(settings_of(tmp_path, **more)))


def test_the_demo_never_runs_in_a_container(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="this is a container"):
        plan(load(settings_of(tmp_path, container="true")))


def test_the_demo_never_runs_where_a_real_site_was_kept(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").touch()
    with pytest.raises(SettingsError, match="has been used for a real box"):
        plan(load(settings_of(tmp_path)))


def test_how_the_demo_looks_is_not_for_beside_a_box(tmp_path: Path) -> None:
    assert plan(load(settings_of(tmp_path, demo_scene="full-car"))).demo
    with pytest.raises(SettingsError, match="GATEWAY_DEMO_SPEED: only for the demo, which does not run beside a box"):
        plan(load(settings_of(tmp_path, mqtt_url="mqtt://box", demo_speed="5")))
