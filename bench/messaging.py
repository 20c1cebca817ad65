"""Messages by the thousand: how fast a campaign is planned, how fast workers send, and what tills notice of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from app import clock, db
from app.campaigns.plan import plan
from bench import mailing, sending
from bench.cpu import tree_cpu_s
from bench.figures import BooksUnsound, Sample
from bench.ground import Ground
from bench.stock import in_bulk

PLANNING, PLANNING_TWO, CEILING = "planning", "planning, 2 workers", "sends, no latency"
ONE, TWO = "sends, 1 worker", "sends, 2 workers"
BARE_ONE, BARE_TWO = "sends, bare client of 60", "sends, bare client of 120"
QUIET, DRAINING = "till, no backlog", "till, backlog drains"
NAMES = (PLANNING, PLANNING_TWO, CEILING, BARE_ONE, ONE, BARE_TWO, TWO, QUIET, DRAINING)
#: Connections of one worker (`at_once` of app/messages/channels/wechat_subscribe.py), and how long WeChat takes.
CONNECTIONS, LATENCY_MS = 60, 50.0
#: A rate that stops nobody, and the usual one.
UNPACED, PACED = 10_000, 500
_WARM_UP = 300

_PLANNED = """
    SELECT count(*) FILTER (WHERE c.state = 'planned'), count(DISTINCT m.member_id), count(r.id)
    FROM campaign_members c LEFT JOIN messages m ON m.id = c.message_id AND m.state = 'pending'
    LEFT JOIN subscription_changes r ON r.source = concat('message:', m.id) AND r.change = -1
    WHERE c.campaign_id = :id"""
_DONE_WITH = "UPDATE messages SET state = 'cancelled' WHERE state = 'pending'"
_UNDONE = "SELECT count(*) FROM messages WHERE id LIKE :head || '%' AND state <> 'sent'"
_TOOK = """
    SELECT CAST(extract(epoch FROM finished_at - started_at) * 1000 AS float8) FROM message_attempts
    WHERE message_id LIKE :head || '%' AND outcome = 'sent'"""


@dataclass(kw_only=True)
class Messaging:
    """`memory_kb`: of a worker, before and after, and how many messages it sent in between."""

    ground: Ground
    engine: Engine = field(repr=False)
    logs: Path
    address: str
    openids: list[str] = field(repr=False)
    mailing: mailing.Mailing
    sends: int
    memory_kb: list[tuple[int, int, int]] = field(default_factory=list)

    def measurements(self, till: Callable[[], Sample]) -> dict[str, Callable[[int], Sample]]:
        """`till` measures sales of some tills that are not in a hurry."""
        return {
            PLANNING: lambda _: self._planning(1),
            PLANNING_TWO: lambda _: self._planning(2),
            CEILING: lambda _: self._bare(CONNECTIONS, latency_ms=0),
            BARE_ONE: lambda _: self._bare(CONNECTIONS),
            ONE: lambda _: self._workers(1),
            BARE_TWO: lambda _: self._bare(2 * CONNECTIONS),
            TWO: lambda _: self._workers(2),
            QUIET: lambda _: self._till(till, 0),
            DRAINING: lambda _: self._till(till, self.sends),
        }

    def _planning(self, workers: int) -> Sample:
        """By processes of their own. Raises `BooksUnsound` unless each member has a message and a credit reserved."""
        now = clock.now()
        with ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_connect, initargs=(self.ground.database_url,)
        ) as processes:
            list(processes.map(time.sleep, [0.5] * workers))  # each has started and imported what it needs
            campaign_id = mailing.begun(self.engine, self.mailing, now)
            self.ground.clear_up()
            database, began = tree_cpu_s(self.ground.database_pid), time.perf_counter()
            done = list(processes.map(_plan, [campaign_id] * workers, [now] * workers))
            took_s, after = time.perf_counter() - began, tree_cpu_s(self.ground.database_pid)
        planned = sum(number for number, _ in done)
        with in_bulk(self.engine) as connection:
            found = tuple(connection.execute(text(_PLANNED), {"id": campaign_id}).one())
            connection.execute(text(_DONE_WITH))
        if found != (planned,) * 3 or planned != self.mailing.members:
            raise BooksUnsound(f"of {self.mailing.members} members {planned} were planned for: {found}")
        return Sample(
            operations=planned,
            elapsed_s=took_s,
            latencies_ms=[1000 * took_s],
            app_cpu_s=sum(cpu_s for _, cpu_s in done),
            database_cpu_s=None if database is None or after is None else after - database,
        )

    def _bare(self, connections: int, latency_ms: float = LATENCY_MS) -> Sample:
        sending.latency(self.address, latency_ms)
        bare = sending.Bare(address=self.address, openids=self.openids, connections=connections)
        bare.send(_WARM_UP)
        return bare.send(self.sends)

    def _workers(self, count: int) -> Sample:
        sending.latency(self.address, LATENCY_MS)
        with self._working(count, UNPACED) as workers:
            self._drained(workers, _WARM_UP)
            self.ground.clear_up()
            before = workers.resident_kb()
            sample = self._drained(workers, self.sends)
            after = workers.resident_kb()
        if count == 1 and before is not None and after is not None:
            self.memory_kb.append((before, after, self.sends))
        return sample

    def _drained(self, workers: sending.Workers, count: int) -> Sample:
        before = sending.sends(self.address)
        head = mailing.backlog(self.engine, self.mailing, count, clock.now())
        seen = sending.drained(self.address, before + count, workers, self.ground.database_pid)
        self._until_written_down(head)
        with self.engine.connect() as connection:
            took_ms = list(connection.execute(text(_TOOK), {"head": head}).scalars())
        return Sample(
            operations=seen.operations,
            elapsed_s=seen.elapsed_s,
            latencies_ms=took_ms,
            app_cpu_s=seen.app_cpu_s,
            database_cpu_s=seen.database_cpu_s,
        )

    def _until_written_down(self, head: str) -> None:
        """Raises `SendingFailed` when what was sent is not known to be sent soon after."""
        until = time.monotonic() + 10
        with self.engine.connect() as connection:
            while left := connection.execute(text(_UNDONE), {"head": head}).scalar_one():
                if time.monotonic() > until:
                    raise sending.SendingFailed(f"{left} messages that were sent are not written down")
                time.sleep(0.1)

    def _till(self, till: Callable[[], Sample], backlog: int) -> Sample:
        """With a worker that has nothing to do, or a backlog at the usual rate for as long as it takes."""
        sending.latency(self.address, LATENCY_MS)
        with self._working(1, PACED) as workers:
            self.ground.clear_up()
            before = sending.sends(self.address)
            if backlog:
                mailing.backlog(self.engine, self.mailing, backlog, clock.now())
                time.sleep(1.5)  # until a beat has begun with it
            sample = till()
            if backlog:
                sent = sending.sends(self.address) - before
                if sent == backlog:
                    raise sending.SendingFailed(f"all {sent} messages were sent before the tills were done")
                sending.drained(self.address, before + backlog, workers, self.ground.database_pid)
        return sample

    @contextmanager
    def _working(self, count: int, per_second: int) -> Iterator[sending.Workers]:
        environment = sending.environment(self.ground.environment, self.address, per_second)
        with sending.working(count, environment, self.logs) as workers:
            yield workers


def _connect(database_url: str) -> None:
    db.bind(create_engine(database_url, **db.engine_options(2)))


def _plan(campaign_id: str, now: datetime) -> tuple[int, float]:
    """How many, and the CPU time of this process."""
    began = time.process_time()
    return plan(campaign_id, app_id=mailing.APP_ID, now=now), time.process_time() - began


@contextmanager
def standing(ground: Ground, engine: Engine, logs: Path, *, members: int, sends: int) -> Iterator[Messaging]:
    """A stand-in WeChat, and members who agreed to be written to, for the length of the block."""
    with sending.wechat() as address:
        openids = sending.people(address, members)
        yield Messaging(
            ground=ground,
            engine=engine,
            logs=logs,
            address=address,
            openids=openids,
            mailing=mailing.lay_in(engine, openids=openids),
            sends=sends,
        )


def memory_sentence(memory_kb: Sequence[tuple[int, int, int]]) -> str:
    """How a worker's memory grew with what it sent."""
    first, last = memory_kb[0][0] / 1024, memory_kb[-1][1] / 1024
    growth = [10_000 * (after - before) / 1024 / sent for before, after, sent in memory_kb]
    grew = ", ".join(f"{one:+.1f}" for one in growth)
    return f"memory of a worker: {first:.0f} MB at first, {last:.0f} at last; {grew} MB for 10,000 messages"
