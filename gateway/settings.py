"""Settings: one frozen struct, read once from the environment and a TOML file.

Every field of ``Settings`` is ``GATEWAY_<FIELD>`` in the environment and ``field`` in the file that
``GATEWAY_CONFIG`` names; the environment wins. A secret may come from a file: ``GATEWAY_<FIELD>_FILE``. Sites are
``[[site]]`` tables of the file, or the one site ``home`` made of ``GATEWAY_MQTT_URL`` and its companions.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, inspect

from gateway.domain.errors import SettingsError

PREFIX = "GATEWAY_"
CONFIG = "GATEWAY_CONFIG"
# the last four are for ``watch``, perhaps in the same shell
NO_SETTINGS = frozenset({CONFIG, "GATEWAY_TOKEN", "GATEWAY_TOKEN_FILE", "GATEWAY_PASSWORD", "GATEWAY_PASSWORD_FILE"})
PINGS_BEFORE_GONE = 2  # else a client would be gone that nobody has pinged
ALLOWED = {
    "mqtt_url": "mqtt://host[:port] or mqtts://host[:port], user:password@ before the host if needed",
    "redis_url": "redis://host:port/0, rediss://... or unix:///path",
    "database_url": "mysql+aiomysql://user:password@host/name or sqlite+aiosqlite:////path",
    "public_url": "http(s)://host[:port] without a path, several separated by commas",
    "mqtt_fingerprint": "the SHA-256 fingerprint of the box's certificate, 64 hexadecimal digits",
    "dialect": "auto, openwb-2 or openwb-1.9",
    "demo_scene": "pv-day, night-tariff, guest-tag, full-car or month",
    "demo_dialect": "openwb-2, openwb-2.1.7 or openwb-1.9",
    "demo_speed": "how many seconds go by in one, from 0.1 to 600",
    "log_level": "debug, info, warning or error",
    "port": "a number from 0 to 65535",
    "timezone": "the name of a time zone, such as Europe/Berlin",
    "box_url": "http(s)://host[:port], the box's own pages",
    "metrics_port": "a number from 0 to 65535",
    "raw": "true or false",
    "record_add": "patterns of keys, several separated by commas",
    "record_drop": "patterns of keys, several separated by commas",
    "container": "true or false",
    "id": "up to 32 small letters, digits, - and _, a letter or digit first",
    "admin_password": "8 to 256 characters",
    "topic_prefix": "a topic that ends in /, without + and #",
}
LISTS = frozenset({"public_url", "record_add", "record_drop"})
SECRETS = frozenset({"admin_password", "mqtt_url", "mqtt_password", "redis_url", "database_url"})

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
PerSecond = Annotated[float, Meta(gt=0, le=1_000_000)]
SiteId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
MqttUrl = Annotated[str, Meta(pattern=r"^mqtts?://[^/\s]+/?$")]
TopicPrefix = Annotated[str, Meta(pattern=r"^[^+#\x00]+/$")]
Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2}){31}$")]
HttpUrl = Annotated[str, Meta(pattern=r"^https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?$")]
TimeZone = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$")]
Dialect = Literal["auto", "openwb-2", "openwb-1.9"]
DemoScene = Literal["pv-day", "night-tariff", "guest-tag", "full-car", "month"]
DemoDialect = Literal["openwb-2", "openwb-2.1.7", "openwb-1.9"]
DemoSpeed = Annotated[float, Meta(ge=0.1, le=600)]


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One openWB."""

    id: SiteId
    mqtt_url: MqttUrl
    name: str = ""
    mqtt_username: str = ""
    mqtt_password: str = ""
    mqtt_fingerprint: Fingerprint | None = None
    topic_prefix: TopicPrefix = "openWB/"
    dialect: Dialect = "auto"
    timezone: TimeZone = "Europe/Berlin"
    box_url: HttpUrl | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything an operator may set. Times are in seconds unless the name says otherwise."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    data_dir: Path = Path("~/.local/share/openwb-gateway")
    public_url: tuple[HttpUrl, ...] = ()
    admin_password: Annotated[str, Meta(min_length=8, max_length=256)] | None = None
    redis_url: Annotated[str, Meta(pattern=r"^(rediss?|unix)://.+$")] | None = None
    database_url: Annotated[str, Meta(pattern=r"^(mysql\+aiomysql|sqlite\+aiosqlite)://.+$")] | None = None
    raw: bool = False
    container: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trace_file: Path | None = None
    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] | None = None

    mqtt_url: MqttUrl | None = None
    mqtt_username: str = ""
    mqtt_password: str = ""
    mqtt_fingerprint: Fingerprint | None = None
    topic_prefix: TopicPrefix = "openWB/"
    dialect: Dialect = "auto"
    timezone: TimeZone = "Europe/Berlin"
    box_url: HttpUrl | None = None

    demo_scene: DemoScene | None = None
    demo_dialect: DemoDialect | None = None
    demo_speed: DemoSpeed | None = None

    record_period_s: Annotated[float, Meta(ge=0.05, le=900)] = 60
    record_write_s: Annotated[float, Meta(gt=0, le=3_600)] = 300
    record_keep_days: Annotated[int, Meta(ge=0, le=36_500)] = 100
    record_keep_15m_days: Annotated[int, Meta(ge=0, le=36_500)] = 1_100
    record_keep_1h_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    record_keep_1d_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    record_add: tuple[str, ...] = ()
    record_drop: tuple[str, ...] = ()
    record_queue_slots: Count = 1_000_000
    record_queue_bytes: Count = 64_000_000
    backups_kept: Annotated[int, Meta(ge=0, le=1_000)] = 7

    box_log_answer_s: Seconds = 20
    box_log_pause_s: Seconds = 15
    box_log_unplug_s: Seconds = 25

    mqtt_keepalive_s: Annotated[int, Meta(ge=1, le=600)] = 10
    mqtt_connect_timeout_s: Seconds = 10
    reconnect_base_s: Seconds = 0.5
    reconnect_cap_s: Seconds = 30
    redis_timeout_s: Seconds = 5
    lease_s: Seconds = 10
    ingest_window_ms: Annotated[int, Meta(ge=1, le=10_000)] = 20
    ingest_gather_ms: Annotated[float, Meta(ge=0, le=10_000)] = 1
    flood_quiet_s: Seconds = 1
    flood_limit_s: Seconds = 10
    control_interval_s: Seconds = 10
    silent_after_intervals: Annotated[float, Meta(gt=0, le=1_000)] = 3
    bridge_down_s: Seconds = 10
    heartbeat_s: Seconds = 10
    ping_idle_s: Seconds = 30
    gone_after_s: Seconds = 120
    auth_deadline_s: Seconds = 5
    auth_tries: Count = 3
    ticket_s: Seconds = 20
    request_s: Seconds = 20
    drain_s: Annotated[float, Meta(ge=0, le=3_600)] = 30
    login_s: Annotated[float, Meta(gt=0, le=31_536_000)] = 43_200

    stream_entries: Count = 20_000
    resume_entries: Count = 10_000
    events_kept_s: Annotated[float, Meta(gt=0, le=315_360_000)] = 2_592_000
    event_entries: Count = 10_000
    limit_head_bytes: Count = 32_768
    limit_message_bytes: Count = 16_384
    limit_auth_message_bytes: Count = 4_096
    limit_snapshot_part_bytes: Count = 32_768
    limit_unacknowledged_bytes: Count = 131_072
    limit_subscriptions: Count = 32
    limit_keys: Count = 16
    limit_groups: Count = 256
    limit_groups_per_user: Count = 64
    limit_connections_per_user: Count = 20
    limit_connections_per_address: Count = 100
    limit_subscribe_burst: Count = 32
    limit_subscribes_per_s: PerSecond = 5
    limit_message_burst: Count = 128
    limit_messages_per_s: PerSecond = 32
    limit_frame_burst: Count = 500
    limit_frames_per_s: PerSecond = 200
    limit_refusal_burst: Count = 100
    limit_refusals_per_s: PerSecond = 10
    limit_queued_requests: Count = 32
    limit_replayed_events: Count = 200

    sites: tuple[SiteSettings, ...] = ()


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises SettingsError with one line for each key that is unknown or has a bad value."""
    found, problems = _from_file(environ.get(CONFIG))
    tables = found.pop("site", [])
    found.update(_from_environment(environ, problems))
    values = _checked(found, problems)
    sites = _sites(tables, values, problems)
    if not problems:
        made = Settings(**{**values, "sites": sites})
        if made.gone_after_s >= PINGS_BEFORE_GONE * made.ping_idle_s:
            return made
        problems.append(
            f"GATEWAY_GONE_AFTER_S: allowed is {PINGS_BEFORE_GONE} times GATEWAY_PING_IDLE_S or more, "
            f"got {made.gone_after_s:g} and {made.ping_idle_s:g}"
        )
    raise SettingsError("\n".join(problems))


def _from_file(path: str | None) -> tuple[dict[str, Any], list[str]]:
    if not path:
        return {}, []
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file), []
    except OSError as error:
        return {}, [f"{CONFIG}: cannot read {path}: {error.strerror}"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{CONFIG}: {path} is not TOML: {error}"]


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NO_SETTINGS or not text:  # an empty one is not set
            continue
        key = name.removeprefix(PREFIX).lower()
        if key.removesuffix("_file") in SECRETS and key.endswith("_file"):
            secret = _secret(name, text, problems)
            if secret is not None:
                found[key.removesuffix("_file")] = secret
        else:
            found[key] = text
    return found


def _secret(name: str, path: str, problems: list[str]) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(f"{name}: cannot read {path}: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{name}: cannot read {path}: it is not UTF-8 text")
    return None


def _checked(found: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    known = {field.name: field for field in msgspec.structs.fields(Settings) if field.name != "sites"}
    values: dict[str, Any] = {}
    for key, given in found.items():
        field = known.get(key)
        if field is None:
            problems.append(f"{PREFIX}{key.upper()}: there is no such setting")
            continue
        if key in LISTS and isinstance(given, str):
            given = [one.strip() for one in given.split(",")]  # noqa: PLW2901 - as a file would have it
        try:
            values[key] = msgspec.convert(given, field.type, strict=False, dec_hook=_path)
        except msgspec.ValidationError:
            shown = "" if key in SECRETS else f", got {given!r}"
            problems.append(f"{PREFIX}{key.upper()}: allowed is {_allowed(key, field.type)}{shown}")
    values["data_dir"] = values.get("data_dir", Settings().data_dir).expanduser()
    return values


def _path(kind: type, given: object) -> Path:
    if kind is Path and isinstance(given, str) and given:
        return Path(given)
    raise ValueError("Expected a path")


def _sites(tables: object, values: Mapping[str, Any], problems: list[str]) -> tuple[SiteSettings, ...]:
    if not isinstance(tables, list):
        problems.append("site: expected [[site]] tables")
        return ()
    if tables and values.get("mqtt_url"):
        problems.append("GATEWAY_MQTT_URL: goes without [[site]] tables, or give the URL in the table")
    if not tables and values.get("mqtt_url"):
        login = ("mqtt_url", "mqtt_username", "mqtt_password", "mqtt_fingerprint")
        shared = (*login, "topic_prefix", "dialect", "timezone", "box_url")
        return (SiteSettings(id="home", name="Home", **{key: values[key] for key in shared if key in values}),)
    sites = [site for number, table in enumerate(tables, 1) if (site := _site(number, table, problems))]
    twice = {site.id for site in sites if [other.id for other in sites].count(site.id) > 1}
    problems.extend(f"[[site]] id {name!r}: given twice" for name in sorted(twice))
    problems.extend(f"[[site]] id {site.id!r}: 'demo' is the simulated site" for site in sites if site.id == "demo")
    return tuple(sites)


def _site(number: int, table: object, problems: list[str]) -> SiteSettings | None:
    where = f"[[site]] number {number}"
    if not isinstance(table, dict):
        problems.append(f"{where}: expected a table with id and mqtt_url")
        return None
    table = dict(table)
    found: list[str] = []
    if "mqtt_password_file" in table:
        path = str(table.pop("mqtt_password_file"))
        table["mqtt_password"] = _secret(f"{where}, mqtt_password_file", path, found) or ""
    fields = {field.name: field for field in msgspec.structs.fields(SiteSettings)}
    for name, given in table.items():
        if name not in fields:
            found.append(f"{where}: there is no {name!r}; there are {', '.join(fields)}, mqtt_password_file")
        elif not _fits(given, fields[name].type):
            shown = "" if name in SECRETS else f", got {given!r}"
            found.append(f"{where}: {name}: allowed is {_allowed(name, fields[name].type)}{shown}")
    found += [f"{where}: {name} is missing" for name in ("id", "mqtt_url") if name not in table]
    problems += found
    return None if found else SiteSettings(**{**table, "name": table.get("name") or table["id"]})


def _fits(given: object, kind: Any) -> bool:
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError:
        return False
    return True


def _allowed(name: str, kind: Any) -> str:
    """What a setting may be, for people."""
    if name in ALLOWED:
        return ALLOWED[name]
    match inspect.type_info(kind):
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least:g} to {most:.0f}"
        case inspect.FloatType(gt=above, le=most):
            return f"a number above {above:g}, up to {most:.0f}"
        case inspect.StrType():
            return "text in quotes"
    return "a path"
