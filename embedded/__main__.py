"""`python -m embedded postgres --data FOLDER` and `python -m embedded redis`: a server until Ctrl-C."""

import argparse
import signal
from pathlib import Path

from embedded import postgres, redis
from embedded.errors import EmbeddedError


def main() -> None:
    """Start the server named on the command line, print its URL, and wait for Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m embedded", description="A private server until Ctrl-C.")
    servers = parser.add_subparsers(dest="server", required=True)
    for_postgres = servers.add_parser("postgres", help="PostgreSQL; its data stays in a folder")
    for_postgres.add_argument("--data", type=Path, required=True, help="the folder, made on first use")
    servers.add_parser("redis", help="Redis; nothing stays")
    words = parser.parse_args()

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if words.server == "postgres":
            with postgres.start(words.data) as server:
                print(server.url(), flush=True)
                signal.pause()
        else:
            with redis.start() as cache:
                print(cache.url, flush=True)
                signal.pause()
    except KeyboardInterrupt:
        return
    except EmbeddedError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
