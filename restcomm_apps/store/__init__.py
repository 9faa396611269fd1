"""The database: connections, transactions, tables, SQL that means the same on both engines."""
