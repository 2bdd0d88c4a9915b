"""Any SQL table that holds booking ids, ours or another's, on PostgreSQL, MySQL, MariaDB or SQLite."""
