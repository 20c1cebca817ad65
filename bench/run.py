"""The rounds: every measurement in turn, again and again, so that no noise of the machine hits one alone."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from app.checkout.member_code import CodeIssuer
from app.ledger.check import QUESTIONS, differences
from app.parts import assemble
from bench import pgbench, stock
from bench.figures import Figures, Sample, figures
from bench.ground import PGBENCH, PRODUCT, Ground
from bench.load import Job, measure
from bench.requests import Operation, request
from bench.server import Server

CLIENTS = 8
#: More than two cores manage; when they run out, the measurement ends early and is as good.
MOST_SALES_PER_S = 1_200
MOST_SCANS_PER_S = 700


class BooksUnsound(Exception):
    """The audits found differences, or a sale that was acknowledged is not there."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    rounds: int
    seconds: int
    warm_up_s: float
    members: int

    @property
    def tickets(self) -> int:
        return int(self.rounds * (self.seconds + self.warm_up_s) * MOST_SALES_PER_S)


FULL = Plan(rounds=3, seconds=5, warm_up_s=1.0, members=8_000)
QUICK = Plan(rounds=2, seconds=1, warm_up_s=0.5, members=3_000)


@dataclass(kw_only=True)
class Bench:
    """One run: servers that are up, and what has been measured so far."""

    plan: Plan
    ground: Ground
    product: Server
    bare: Server
    stock: stock.Stock
    program: Path | None
    rounds: dict[str, list[Figures]] = field(default_factory=dict)

    def go(self, say: Callable[[str], None]) -> None:
        """Measure everything. Raises `LoadFailed`, `PgbenchFailed`, `BooksUnsound`."""
        issuer = self._issuer()
        requests = stock.Requests(self.stock, issuer.ring, issuer.prefix)
        seconds = self.plan.seconds + self.plan.warm_up_s
        hello, balances = [(request("GET", "/bench/hello"),)], requests.balances()
        tool = self._pgbench()
        if tool is not None:
            tool.prepare(PGBENCH)
        for number in range(1, self.plan.rounds + 1):
            say(f"round {number} of {self.plan.rounds}")
            self._add("hello, bare Flask", self._load(self.bare, hello))
            self._add("hello, in the app", self._load(self.product, hello))
            self._add("balance", self._load(self.product, balances))
            if tool is not None:
                self._add("pgbench select", tool.measure(PGBENCH, "select_one", self.plan.seconds))
                self._add("pgbench update", tool.measure(PGBENCH, "update_one", self.plan.seconds))
                self.ground.clear_up()
                variables = stock.reference_variables(self.stock, number)
                sample = tool.measure(PRODUCT, "sale_reference", self.plan.seconds, variables)
                self._add("sale reference", sample)
            self.ground.clear_up()
            sales = requests.sales(int(seconds * MOST_SALES_PER_S))
            self._add("sale", self._load(self.product, sales, repeat=False))
            self.ground.clear_up()
            both = requests.scans_and_sales(int(seconds * MOST_SCANS_PER_S))
            self._add("scan+sale", self._load(self.product, both, repeat=False))
        self._audit(say)

    def _issuer(self) -> CodeIssuer:
        return assemble(self.ground.settings).issuer

    def _pgbench(self) -> pgbench.Pgbench | None:
        if self.program is None:
            return None
        return pgbench.Pgbench(
            program=self.program,
            environment=pgbench.environment(self.ground.database_url),
            database_pid=self.ground.database_pid,
            clients=CLIENTS,
        )

    def _load(self, server: Server, operations: Sequence[Operation], *, repeat: bool = True) -> Sample:
        return measure(
            Job(
                port=server.port,
                clients=CLIENTS,
                operations=operations,
                repeat=repeat,
                warm_up_s=self.plan.warm_up_s,
                seconds=self.plan.seconds,
                app_pid=server.pid,
                database_pid=self.ground.database_pid,
            )
        )

    def _add(self, name: str, sample: Sample) -> None:
        self.rounds.setdefault(name, []).append(figures(sample))

    def _audit(self, say: Callable[[str], None]) -> None:
        """The sales just made must be as sound as any, and none that was acknowledged may be missing."""
        engine = create_engine(self.ground.database_url)
        with engine.connect() as connection:
            found = [f"{d.promise}: {d.what} ({d.detail})" for d in differences(connection)]
            stored = connection.execute(text("SELECT count(*) FROM sales")).scalar_one()
        engine.dispose()
        names = ("sale", "scan+sale", "sale reference")
        measured = sum(one.operations for name in names for one in self.rounds.get(name, []))
        if stored < measured:
            found.append(f"{measured} sales were acknowledged, {stored} are stored")
        if found:
            raise BooksUnsound("\n".join(found[:20]))
        say(f"books sound: {len(QUESTIONS)} questions over {stored:,} sales, no difference")


def machine(ground: Ground) -> dict[str, object]:
    """What the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": ground.database_version,
    }
