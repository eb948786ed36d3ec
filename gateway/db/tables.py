"""Which form the tables have, and how they come to have the newest one.

Rules:

* The form is the number of the last migration that was run, as Alembic keeps it.
* Tables of this very form are left alone, without Alembic: that is the way of nearly every start.
* Tables of a newer form are refused: an older gateway must not write what the newer one reads.
"""

from typing import TypeGuard

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from gateway.db.form import MIGRATIONS, VERSION_TABLE, newest_form
from gateway.db.models import Base
from gateway.domain.errors import SettingsError


def form_of(connection: Connection) -> str | None:
    """The form of the tables; None: there are none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    return None if found is None else str(found)


def is_behind(form: str | None) -> TypeGuard[str]:
    """Whether there are tables, and they are of an older form."""
    return form is not None and form < newest_form()


def ours(connection: Connection) -> list[str]:
    """The tables that are there and are the gateway's: a schema may hold others besides."""
    there = set(inspect(connection).get_table_names())
    return sorted(there & {*Base.metadata.tables, VERSION_TABLE})


def set_form(connection: Connection, form: str) -> None:
    """Say that the tables have that form."""
    statement = text(f"UPDATE {VERSION_TABLE} SET version_num = :form")  # noqa: S608 - a constant
    connection.execute(statement, {"form": form})


def upgrade(connection: Connection, name: str) -> None:
    """Bring the tables to the newest form, inside the caller's transaction or lock.

    Raises SettingsError, with the database's ``name`` for people, when a newer gateway has been at work there.
    """
    form, newest = form_of(connection), newest_form()
    if form == newest:
        return
    if form is not None and form > newest:
        raise SettingsError(
            f"GATEWAY_DATABASE_URL: {name} was written by a newer gateway (tables {form}, this one knows {newest}):"
            " start that one, or go back to a copy from before its first start"
        )
    import alembic.command  # noqa: PLC0415 - 20 MB that most starts do not need
    import alembic.config  # noqa: PLC0415 - as above

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
