"""One-time tickets for websockets. The step may be repeated."""

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import UtcTime, exact, identity

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("token_id", identity(), nullable=False),
        sa.Column("origin", exact(300), nullable=True),
        sa.Column("device", exact(64), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_tickets"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_tickets_token_id", ondelete="CASCADE"),
        if_not_exists=True,
    )
    op.create_index("ix_tickets_token_id", "tickets", ["token_id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("tickets")
