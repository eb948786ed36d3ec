"""Alembic's entry: runs the migrations on the connection that ``Database.migrate`` hands over.

A new migration is written by hand: copy the newest file of ``versions/`` and give it the next number. The contract
tests compare the tables it makes with ``models.py``, on SQLite and on MariaDB.
"""

from alembic import context

from gateway.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a table in place
)
with context.begin_transaction():
    context.run_migrations()
