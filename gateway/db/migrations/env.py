"""Alembic's entry: runs the migrations on the connection that ``Database.migrate`` hands over.

A new migration is written by hand: copy the newest file of ``versions/`` and give it the next number. The contract
tests compare the tables it makes with ``models.py``, on SQLite and on MariaDB.

Rules for each, because MariaDB has no transactions around tables and a start may be killed anywhere in it:

* It can be repeated from its beginning, whatever part of it was done.
* The version before goes on working on what it leaves, half-done or whole: it adds tables, or columns that may be
  NULL, and takes nothing away that the version before reads or writes. What is not needed any more goes one version
  later.
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
