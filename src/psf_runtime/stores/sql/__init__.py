"""State in a database: one code for SQLite and PostgreSQL, over SQLAlchemy Core.

`opening.py` is the door: nothing else here is imported before a durable state is opened, because all of it needs
SQLAlchemy, which the base install does not have.
"""
