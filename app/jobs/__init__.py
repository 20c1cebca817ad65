"""The task engine's one door: Procrastinate on the same PostgreSQL, in a schema of its own."""
