"""What the doctor makes of what it found out: facts in, findings out. No I/O, no clock.

Grades: ``ok``; ``note``, worth knowing, nothing to mend; ``problem``, with what to do in ``advice``.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

Grade: TypeAlias = Literal["ok", "note", "problem"]

LEAST_STORE = (7, 0)
LEAST_MARIADB = (10, 6)
CLOCKS_APART_S = 60.0
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "DROP", "REFERENCES")
TOO_MUCH = ("SUPER", "FILE", "SHUTDOWN", "GRANT OPTION", "CREATE USER", "PROCESS", "RELOAD")
VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)*")
GRANT = re.compile(r"^GRANT (?P<rights>.+?) ON (?P<where>\S+?)\.\S+ TO ", re.IGNORECASE)


class Finding(msgspec.Struct, frozen=True):
    """``area`` is what was looked at: a part, or a site's id."""

    area: str
    grade: Grade
    words: str
    advice: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a box said while it was listened to. ``clock_ahead_s``: its clock less ours."""

    messages: int = 0
    seconds: float = 0
    refused: tuple[str, ...] = ()
    dialect: str | None = None
    version: str | None = None
    missing_rights: str | None = None
    secondary: bool = False
    alive: bool = False
    clock_ahead_s: float | None = None
    interval_s: float = 10


def python(version: tuple[int, int, int], machine: str) -> Finding:
    return Finding("python", "ok", f"{'.'.join(map(str, version))} on {machine}")


def version_of(text: str) -> tuple[int, int] | None:
    """The first two numbers of a version in a text."""
    found = VERSION.search(text)
    return (int(found[1]), int(found[2])) if found else None


def store_info(area: str, info: Mapping[str, object]) -> list[Finding]:
    """Of a Redis or Valkey at a URL, by its own INFO."""
    valkey = info.get("valkey_version")
    name, version = ("Valkey", str(valkey)) if valkey else ("Redis", str(info.get("redis_version", "?")))
    numbers = version_of(version)
    if numbers is None or numbers < LEAST_STORE:
        return [Finding(area, "problem", f"{name} {version} is too old", "7.0 or later is needed, or Valkey")]
    findings = [Finding(area, "ok", f"{name} {version} answers")]
    policy = info.get("maxmemory_policy")
    if policy not in (None, "noeviction"):
        advice = "set maxmemory-policy to noeviction: what is thrown out is lost for all who read"
        findings.append(Finding(area, "problem", f"it throws values out when memory is short ({policy})", advice))
    if info.get("aof_enabled") in (0, "0"):
        advice = "set appendonly to yes, else events and positions are lost when it restarts"
        findings.append(Finding(area, "note", "it keeps nothing on disk between snapshots", advice))
    return findings


def mariadb_version(area: str, version: str) -> Finding:
    if "mariadb" not in version.lower():
        return Finding(
            area, "note", f"{version} is no MariaDB", "it may do, and is not tested; MariaDB 10.6 or later is"
        )
    numbers = version_of(version)
    if numbers is None or numbers < LEAST_MARIADB:
        return Finding(area, "problem", f"MariaDB {version} is too old", "10.6 or later is needed")
    return Finding(area, "ok", f"MariaDB {version} answers")


def grants(area: str, lines: Iterable[str], database: str) -> Finding:
    """What the user may do, by SHOW GRANTS."""
    here: set[str] = set()
    everywhere: set[str] = set()
    for line in lines:
        found = GRANT.match(line)
        if not found:
            continue
        rights = {right.strip().upper() for right in found["rights"].split(",")}
        if "WITH GRANT OPTION" in line.upper():
            rights.add("GRANT OPTION")
        where = found["where"].strip("`'\"").replace("\\_", "_")
        if where == "*":
            everywhere |= rights
        if where in ("*", database):
            here |= rights
    missing = [] if "ALL PRIVILEGES" in here else [right for right in NEEDED if right not in here]
    if missing:
        return Finding(
            area,
            "problem",
            f"the user may not {', '.join(missing)}",
            f"GRANT {', '.join(missing)} ON {database}.* TO it",
        )
    if "ALL PRIVILEGES" in everywhere or everywhere & set(TOO_MUCH):
        advice = f"a user with rights on {database} alone is enough"
        return Finding(area, "note", "the user may do more than the gateway needs", advice)
    return Finding(area, "ok", "the user's rights are enough")


def tables(area: str, form: str | None, newest: str) -> Finding:
    if form is None:
        return Finding(area, "ok", "no tables yet; the first start makes them")
    if form > newest:
        advice = "start that version again, or restore a copy from before it"
        return Finding(
            area, "problem", f"written by a newer gateway (tables {form}, this one knows {newest})", advice
        )
    if form < newest:
        return Finding(area, "ok", f"tables {form} of an older gateway; the next start brings them to {newest}")
    return Finding(area, "ok", f"tables {form}, the newest")


def partitions(area: str, ahead: Mapping[str, int], fewest: int) -> Finding:
    """For how many months after this one each table takes rows."""
    name, months = min(ahead.items(), key=lambda one: one[1])
    if months < 0:
        advice = "is a recorder running? It makes them, with the right ALTER; its log says what keeps it from that"
        return Finding(area, "problem", f"{name} has no partition for this month: nothing can be recorded", advice)
    words = f"partitions for this month and {months} to come"
    if months < fewest:
        return Finding(area, "note", words, "is a recorder running? It makes them, with the right ALTER")
    return Finding(area, "ok", words)


def partitioning(area: str, status: str | None) -> Finding | None:
    """Of the server's own word on partitions; None: it can make them."""
    if status == "ACTIVE":
        return None
    return Finding(area, "problem", "this server has no partitions", "start it without --skip-partition")


