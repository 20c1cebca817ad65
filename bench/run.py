"""The rounds: every measurement in turn, again and again, so that no noise of the machine hits one alone."""

import os
import platform
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, text

from app.checkout.member_code import CodeIssuer
from app.ledger.check import QUESTIONS, differences
from app.parts import assemble
from bench import claims, flash, last_ones, messaging, pgbench, quoted_reference, quotes, races, stock
from bench.figures import BooksUnsound, Figures, Sample, figures
from bench.ground import PGBENCH, PRODUCT, Ground
from bench.load import Job, measure
from bench.requests import Operation, request
from bench.server import Server
from bench.stock import Requests

CLIENTS = 8
#: More than two cores manage; when they run out, the measurement ends early and is as good.
MOST_SALES_PER_S = 1_200
MOST_SCANS_PER_S = 700
MOST_QUOTED_PER_S = 800
MOST_CLAIMS_PER_S = 1_200
#: Of tills that are not in a hurry: each rests so long after a sale, and so there are fewer than so many a second.
TILL_PAUSE_S, MOST_TILL_SALES_PER_S = 0.1, CLIENTS * 10
#: A flash claim: so many members for so many coupons, while so many others look into their wallets.
CROWD, FEW, READERS = 2_000, 500, 8
SPREAD_S = 10.0
#: Unless the machine has just shown that it can do more.
MOST_REFERENCES_PER_S = 2_000


