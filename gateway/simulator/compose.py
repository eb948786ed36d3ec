"""A simulated openWB put together: which plant, which box, which voice."""

from collections.abc import Iterator, Sequence
from functools import partial

from gateway.simulator.box import Box
from gateway.simulator.faults import Faults
from gateway.simulator.morning import morning
from gateway.simulator.openwb2.voice import OpenWB2Voice
from gateway.simulator.openwb19.voice import OpenWB19Voice
from gateway.simulator.plant.plant import Plant
from gateway.simulator.scenes import Scene
from gateway.simulator.simulation import Dialect, Simulation
from gateway.simulator.speech import Said
from gateway.simulator.words import Voice


def compose(scene: Scene, dialect: Dialect, time_s: float, *, interval_s: int = 10, seed: int = 0) -> Simulation:
    """Box and plant of a scene that begins at ``time_s``, the simulated epoch seconds."""
    begun = scene.at(time_s)
    plant = Plant(begun.installation, begun, time_s, seed=seed)
    box = Box(begun.installation, time_s, wishes=begun.wishes)
    box.set_control_interval(interval_s)
    box.state.today = morning(begun, time_s, seed=seed)

    def voice_of(dialect: Dialect) -> Voice:
        if dialect == "openwb-1.9":
            return OpenWB19Voice(box)
        return OpenWB2Voice(box, version="2.2.2" if dialect == "openwb-2" else "2.1.7")

    return Simulation(plant, box, voice_of, dialect, time_s)


def simulate(
    scene: Scene,
    dialect: Dialect = "openwb-2",
    *,
    interval_s: int = 10,
    begin_s: float,
    until_s: float,
    seed: int = 0,
    faults: Sequence[tuple[float, str]] = (),
) -> Iterator[tuple[float, Said]]:
    """All that the box publishes from ``begin_s`` to ``until_s``, with the time of each; nobody writes to it.

    ``faults``: lines of ``Faults.do``, each with the seconds after the begin at which it comes.
    """
    simulation = compose(scene, dialect, begin_s, interval_s=interval_s, seed=seed)
    demands = Faults(simulation, seed=seed)
    for after_s, words in faults:
        simulation.after(after_s, partial(demands.do, words))
    while simulation.next_due_s <= until_s:
        for said in simulation.advance(simulation.next_due_s):
            yield simulation.now_s, said
