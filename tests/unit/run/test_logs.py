"""Lines for eyes. That a pipe gets JSON is shown where the whole gateway runs."""

from gateway.run.logs import ForEyes
from gateway.run.paint import Paint


def line(**event: object) -> str:
    return ForEyes(Paint(on=False))(None, "", {"timestamp": "12:00:00", "level": "info", **event})


def test_a_line_says_whose_what_and_why() -> None:
    told = line(event="link to the box: down", site="home", reason="unreachable", detail="No route to host", tries=3)
    assert told == "12:00:00  home: link to the box: down · unreachable · No route to host · tries 3"
    assert line(event="works again", part="database", reason=None) == "12:00:00  database: works again"


def test_a_traceback_follows() -> None:
    assert line(event="failed", exception="Traceback\n  x") == "12:00:00  failed\nTraceback\n  x"


def test_what_comes_from_outside_steers_nothing() -> None:
    assert line(event="refused", detail="\x1b[2Jgone") == "12:00:00  refused ·  [2Jgone"


def test_colour_follows_the_level() -> None:
    eyes = ForEyes(Paint(on=True))
    assert "\x1b[33mcareful\x1b[0m" in eyes(None, "", {"timestamp": "", "level": "warning", "event": "careful"})