def integrity(area: str, said: str) -> Finding:
    """What SQLite says of its file."""
    if said == "ok":
        return Finding(area, "ok", "the file is sound")
    return Finding(area, "problem", f"the file is damaged: {said}", "stop the gateway and restore a copy")


def bad_samples(area: str, count: int) -> Finding:
    if not count:
        return Finding(area, "ok", "every sample and charge session could be read")
    advice = "they are kept in the table bad_samples with the reason; a newer gateway may have written them"
    return Finding(area, "note", f"{count} samples or charge sessions could not be read", advice)


def recorded(site: str, series: int, age_s: float | None) -> Finding:
    """What is written of a site; ``age_s`` since the start of the last slot, None: there is none."""
    if age_s is None:
        return Finding(site, "ok", "nothing was written yet")
    if age_s < -HOUR_S:
        advice = "set the clock right; until it gets there nothing new of this site is written"
        return Finding(site, "problem", f"the last slot is {span(-age_s)} ahead of the clock", advice)
    words = f"{series} series, the last slot {span(max(0.0, age_s))} ago"
    return Finding(site, "note" if age_s > DAY_S else "ok", words, "is a recorder running?" if age_s > DAY_S else "")


def ready(area: str, base: str, status: str, parts: Iterable[tuple[str, str, str | None]]) -> Finding:
    """Of a gateway that answers at our port: its parts with state and reason."""
    if status == "ok":
        return Finding(area, "ok", f"a gateway answers at {base}, and all its parts work")
    down = "; ".join(
        f"{name} {state}{f': {reason}' if reason else ''}" for name, state, reason in parts if state != "ok"
    )
    return Finding(area, "problem", f"a gateway answers at {base} and is not ready ({down or status})", "see its log")


def box(area: str, heard: Heard) -> list[Finding]:
    """What was heard of a box after the log-in."""
    if heard.refused:
        advice = f"let the user read {', '.join(heard.refused)} in the broker's access list"
        return [Finding(area, "problem", "the broker refuses subscriptions", advice)]
    if not heard.messages:
        advice = "is it the box's own broker, and GATEWAY_TOPIC_PREFIX right? Or the box is switched off behind it"
        return [Finding(area, "problem", f"not one message in {heard.seconds:.0f} s", advice)]
    if heard.dialect is None:
        advice = "GATEWAY_TOPIC_PREFIX may be another one, or this is no openWB"
        return [Finding(area, "problem", f"{heard.messages} messages, none of which an openWB would send", advice)]
    name = heard.dialect.replace("openwb-", "openWB ").replace(" 2", " 2.x")
    version = f", version {heard.version}" if heard.version else ""
    findings = [Finding(area, "ok", f"speaks {name}{version}: {heard.messages} messages in {heard.seconds:.0f} s")]
    if heard.secondary:
        advice = "connect to the primary one instead"
        findings.append(Finding(area, "problem", "it is a secondary openWB, controlled by another one", advice))
    elif heard.missing_rights is not None:
        advice = f"in the box's user management grant {heard.missing_rights}"
        findings.append(Finding(area, "problem", "it withholds its values from this user", advice))
    else:
        findings.append(
            Finding(area, "ok", "it lets its values be read; writing was not tried, the doctor changes nothing")
        )
    return [*findings, *_life(area, heard)]


def _life(area: str, heard: Heard) -> list[Finding]:
    if not heard.alive:
        advice = "wait and try again; if that stays, restart the box: its control hangs or is switched off"
        return [
            Finding(area, "problem", f"no sign of life in {heard.seconds:.0f} s: its clock does not advance", advice)
        ]
    ahead_s = heard.clock_ahead_s or 0.0
    apart_s = max(0.0, abs(ahead_s) - heard.interval_s)
    if apart_s <= CLOCKS_APART_S:
        return [Finding(area, "ok", "its clock and ours agree")]
    which = "ahead of" if ahead_s > 0 else "behind"
    advice = "set the one that is wrong: timers and time-dependent prices follow the box's, logins and the log ours"
    return [Finding(area, "note", f"its clock is {span(abs(ahead_s))} {which} ours", advice)]


def reason_of(error: Exception) -> str:
    """Why something could not be reached, without the libraries' wrappings."""
    origin = error.__cause__ or error.__context__ or error
    if isinstance(error, TimeoutError) or isinstance(origin, TimeoutError):
        return "no answer in time"
    if isinstance(origin, OSError) and origin.errno is not None and origin.errno > 0:
        return os.strerror(origin.errno)
    return getattr(origin, "strerror", None) or str(origin) or type(origin).__name__


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for unit_s, unit in ((DAY_S, "days"), (HOUR_S, "hours"), (MINUTE_S, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"
