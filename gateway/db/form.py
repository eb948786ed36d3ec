"""Which form the tables have once all migrations were run: the files of ``versions/`` begin with their number."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
DIGITS = 4


def newest_form() -> str:
    """The number of the newest migration."""
    return max(file.name[1 : 1 + DIGITS] for file in (MIGRATIONS / "versions").glob("v*.py"))
