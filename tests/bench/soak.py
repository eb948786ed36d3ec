"""``python -m tests.bench.soak FIRST LAST``: the oracle with other seeds, each with the faults in another order.

Even seeds play a 2.x, odd ones a 1.9. What is not clean is printed with the ends of the processes' logs.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.e2e.test_first_light import CLIENTS, FAULTS, openwb_2, openwb_19
from tests.support.scenario import Scenario


async def soaked(seed: int, folder: Path) -> bool:
    """Whether the run was clean."""
    plan = (openwb_19 if seed % 2 else openwb_2)(seed)
    places, actions = [place for place, _ in FAULTS], [action for _, action in FAULTS]
    random.Random(seed).shuffle(actions)
    plan.faults = tuple(zip(places, actions, strict=True))
    scenario = Scenario(folder, plan)
    report = await scenario.run()
    order = ", ".join(action.__name__ for action in actions)
    print(f"seed {seed}, {CLIENTS} clients, {order}: {report}", flush=True)
    if not report.clean:
        print(scenario.story(), flush=True)
    return report.clean


def main() -> None:
    """Fails when any run was not clean."""
    first, last = map(int, sys.argv[1:])
    unclean = []
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            if not asyncio.run(soaked(seed, Path(folder))):
                unclean.append(seed)
    sys.exit(f"not clean: {unclean}" if unclean else 0)


if __name__ == "__main__":
    main()
