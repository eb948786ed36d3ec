from gateway.domain.openwb_routes import MOST_ROUTES, Routes, reason

ROUTES = {"lp/1/W": 1, "evu/W": 2}
IGNORED = (("graph/#", "a history"), ("graph/x", "never reached"))


def test_a_route_is_worked_out_once() -> None:
    asked: list[str] = []

    def find(topic: str) -> int | None:
        asked.append(topic)
        return ROUTES.get(topic)

    routes = Routes(find)
    assert [routes.of(topic) for topic in ("lp/1/W", "evu/W", "x", "lp/1/W", "x")] == [1, 2, None, 1, None]
    assert asked == ["lp/1/W", "evu/W", "x"]


def test_the_memory_of_topics_is_bounded_and_what_was_forgotten_is_found_again() -> None:
    routes = Routes(ROUTES.get)
    routes.of("evu/W")
    for number in range(MOST_ROUTES - 1):
        routes.of(f"foo/{number}")
    assert len(routes) == MOST_ROUTES
    routes.of("foo/0")
    assert len(routes) == MOST_ROUTES
    assert routes.of("lp/1/W") == 1
    assert len(routes) == 1
    assert routes.of("evu/W") == 2


def test_the_reason_of_a_topic_that_gives_no_value() -> None:
    assert reason("haus/openWB/evu/W", "openWB/", ROUTES.get, IGNORED) == "outside of the box's prefix"
    assert reason("openWB/evu/W", "openWB/", ROUTES.get, IGNORED) is None
    assert reason("haus/graph/x", "haus/", ROUTES.get, IGNORED) == "a history"
    assert reason("openWB/of/a/future/version", "openWB/", ROUTES.get, IGNORED) is None
