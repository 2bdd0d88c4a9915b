"""Layer 4: one booking uid, one row. NULLs are free.

Down is the documented way to switch the layer off; it restores the plain index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    duplicates = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT count(*) FROM (SELECT 1 FROM appointments WHERE calcom_v2_booking_id IS NOT NULL "
                "GROUP BY calcom_v2_booking_id HAVING count(*) > 1) AS doubled"
            )
        )
        .scalar_one()
    )
    if duplicates:
        raise RuntimeError(
            f"{duplicates} booking uids stand in more than one appointment; clean them up first, "
            "keeping the oldest row of each. Nothing was changed."
        )
    op.drop_index("appointments_calcom_v2_booking_id_index", "appointments")
    op.create_index("unique_calcom_v2_booking_id", "appointments", ["calcom_v2_booking_id"], unique=True)


def downgrade() -> None:
    op.drop_index("unique_calcom_v2_booking_id", "appointments")
    op.create_index("appointments_calcom_v2_booking_id_index", "appointments", ["calcom_v2_booking_id"])
