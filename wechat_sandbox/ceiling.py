"""``python -m wechat_sandbox.ceiling``: how many sends a second this sandbox answers on this machine.

A benchmark of the product is worth reading only well below this figure. The load comes from one aiohttp client
on the same machine, so the client's own cost is part of it.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from statistics import quantiles

import aiohttp

from wechat_sandbox.process import start

_TEMPLATE = "ceiling-template"
_PEOPLE = 500
_CONFIG = {
    "app_id": "wx0123456789abcdef",
    "secret": "ceiling",
    "templates": [
        {"id": _TEMPLATE, "kind": 3, "fields": [{"key": "thing1"}, {"key": "amount2"}, {"key": "time3"}]}
    ],
}


async def measure(base_url: str, *, connections: int, seconds: float) -> list[float]:
    """Send as fast as the answers come; returns the milliseconds each send took."""
    took_ms: list[float] = []
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(base_url, connector=connector) as session:
        people = {"count": _PEOPLE, "credits": {_TEMPLATE: 1}}
        async with session.post("/_sim/users", json=people) as answer:
            openids = [one["openid"] for one in (await answer.json())["users"]]
        app = {"grant_type": "client_credential", "appid": _CONFIG["app_id"], "secret": _CONFIG["secret"]}
        async with session.post("/cgi-bin/stable_token", json=app) as answer:
            query = {"access_token": (await answer.json())["access_token"]}
        end = time.perf_counter() + seconds

        async def sender(own: list[str]) -> None:
            place = 0
            while (began := time.perf_counter()) < end:
                place = (place + 1) % len(own)
                body = {"touser": own[place], "template_id": _TEMPLATE, "data": _DATA}
                async with session.post("/cgi-bin/message/subscribe/send", params=query, json=body) as sent:
                    if (await sent.json())["errcode"] != 0:
                        raise RuntimeError("a send was refused")
                took_ms.append((time.perf_counter() - began) * 1_000)

        await asyncio.gather(*(sender(openids[place::connections]) for place in range(connections)))
    return took_ms


_DATA = {
    "thing1": {"value": "中山路店"},
    "amount2": {"value": "¥26.80"},
    "time3": {"value": "2026-11-22 15:04"},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wechat_sandbox.ceiling")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    with start(_CONFIG) as base_url:
        took_ms = asyncio.run(measure(base_url, connections=given.connections, seconds=given.seconds))
    percentiles = quantiles(took_ms, n=100)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ms = (usage.ru_utime + usage.ru_stime) * 1_000 / len(took_ms)
    print(f"{len(took_ms) / given.seconds:,.0f} sends/s over {given.connections} connections")
    print(f"p50 {percentiles[49]:.1f} ms, p99 {percentiles[98]:.1f} ms")
    print(f"{cpu_ms:.3f} ms of the sandbox's CPU time a send")


if __name__ == "__main__":
    main()
