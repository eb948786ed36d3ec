"""Log lines: for eyes on a terminal, JSON elsewhere.

On a terminal a line is the time, the site or part if there is one, what happened, and what belongs to it::

    12:00:01  home: link to the box: down · unreachable · Connection refused
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from gateway.run.paint import Paint, paint_for, visible

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
COLOURS = {"debug": ("dim",), "warning": ("yellow",), "error": ("bold", "red"), "critical": ("bold", "red")}
WHOSE = ("part", "site")
BARE = ("reason", "detail")
"""These speak for themselves, without their name."""


def configure(level: str) -> None:
    """Send our log lines and those of the libraries to standard error."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    renderer: structlog.typing.Processor = (
        ForEyes(paint_for(sys.stderr, os.environ)) if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(LEVELS[level])
    for noisy in ("uvicorn.error", "aiosqlite", "alembic", "mqtt", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, LEVELS[level]))
    # a connection that is lost while it is given back: whoever asks next tells that the database is away, in one line
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class ForEyes:
    """Renders one event as a line for a person; a traceback follows on lines of its own."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        told = dict(event)
        trace = told.pop("exception", None)
        time, level = told.pop("timestamp", ""), str(told.pop("level", "info"))
        whose = "".join(f"{told.pop(name)}: " for name in WHOSE if name in told)
        what = f"{whose}{told.pop('event', '')}"
        rest = [str(told.pop(name)) for name in BARE if told.get(name) is not None]
        rest += [f"{name} {value}" for name, value in told.items() if value is not None]
        line = f"{self._paint(time, 'dim')}  {self._paint(visible(what), *COLOURS.get(level, ()))}"
        for piece in rest:
            line += self._paint(" · ", "dim") + visible(piece)
        return line if trace is None else f"{line}\n{visible(trace)}"
