"""``openwb-gateway import``: take over charge logs, with a summary of what came of it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import click

from gateway.cli.starting import FAILED, stay
from gateway.domain.errors import InvalidArgument
from gateway.domain.months import Month, parse_month
from gateway.run.imports import FileKind, Summary, chosen_site, import_charge_log, import_files
from gateway.run.zones import zone_of
from gateway.settings import Settings

SITE = click.option("--site", metavar="ID", help="Which site it is of, if there are several.")
FILES = click.Path(dir_okay=False, path_type=Path)


class MonthParam(click.ParamType[Month]):
    """YYYY-MM."""

    name = "YYYY-MM"

    def convert(self, value: str | Month, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if isinstance(value, Month):
            return value
        try:
            return parse_month(value, param.opts[0] if param else self.name)
        except InvalidArgument as error:
            raise click.UsageError(error.message, ctx) from error


MONTH = MonthParam()


@click.group("import")
def imports() -> None:
    """Take over charge logs: the box's own, month by month, or files of openWB 1.9 and evcc.

    An entry is taken over once, however often it comes: all of this may be repeated at any time.
    """


@imports.command("charge-log")
@click.option("--from", "first", type=MONTH, required=True, help="The first month.")
@click.option("--to", "last", type=MONTH, help="The last month; this one if it is not given.")
@SITE
def charge_log(first: Month, last: Month | None, site: str | None) -> None:
    """Have the running gateway ask the box for its own log.

    It does that by itself after each charge and at night; this is for what was before.
    """

    async def run(settings: Settings) -> Summary:
        of = chosen_site(settings, site)
        now = datetime.now(zone_of(of))
        return await import_charge_log(settings, of, first, last or Month(now.year, now.month), click.echo)

    stay(_summed(run), starts_programs=True)


@imports.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@SITE
def ladelog(files: tuple[Path, ...], site: str | None) -> None:
    """Take over files of a box: YYYYMM.csv of an openWB 1.9, or YYYYMM.json of a 2.x."""
    stay(_summed(_of_files("ladelog", files, site)), starts_programs=True)


@imports.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@SITE
def evcc(files: tuple[Path, ...], site: str | None) -> None:
    """Take over charging sessions that evcc exported as CSV, in German or English."""
    stay(_summed(_of_files("evcc", files, site)), starts_programs=True)


def _of_files(kind: FileKind, files: tuple[Path, ...], site: str | None) -> Callable[[Settings], Awaitable[Summary]]:
    async def run(settings: Settings) -> Summary:
        return await import_files(settings, kind, chosen_site(settings, site), files)

    return run


def _summed(run: Callable[[Settings], Awaitable[Summary]]) -> Callable[[Settings], Awaitable[None]]:
    async def told(settings: Settings) -> None:
        summary = await run(settings)
        for line in lines_of(summary):
            click.echo(line)
        if summary.failed:
            raise SystemExit(FAILED)

    return told


def lines_of(summary: Summary) -> list[str]:
    """For people."""
    lines = [f"{summary.entries} entries: {summary.new} new, {summary.known} known already"]
    if summary.unreadable:
        lines.append(f"{summary.unreadable} lines are no entries, and were left out")
    if summary.odd:
        lines.append("taken over as they are, though odd:")
        lines += [f"  {count:>5}  {oddity.replace('_', ' ')}" for oddity, count in sorted(summary.odd.items())]
    if summary.failed:
        lines.append("not answered, and to be repeated:")
        lines += [f"  {failure}" for failure in summary.failed]
    return lines
