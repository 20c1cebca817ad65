"""Starts a server (`postgres FOLDER SOURCE` or `redis SOURCE`), says where, and holds it until input ends."""

import json
import os
import sys
from pathlib import Path

from embedded import postgres, redis

kind, *words = sys.argv[1:]
server: postgres.RunningPostgres | redis.RunningRedis
if kind == "postgres":
    server = postgres.start(Path(words[0]), source=words[1], durable=False)  # type: ignore[arg-type]
    url, folder = server.url(), words[0]
else:
    server = redis.start(source=words[0])  # type: ignore[arg-type]
    url, folder = server.url, str(server.folder)
with server:
    print(json.dumps({"url": url, "pid": server.pid, "uid": os.geteuid(), "folder": folder}), flush=True)
    sys.stdin.read()
