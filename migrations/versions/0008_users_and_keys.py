"""Users have a status; API keys, and the audit of administrative actions."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # 0 is enabled, 1 disabled.
    op.execute("ALTER TABLE users ADD COLUMN status smallint NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE users ALTER COLUMN status DROP DEFAULT")
    # `material` is a sealed secret or a public key. A revoked key stays, with the time of its end.
    op.execute(
        """
        CREATE TABLE keys (
            api_key text COLLATE "C" PRIMARY KEY,
            user_id text COLLATE "C" NOT NULL,
            key_type text COLLATE "C" NOT NULL,
            material text COLLATE "C" NOT NULL,
            permissions text COLLATE "C" NOT NULL,
            label text COLLATE "C",
            allowed_addresses text COLLATE "C",
            expires_ns bigint,
            created_ns bigint NOT NULL,
            revoked_ns bigint
        )
        """
    )
    op.execute(
        """
        CREATE TABLE audit (
            sequence bigint PRIMARY KEY,
            time_ns bigint NOT NULL,
            actor text COLLATE "C" NOT NULL,
            address text COLLATE "C",
            action text COLLATE "C" NOT NULL,
            user_id text COLLATE "C" NOT NULL,
            detail text COLLATE "C"
        )
        """
    )


def downgrade() -> None:
    raise RuntimeError("an older exchange would let disabled users trade: restore a backup instead")