#: Given the number of the round; of several parts by what their names end with.
Measurement = Callable[[int], Sample | dict[str, Sample]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    rounds: int
    seconds: int
    warm_up_s: float
    members: int
    buyers: int
    #: Members of a campaign, and messages that are sent in each measurement.
    mailing: int
    sends: int

    @property
    def tickets(self) -> int:
        most_per_s = MOST_SALES_PER_S + 2 * MOST_TILL_SALES_PER_S
        return int(self.rounds * (self.seconds + self.warm_up_s) * most_per_s)

    @property
    def buyers_tickets(self) -> int:
        """For sales by quote, and one for each buyer to ask for quotes with."""
        return int(self.rounds * (self.seconds + self.warm_up_s) * MOST_QUOTED_PER_S) + self.buyers


FULL = Plan(rounds=3, seconds=5, warm_up_s=1.0, members=8_000, buyers=2_000, mailing=20_000, sends=4_000)
QUICK = Plan(rounds=2, seconds=1, warm_up_s=0.5, members=3_000, buyers=1_000, mailing=5_000, sends=2_000)
#: Crowds by the shop's own server, and by one for crowds.
FLASHES = ("flash claim", "flash claim, 10 s", "flash claim, own server", "flash claim, 10 s, own server")
#: What can be measured.
NAMES = (
    *(
        "hello, bare Flask",
        "hello, in the app",
        "balance",
        "pgbench select",
        "pgbench update",
        "sale reference",
    ),
    *("sale", "scan+sale", "quoted sale reference", "sale by quote", "quote"),
    *("claim reference", "claim", "claim, used up", "wallet"),
    *(*FLASHES, "race losers"),
    *messaging.NAMES,
)
#: Of a flash claim there are figures for each of these.
FLASH_PARTS = ("", ": refused", ": wallet before", ": wallet meanwhile")


@dataclass(kw_only=True)
class Bench:
    """One run: servers that are up, and what has been measured so far."""

    plan: Plan
    ground: Ground
    product: Server
    #: The product as well, for crowds: it lets the other go first.
    crowd: Server
    bare: Server
    engine: Engine = field(repr=False)
    stock: stock.Stock
    shelf: quotes.Shelf
    counter: claims.Counter
    program: Path | None
    messaging: messaging.Messaging | None
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    #: Of each kind of race, how many won in each.
    winners: dict[str, list[int]] = field(default_factory=dict)

    def go(self, say: Callable[[str], None], only: Collection[str] = ()) -> None:
        """Measure everything, or `only` these. Raises `LoadFailed`, `PgbenchFailed`, `BooksUnsound`."""
        found = self._measurements()
        for number in range(1, self.plan.rounds + 1):
            say(f"round {number} of {self.plan.rounds}")
            for name, measurement in found.items():
                if not only or name in only:
                    found_now = measurement(number)
                    parts = {"": found_now} if isinstance(found_now, Sample) else found_now
                    for part, sample in parts.items():
                        self.rounds.setdefault(name + part, []).append(figures(sample))
        self._audit(say)

    def _measurements(self) -> dict[str, Measurement]:
        """In the order in which they are taken; each is given the number of the round."""
        issuer, tool = self._issuer(), self._pgbench()
        requests = Requests(self.stock, issuer.ring, issuer.prefix)
        quoting = quotes.QuoteRequests(self.shelf)
        seconds = self.plan.seconds + self.plan.warm_up_s
        hello = [(request("GET", "/bench/hello"),)]
        found: dict[str, Measurement] = {
            "hello, bare Flask": lambda _: self._load(self.bare, hello),
            "hello, in the app": lambda _: self._load(self.product, hello),
            "balance": lambda _: self._load(self.product, requests.balances()),
        }
        if tool is not None:
            found |= self._ceilings(tool)
        found["sale"] = lambda _: self._once(requests.sales(int(seconds * MOST_SALES_PER_S)))
        found["scan+sale"] = lambda _: self._once(requests.scans_and_sales(int(seconds * MOST_SCANS_PER_S)))
        if tool is not None:
            found["quoted sale reference"] = partial(self._quoted_reference, tool)
        found["sale by quote"] = lambda _: self._once(
            quoting.sales(self.engine, int(seconds * MOST_QUOTED_PER_S))
        )
        found["quote"] = lambda _: self._repeated(quoting.quotes())
        found |= self._claims(tool, seconds)
        if self.messaging is not None:
            found |= self.messaging.measurements(lambda: self._tills(requests, seconds))
        return found

    def _claims(self, tool: pgbench.Pgbench | None, seconds: float) -> dict[str, Measurement]:
        claiming = claims.ClaimRequests(self.counter)
        found: dict[str, Measurement] = {}
        if tool is not None:
            found["claim reference"] = partial(self._claim_reference, tool)
        return found | {
            "claim": lambda _: self._once(claiming.claims(int(seconds * MOST_CLAIMS_PER_S))),
            "claim, used up": lambda _: self._repeated(claiming.refused(), status=b"409"),
            "wallet": lambda _: self._repeated(claiming.wallets()),
            **self._flashes(claiming),
            "race losers": partial(self._races, self._last_ones()),
        }

    def _flashes(self, claiming: claims.ClaimRequests) -> dict[str, Measurement]:
        ways = [(over_s, server) for server in (self.product, self.crowd) for over_s in (0.0, SPREAD_S)]
        return {name: partial(self._flash, claiming, *way) for name, way in zip(FLASHES, ways, strict=True)}

    def _ceilings(self, tool: pgbench.Pgbench) -> dict[str, Measurement]:
        tool.prepare(PGBENCH)
        return {
            "pgbench select": lambda _: tool.measure(PGBENCH, "select_one", self.plan.seconds),
            "pgbench update": lambda _: tool.measure(PGBENCH, "update_one", self.plan.seconds),
            "sale reference": partial(self._reference, tool),
        }

    def _reference(self, tool: pgbench.Pgbench, number: int) -> Sample:
        self.ground.clear_up()
        variables = stock.reference_variables(self.stock, number)
        return tool.measure(PRODUCT, "sale_reference", self.plan.seconds, variables)

    def _quoted_reference(self, tool: pgbench.Pgbench, number: int) -> Sample:
        """With as many quotes as it could use up if it were as fast as the smaller reference."""
        smaller = self.rounds.get("sale reference")
        rate = MOST_REFERENCES_PER_S if smaller is None else max(MOST_REFERENCES_PER_S, smaller[-1].rps)
        count = int(self.plan.seconds * rate)
        quoted_reference.hold(self.engine, self.shelf, run=number, clients=CLIENTS, count=count)
        self.ground.clear_up()
        variables = quoted_reference.variables(self.shelf, number, CLIENTS)
        return tool.measure(PRODUCT, "quoted_sale_reference", self.plan.seconds, variables)

    def _once(self, operations: Sequence[Operation]) -> Sample:
        """What can be sent only once, against a product database that has nothing left to do."""
        self.ground.clear_up()
        return self._load(self.product, operations, repeat=False)

    def _tills(self, requests: Requests, seconds: float) -> Sample:
        operations = requests.sales(int(seconds * MOST_TILL_SALES_PER_S))
        return self._load(self.product, operations, repeat=False, pause_s=TILL_PAUSE_S)

    def _repeated(self, operations: Sequence[Operation], status: bytes = b"2") -> Sample:
        self.ground.clear_up()
        return self._load(self.product, operations, status=status)

    def _claim_reference(self, tool: pgbench.Pgbench, number: int) -> Sample:
        self.ground.clear_up()
        variables = claims.reference_variables(self.counter, number, CLIENTS)
        return tool.measure(PRODUCT, "claim_reference", self.plan.seconds, variables)

    def _flash(
        self, claiming: claims.ClaimRequests, over_s: float, server: Server, _: int
    ) -> dict[str, Sample]:
        """The whole crowd, at once or within `over_s`. Raises `BooksUnsound` if not exactly what there was is out."""
        with stock.in_bulk(self.engine) as connection:
            template_id, _ = claims.template(connection, FEW, per_member=1)
        self.ground.clear_up()
        crowd = flash.Crowd(
            port=server.port,
            reads_port=self.product.port,
            claims=claiming.burst(template_id, CROWD),
            over_s=over_s,
            reads=[claiming.wallet(member_id, 20) for member_id in range(1, READERS + 1)],
        )
        seen = flash.watch(crowd)
        claims.check_flash(self.engine, template_id, FEW, told=seen.told)
        samples = (seen.claims, seen.losers, seen.quiet, seen.meanwhile)
        return dict(zip(FLASH_PARTS, samples, strict=True))

    def _races(self, laid_in: last_ones.LastOnesLaidIn, _: int) -> dict[str, Sample]:
        """For the last one of each kind. Raises `BooksUnsound` unless exactly one won in every race."""
        found = {}
        for kind, lay_in in laid_in.kinds().items():
            what = lay_in()
            self.ground.clear_up()
            asked = races.Races(port=self.product.port, races=what.races, won=what.won, lost=what.lost)
            seen = races.run(asked)
            last_ones.check(self.engine, what, seen.winners)
            self.winners.setdefault(kind, []).extend(seen.winners)
            found[f": {kind}"] = seen.losers
        return found

    def _last_ones(self) -> last_ones.LastOnesLaidIn:
        return last_ones.LastOnesLaidIn(self.engine, self.stock, assemble(self.ground.settings).seeds)

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

    def _load(
        self,
        server: Server,
        operations: Sequence[Operation],
        *,
        repeat: bool = True,
        status: bytes = b"2",
        pause_s: float = 0.0,
    ) -> Sample:
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
                status=status,
                pause_s=pause_s,
            )
        )

    def _audit(self, say: Callable[[str], None]) -> None:
        """The sales just made must be as sound as any, and none that was acknowledged may be missing."""
        with self.engine.connect() as connection:
            found = [f"{d.promise}: {d.what} ({d.detail})" for d in differences(connection)]
            stored = connection.execute(text("SELECT count(*) FROM sales")).scalar_one()
        names = ("sale", "scan+sale", "sale reference", "sale by quote", "quoted sale reference")
        tills = (messaging.QUIET, messaging.DRAINING)
        measured = sum(one.operations for name in (*names, *tills) for one in self.rounds.get(name, []))
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
