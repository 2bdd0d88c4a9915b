"""Run by Alembic. The connection is handed in by migrate.py; there is no ini file to keep in step."""

from alembic import context

from einmal.adapters.sql.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
