"""The key of a tenant's hashes may lie sealed, in a column of its own.

Who knows nothing of seals must not take what is sealed for a key, or every repeated wish would be another one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tenants") as tenants:
        tenants.alter_column("hash_key", existing_type=sa.LargeBinary(), nullable=True)
        tenants.add_column(sa.Column("hash_key_sealed", sa.String()))
        tenants.create_check_constraint("one_hash_key", "(hash_key IS NULL) <> (hash_key_sealed IS NULL)")


def downgrade() -> None:
    sealed = op.get_bind().execute(sa.text("SELECT count(*) FROM tenants WHERE hash_key_sealed IS NOT NULL")).scalar()
    if sealed:
        raise RuntimeError(
            f"{sealed} keys of hashes lie sealed; below 0011 they would be lost, and repeats booked again"
        )
    with op.batch_alter_table("tenants") as tenants:
        tenants.drop_constraint("one_hash_key", type_="check")
        tenants.drop_column("hash_key_sealed")
        tenants.alter_column("hash_key", existing_type=sa.LargeBinary(), nullable=False)
