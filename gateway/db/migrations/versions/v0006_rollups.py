"""STUB."""

import time

import sqlalchemy as sa
from alembic import op

from gateway.db.models import tiny
from gateway.db.partitions import partitioned_by_month

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("rollups_15m", "rollups_1h", "rollups_1d"):
        op.create_table(
            name,
            *(
                sa.Column(
                    one, sa.Integer() if one != "slot" else sa.BigInteger(), nullable=False, autoincrement=False
                )
                for one in ("site_id", "series_id", "slot")
            ),
            *(sa.Column(one, sa.Double(), nullable=True) for one in ("mean", "low", "high", "last", "counted")),
            *(sa.Column(one, sa.Integer(), nullable=False) for one in ("slots", "missing")),
            sa.Column("quality", tiny(), nullable=False),
            sa.PrimaryKeyConstraint("site_id", "series_id", "slot", name=f"pk_{name}"),
            sqlite_with_rowid=False,
            mysql_partition_by=partitioned_by_month(time.time()),
        )
    op.create_table(
        "rollup_positions",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_rollup_positions"),
    )


def downgrade() -> None:
    pass
