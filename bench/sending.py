"""Sending to the stand-in WeChat: by the product's workers, and by a client that does nothing but send.

The workers are processes of their own, started as in production. How fast they are is read off the stand-in, which
counts what it has taken, so that looking costs the database nothing.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import aiohttp
import requests

from app.providers.wechat.client import subscribe_body
from app.providers.wechat.transport import to_json
from bench.cpu import tree_cpu_s
from bench.figures import Sample
from bench.mailing import APP_ID, TEMPLATE
from bench.server import ROOT
from embedded.process import guard, last_lines
from wechat_sandbox import process

SECRET = "bench-secret"  # of a stand-in on loopback
PAGE = "pages/coupon_centre/index"
DATA = {"thing1": {"value": "会员：本周八折"}}
_SEND = "/cgi-bin/message/subscribe/send"
_READY_S, _PATIENCE_S, _LOOK_S = 60, 120, 0.1
_STOP_STEPS = ((SIGTERM, 45.0), (SIGKILL, 5.0))


class SendingFailed(Exception):
    """A worker did not come up, a send was refused, or the backlog did not drain in time."""


@contextmanager
def wechat() -> Iterator[str]:
    """A stand-in whose answers take no time; its address."""
    # Long-term: whoever has accepted once can be written to for ever.
    template = {"id": TEMPLATE, "kind": 3, "fields": [{"key": "thing1"}]}
    with process.start({"app_id": APP_ID, "secret": SECRET, "templates": [template]}) as address:
        yield address


def people(address: str, count: int) -> list[str]:
    """So many phones that have accepted; their openids."""
    asked: dict[str, Any] = {"count": count, "credits": {TEMPLATE: 1}}
    made = requests.post(f"{address}/_sim/users", json=asked, timeout=60).json()
    return [one["openid"] for one in made["users"]]


def latency(address: str, milliseconds: float) -> None:
    """How long each answer takes from now on."""
    requests.post(f"{address}/_sim/latency", json={"p50_ms": milliseconds}, timeout=5).raise_for_status()


def sends(address: str) -> int:
    """How many messages it has taken so far."""
    return int(requests.get(f"{address}/_sim/metrics", timeout=5).json()["sends"])


def environment(ground: Mapping[str, str], address: str, per_second: int) -> dict[str, str]:
    """What a worker needs to send there, at most so many a second."""
    return {
        **ground,
        "WECHAT_APP_ID": APP_ID,
        "WECHAT_APP_SECRET": SECRET,
        "WECHAT_API_BASE": address,
        "SENDS_PER_SECOND": f"wechat_subscribe={per_second}",
    }


@dataclass(frozen=True, kw_only=True)
class Workers:
    pids: tuple[int, ...]

    def cpu_s(self) -> float | None:
        each = [tree_cpu_s(pid) for pid in self.pids]
        return None if None in each else sum(filter(None, each))

    def resident_kb(self) -> int | None:
        """Memory of the largest; None where there is no /proc."""
        try:
            said = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids]
        except OSError:
            return None
        return max(int(one.partition("VmRSS:")[2].split()[0]) for one in said)


@contextmanager
def working(count: int, environment: Mapping[str, str], logs: Path) -> Iterator[Workers]:
    """So many workers for the length of the block. Raises `SendingFailed`."""
    with ExitStack() as running:
        yield Workers(
            pids=tuple(
                running.enter_context(_worker(environment, logs / f"worker-{number}.log"))
                for number in range(count)
            )
        )


@contextmanager
def _worker(environment: Mapping[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    guarded = guard(started, _STOP_STEPS)
    try:
        until = time.monotonic() + _READY_S
        while b"worker ready" not in log.read_bytes():
            if started.poll() is not None or time.monotonic() > until:
                raise SendingFailed(f"a worker did not come up:\n{last_lines(log, 20)}")
            time.sleep(0.1)
        yield started.pid
    finally:
        guarded.stop()


def drained(address: str, until: int, workers: Workers, database_pid: int) -> Sample:
    """Wait until it has taken so many in all; what was sent from the first look on at which there was one.

    So the wait for a beat does not count. Raises `SendingFailed`.
    """
    first, give_up_at = sends(address), time.monotonic() + _PATIENCE_S
    while (sent := sends(address)) == first:
        _wait(give_up_at, sent, until)
    before = time.perf_counter(), workers.cpu_s(), tree_cpu_s(database_pid)
    began_at = sent
    while sent < until:
        _wait(give_up_at, sent, until)
        sent = sends(address)
    after = time.perf_counter(), workers.cpu_s(), tree_cpu_s(database_pid)
    took_s, app_cpu_s, database_cpu_s = (
        None if a is None or b is None else b - a for a, b in zip(before, after, strict=True)
    )
    assert took_s is not None
    return Sample(
        operations=sent - began_at,
        elapsed_s=took_s,
        latencies_ms=[],
        app_cpu_s=app_cpu_s,
        database_cpu_s=database_cpu_s,
    )


def _wait(give_up_at: float, sent: int, until: int) -> None:
    if time.monotonic() > give_up_at:
        raise SendingFailed(f"{until - sent} messages were not sent within {_PATIENCE_S} s")
    time.sleep(_LOOK_S)


@dataclass(kw_only=True)
class Bare:
    """Posts the same bodies over so many connections, each its next when the last is answered, and nothing else."""

    address: str
    openids: Sequence[str] = field(repr=False)
    connections: int

    def send(self, count: int) -> Sample:
        return asyncio.run(self._send(count))

    async def _send(self, count: int) -> Sample:
        took_ms: list[float] = []
        connector = aiohttp.TCPConnector(limit=self.connections)
        async with aiohttp.ClientSession(self.address, connector=connector) as session:
            app = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
            async with session.post("/cgi-bin/stable_token", json=app) as answer:
                query = {"access_token": (await answer.json())["access_token"]}
            numbers = iter(range(count))

            async def line() -> None:
                for number in numbers:
                    began = time.perf_counter()
                    await self._post(session, query, self.openids[number % len(self.openids)])
                    took_ms.append(1000 * (time.perf_counter() - began))

            started, cpu_s = time.perf_counter(), time.process_time()
            await asyncio.gather(*(line() for _ in range(self.connections)))
            return Sample(
                operations=count,
                elapsed_s=time.perf_counter() - started,
                latencies_ms=took_ms,
                client_cpu_s=time.process_time() - cpu_s,
            )

    @staticmethod
    async def _post(session: aiohttp.ClientSession, query: dict[str, str], openid: str) -> None:
        body = to_json(subscribe_body(openid, TEMPLATE, PAGE, DATA, "zh_CN", "formal"))
        headers = {"Content-Type": "application/json"}
        async with session.post(_SEND, params=query, data=body, headers=headers) as sent:
            said: dict[str, Any] = await sent.json()
            if said["errcode"] != 0:
                raise SendingFailed(f"WeChat's stand-in answered {said}")
