"""Charge sessions, their segments and corrections, and how far they were carried."""

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import ExactDecimal, UtcTime, exact, identity, long_text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sessions()
    _parts()
    op.create_table(
        "record_positions",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_record_positions"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_record_positions_site_id"),
        if_not_exists=True,
    )


def _parts() -> None:
    op.create_table(
        "charge_session_segments",
        sa.Column("session_id", identity(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.String(16), nullable=True),
        sa.Column("begin", UtcTime(), nullable=False),
        sa.Column("end", UtcTime(), nullable=True),
        sa.Column("energy_wh", ExactDecimal(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", "number", name="pk_charge_session_segments"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charge_sessions.id"],
            ondelete="CASCADE",
            name="fk_charge_session_segments_session_id",
        ),
        if_not_exists=True,
    )
    op.create_table(
        "charge_session_versions",
        sa.Column("session_id", identity(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", exact(64), nullable=False),
        sa.Column("reason", exact(500), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=True),
        sa.Column("vehicle_name", exact(255), nullable=True),
        sa.Column("odometer_start_km", sa.Double(), nullable=True),
        sa.Column("odometer_end_km", sa.Double(), nullable=True),
        sa.Column("note", long_text(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", "version", name="pk_charge_session_versions"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charge_sessions.id"],
            ondelete="CASCADE",
            name="fk_charge_session_versions_session_id",
        ),
        if_not_exists=True,
    )


def _sessions() -> None:
    op.create_table(
        "charge_sessions",
        sa.Column("id", identity(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("chargepoint_id", exact(64), nullable=False),
        sa.Column("plugged_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("plugged_at", UtcTime(), nullable=False),
        sa.Column("unplugged_at", UtcTime(), nullable=False),
        *(sa.Column(name, ExactDecimal(), nullable=True) for name in ("meter_start_wh", "meter_end_wh", "energy_wh")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("peak_w", "mean_w")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("charging_s", "plugged_s")),
        sa.Column("vehicle_id", sa.Integer(), nullable=True),
        *(sa.Column(name, exact(255), nullable=True) for name in ("vehicle_name", "id_tag", "person")),
        sa.Column("person_how", sa.String(32), nullable=True),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in ("soc_start_percent", "soc_end_percent", "odometer_start_km", "odometer_end_km")
        ),
        *(sa.Column(name, ExactDecimal(), nullable=True) for name in ("grid_wh", "pv_wh", "battery_wh")),
        sa.Column("source_how", sa.String(16), nullable=True),
        sa.Column("cost", ExactDecimal(), nullable=True),
        sa.Column("completeness", sa.String(128), nullable=False),
        sa.Column("serial_number", exact(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_charge_sessions"),
        sa.UniqueConstraint(
            "site_id",
            "chargepoint_id",
            "plugged_at_ms",
            name="uq_charge_sessions_site_id_chargepoint_id_plugged_at_ms",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_charge_sessions_site_id"),
        if_not_exists=True,
    )
    for column in ("unplugged_at", "plugged_at"):
        op.create_index(
            f"ix_charge_sessions_site_id_{column}", "charge_sessions", ["site_id", column], if_not_exists=True
        )


def downgrade() -> None:
    for table in ("record_positions", "charge_session_versions", "charge_session_segments", "charge_sessions"):
        op.drop_table(table)
