"""Runs the migrations on the connection that the exchange passes in."""

from alembic import context
from sqlalchemy import Connection

from exchange.store.schema import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
