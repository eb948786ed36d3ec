"""``openwb-gateway doctor``: what is well, what is not, and what to do about it."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping

import click
import msgspec

from gateway.run.doctor import examine
from gateway.run.findings import Finding
from gateway.run.paint import Paint, paint_for, visible
from gateway.version import VERSION

PROBLEMS = 1
STYLES = {"ok": ("green",), "note": ("yellow",), "problem": ("bold", "red")}
LISTEN_S = 25.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="All findings as one JSON object.")
@click.option(
    "--listen",
    "listen_s",
    type=click.FloatRange(1, 600),
    default=LISTEN_S,
    show_default=True,
    help="How long to listen to a box at most, in seconds.",
)
def doctor(as_json: bool, listen_s: float) -> None:
    """Look whether everything is there that the gateway needs, and change nothing.

    It takes the settings that the gateway takes. Status 0: no problem; 1: at least one.
    """
    sys.exit(asyncio.run(_examined(os.environ, listen_s, as_json=as_json)))


async def _examined(environ: Mapping[str, str], listen_s: float, *, as_json: bool) -> int:
    paint = paint_for(sys.stdout, environ)
    found: list[Finding] = []
    async for finding in examine(environ, listen_s):
        found.append(finding)
        if not as_json:
            click.echo("\n".join(lines(finding, paint)))
    problems = count(found, "problem")
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins({"version": VERSION, "ok": not problems, "findings": found})))
    else:
        click.echo(f"\n{summary(found, paint)}")
    return PROBLEMS if problems else 0


def lines(finding: Finding, paint: Paint) -> list[str]:
    """A finding for people; what to do stands below it."""
    grade = paint(finding.grade.ljust(8), *STYLES[finding.grade])
    first = f"{grade} {paint(finding.area.ljust(9), 'bold')} {visible(finding.words)}"
    return [first, f"{'':18} {paint('→ ' + visible(finding.advice), 'dim')}"] if finding.advice else [first]


def summary(found: Iterable[Finding], paint: Paint) -> str:
    problems, notes = count(found, "problem"), count(found, "note")
    if not problems:
        return paint("nothing stands in the way", "green") + (f", {_some(notes, 'note')}" if notes else "")
    return paint(_some(problems, "problem"), "bold", "red") + (f", {_some(notes, 'note')}" if notes else "")


def count(found: Iterable[Finding], grade: str) -> int:
    return sum(finding.grade == grade for finding in found)


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
