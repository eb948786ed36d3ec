"""``openwb-gateway demo``."""

import click
import msgspec

from gateway.cli.starting import stay
from gateway.domain.errors import InvalidArgument
from gateway.run.demo import run_demo
from gateway.settings import Settings
from gateway.simulator.faults import COMMANDS, read, usage
from gateway.simulator.scenes import SCENES
from gateway.simulator.simulation import DIALECTS

FAULTS = "\n".join(f"  {usage(name):<34}{command.text}" for name, command in COMMANDS.items())


class FaultAt(click.ParamType[tuple[float, str]]):
    """``silence 20@60``: the line of a fault, and when."""

    name = "NAME@SECONDS"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, str]:
        words, _, seconds = value.rpartition("@")
        try:
            read(words)
            after_s = float(seconds)
        except InvalidArgument as error:
            self.fail(error.message, param, ctx)
        except ValueError:
            self.fail(f"{seconds!r} is no number of seconds; allowed is 'silence 20@60'", param, ctx)
        return after_s, words


@click.command(epilog="\b\nFaults, typed on standard input or given by --fault:\n" + FAULTS)
@click.option(
    "--port", default=1883, show_default=True, type=click.IntRange(1, 65_535), help="where its broker listens."
)
@click.option("--scene", type=click.Choice(list(SCENES)), help="what happens there; by default pv-day.")
@click.option("--dialect", type=click.Choice(DIALECTS), help="what it speaks; by default openwb-2.")
@click.option("--speed", type=click.FloatRange(0.1, 600), help="how many seconds go by in one; by default 1.")
@click.option("--fault", "faults", multiple=True, type=FaultAt(), help="a fault so long after the start; repeatable.")
def demo(
    port: int, scene: str | None, dialect: str | None, speed: float | None, faults: tuple[tuple[float, str], ...]
) -> None:
    """Run only a simulated openWB with its broker, on 127.0.0.1, for whoever writes a client.

    GATEWAY_DEMO_SCENE, GATEWAY_DEMO_DIALECT and GATEWAY_DEMO_SPEED hold where nothing is given here.
    """

    async def run(settings: Settings) -> None:
        given = {"demo_scene": scene, "demo_dialect": dialect, "demo_speed": speed}
        chosen = {name: one for name, one in given.items() if one is not None}
        await run_demo(msgspec.structs.replace(settings, **chosen), port, faults)

    stay(run, starts_programs=True)
