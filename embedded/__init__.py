"""Private PostgreSQL and Redis servers for the demo, the tests and the benchmarks.

`embedded.postgres.start(folder)` and `embedded.redis.start()` give a running server that only the caller can
enter and that goes away with the caller. See docs/embedded.md.
"""
