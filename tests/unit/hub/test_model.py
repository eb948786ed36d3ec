"""Random lives of a site and its clients: whatever happens, each client's view at seq s is the truth at seq s.

Shown red, within the examples run here, on builds broken on purpose:

* ``SiteState.since`` off by one (``seq > since + 1``): a view lacks a change.
* ``Group.snapshot`` one change older than the registration, as an ``await`` between the two would make it: a gap.
* ``Group._send`` leaving a full member among the live ones without its frame: a gap.
* ``Group.beat`` sending the empty delta while something is due: a view lacks a change.
* ``Group._flush`` not asking whether the mirror remembers that far: a key that ceased stays.
* ``Subscription.void`` leaving parts of the old snapshot to be sent: parts that do not fit.
* ``Subscription._catch_up`` without its delta: a gap.
* ``Subscription.has_shown`` always true: an event before what shows it.
* ``SiteEvents.leave`` forgetting up to where it told: an event twice.
* ``SiteEvents._waits`` going on behind an event that found no room: one is missing.
* ``Hub._subscribe`` resuming without comparing the views; ``Site.loaded`` without telling the reset.
"""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.hub_world import World


@pytest.mark.no_cover  # 90,000 acts, four times as long when traced; each line has tests of its own
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_every_view_is_the_truth_at_its_position(seed: int) -> None:
    world = World(seed)
    world.live(steps=1_500)
    assert world.checked > 100
    assert sum(client.ears.heard for client in world.clients) > 50
