"""Users and their tokens.

Each step may be repeated: MariaDB has no transactions around tables, so a start that was killed halfway begins again.
"""

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import UtcTime, exact, identity

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", identity(), autoincrement=True, nullable=False),
        sa.Column("name", exact(64), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("disabled_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        if_not_exists=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", identity(), autoincrement=True, nullable=False),
        sa.Column("user_id", identity(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("scopes", sa.String(255), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        if_not_exists=True,
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"], if_not_exists=True)
    op.create_index("ix_tokens_expires_at", "tokens", ["expires_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("tokens")
    op.drop_table("users")
