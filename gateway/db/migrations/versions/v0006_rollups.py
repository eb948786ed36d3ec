"""Roll-ups of what is recorded, where its energy came from, and how far both are. Each step may be repeated."""

import time

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import exact, tiny
from gateway.db.partitions import partitioned_by_month

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTITIONED = ("rollups_15m",)
TIERS = ("rollups_15m", "rollups_1h", "rollups_1d")


def upgrade() -> None:
    partitions = partitioned_by_month(time.time())
    for name in TIERS:
        op.create_table(
            name,
            *_numbers("site_id", "series_id"),
            sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
            *(sa.Column(one, sa.Double(), nullable=True) for one in ("mean", "low", "high", "last", "counted")),
            *(sa.Column(one, sa.Integer(), nullable=False) for one in ("known_ms", "missing_ms")),
            sa.Column("quality", tiny(), nullable=False),
            sa.PrimaryKeyConstraint("site_id", "series_id", "slot", name=f"pk_{name}"),
            if_not_exists=True,
            sqlite_with_rowid=False,
            **({"mysql_partition_by": partitions} if name in PARTITIONED else {}),
        )
    op.create_table(
        "source_energies",
        *_numbers("site_id"),
        sa.Column("consumer", exact(255), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(one, sa.Double(), nullable=False) for one in ("grid_wh", "pv_wh", "battery_wh", "unknown_wh")),
        sa.PrimaryKeyConstraint("site_id", "consumer", "slot", name="pk_source_energies"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_positions",
        *_numbers("site_id"),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_rollup_positions"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_rollup_positions_site_id"),
        if_not_exists=True,
    )


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in names]


def downgrade() -> None:
    for table in ("rollup_positions", "source_energies", *TIERS):
        op.drop_table(table)
