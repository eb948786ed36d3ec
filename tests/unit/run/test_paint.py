import io

from gateway.run.paint import Paint, paint_for, visible


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_can_and_people_who_want_them() -> None:
    coloured = "\x1b[1m\x1b[31mno\x1b[0m"
    assert paint_for(FakeTerminal(), {"TERM": "xterm"})("no", "bold", "red") == coloured
    assert paint_for(FakeTerminal(), {"TERM": "xterm", "NO_COLOR": ""})("no", "bold", "red") == coloured
    assert paint_for(FakeTerminal(), {"TERM": "xterm", "NO_COLOR": "1"})("no", "red") == "no"
    assert paint_for(FakeTerminal(), {"TERM": "dumb"})("no", "red") == "no"
    assert paint_for(FakeTerminal(), {})("no", "red") == "no"
    assert paint_for(io.StringIO(), {"TERM": "xterm"})("no", "red") == "no"


def test_nothing_is_painted_where_there_is_nothing() -> None:
    paint = Paint(on=True)
    assert paint("", "red") == ""
    assert paint("words") == "words"


def test_what_could_steer_a_terminal_becomes_a_space() -> None:
    assert visible("a\x1b[31mb\x07\nc\u202ed") == "a [31mb \nc d"
