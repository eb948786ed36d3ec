"""What is recorded: sites, series, slots, samples, and how far the writer is. Each step may be repeated.

It only adds tables that the version before does not know: on MariaDB, which has no transactions around tables, that
one goes on with whatever part of it was done.
"""

import time

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Octets, UtcTime, exact, tiny
from gateway.db.partitions import partitioned_by_month

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _names()
    _recorded(partitioned_by_month(time.time()))
    op.create_table(
        "sample_positions",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_sample_positions"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_sample_positions_site_id"),
        if_not_exists=True,
    )
    op.create_table(
        "bad_samples",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("payload", Octets(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "slot", name="pk_bad_samples"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_bad_samples_site_id"),
        if_not_exists=True,
    )


def _names() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", exact(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("name", name="uq_sites_name"),
        if_not_exists=True,
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", exact(255), nullable=False),
        sa.Column("unit", sa.String(16), nullable=True),
        sa.Column("recorded_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("site_id", "key", name="uq_series_site_id_key"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_series_site_id"),
        if_not_exists=True,
    )


def _recorded(partitions: str) -> None:
    op.create_table(
        "slots",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("period_ms", sa.Integer(), nullable=False),
        sa.Column("epoch", exact(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "slot", name="pk_slots"),
        if_not_exists=True,
        sqlite_with_rowid=False,
        mysql_partition_by=partitions,
    )
    op.create_table(
        "samples",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("quality", tiny(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "series_id", "slot", name="pk_samples"),
        if_not_exists=True,
        sqlite_with_rowid=False,
        mysql_partition_by=partitions,
    )


def downgrade() -> None:
    for table in ("bad_samples", "sample_positions", "samples", "slots", "series", "sites"):
        op.drop_table(table)
