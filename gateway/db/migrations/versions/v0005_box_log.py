"""The entries of the boxes' own charge logs, as they were taken over."""

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import ExactDecimal, UtcTime, exact, long_text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "box_log_entries",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("natural_key", exact(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("chargepoint", exact(255), nullable=True),
        sa.Column("begin", UtcTime(), nullable=True),
        sa.Column("end", UtcTime(), nullable=True),
        sa.Column("energy_wh", ExactDecimal(), nullable=True),
        sa.Column("entry", long_text(), nullable=False),
        sa.Column("taken_over_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "natural_key", name="pk_box_log_entries"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_box_log_entries_site_id"),
        if_not_exists=True,
    )
    op.create_index("ix_box_log_entries_site_id_end", "box_log_entries", ["site_id", "end"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("box_log_entries")
