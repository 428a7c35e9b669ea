"""Django's backend for PostgreSQL with psycopg's pool."""
