"""`python -m bench [--quick]`: measures, prints a table, writes var/bench/<time>.json. See docs/performance.md."""

import argparse
import json
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import create_engine

from app import clock, db
from bench import claims, messaging, pgbench, quotes
from bench.figures import (
    BooksUnsound,
    Ratio,
    cost,
    cost_sentence,
    extrapolated,
    extrapolated_sentence,
    over_rounds,
    ratio,
    sentence,
    slowest,
    slowest_sentence,
    table,
)
from bench.ground import standing
from bench.last_ones import CLIENTS as RACERS
from bench.last_ones import KINDS
from bench.load import LoadFailed
from bench.run import CLIENTS, FLASHES, FULL, NAMES, QUICK, Bench, machine
from bench.sending import SendingFailed
from bench.server import BLOCKING_THREADS, ROOT, WORKERS, serving
from bench.stock import lay_in

FOLDER = ROOT / "var" / "bench"
#: What of which, and the least share that counts as fast enough.
RATIOS = (
    ("sale", "sale reference", 30.0),
    ("balance", "hello, in the app", 30.0),
    ("sale by quote", "quoted sale reference", 25.0),
    ("claim", "claim reference", 30.0),
    (messaging.ONE, messaging.BARE_ONE, 60.0),
    (messaging.TWO, messaging.BARE_TWO, 60.0),
    (messaging.ONE, messaging.CEILING, None),
    ("scan+sale", "sale reference", None),
    ("balance", "pgbench select", None),
    ("hello, in the app", "hello, bare Flask", None),
)
#: What may cost so many milliseconds of CPU, app and database together.
COSTS = (("quote", 25.0), ("wallet", 10.0))
#: Whose p99 may be how many milliseconds, or how many percent of whose.
SLOWEST: tuple[tuple[str, str, float | None, float | None], ...] = (
    ("claim, used up", "", None, None),
    *((flash, "", 1_500.0, None) for flash in FLASHES),
    *((f"{flash}: refused", "", None, None) for flash in FLASHES),
    *((f"{flash}: wallet meanwhile", f"{flash}: wallet before", None, 150.0) for flash in FLASHES),
    *((f"race losers: {kind}", "", 1_000.0, None) for kind in KINDS),
    (messaging.DRAINING, messaging.QUIET, None, 120.0),
)
#: A campaign to so many is planned in so many seconds.
CAMPAIGN, CAMPAIGN_S = 200_000, 20.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast is it on this machine?")
    parser.add_argument("--quick", action="store_true", help="under a minute, rougher figures")
    parser.add_argument("--rounds", type=int, help="instead of the usual number")
    parser.add_argument(
        "--only", action="append", choices=NAMES, default=[], help="measure this; can be given several times"
    )
    parser.add_argument(
        "--members", type=int, help="of the campaign that is planned, instead of the usual number"
    )
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    if asked.rounds is not None:
        plan = replace(plan, rounds=asked.rounds)
    if asked.members is not None:
        plan = replace(plan, mailing=asked.members)
    program = pgbench.find()
    if program is None:
        print(pgbench.MISSING)
    began = time.monotonic()
    with standing() as ground, tempfile.TemporaryDirectory() as logs:
        facts = machine(ground)
        print(", ".join(f"{name} {value}" for name, value in facts.items()))
        engine = create_engine(ground.database_url, **db.engine_options(2))
        stock = lay_in(engine, members=plan.members, tickets=plan.tickets)
        shelf = quotes.lay_in(engine, stock, buyers=plan.buyers, tickets=plan.buyers_tickets)
        counter = claims.lay_in(engine, stock)
        members, tickets = stock.members + shelf.buyers, stock.tickets + shelf.tickets
        print(f"{members:,} members, {tickets:,} tickets after {time.monotonic() - began:.0f} s")
        written_to: AbstractContextManager[messaging.Messaging | None] = nullcontext()
        if not asked.only or set(asked.only) & set(messaging.NAMES):
            written_to = messaging.standing(
                ground, engine, Path(logs), members=plan.mailing, sends=plan.sends
            )
        with (
            serving(
                "bench.app_with_hello:create_app", ground.environment, Path(logs) / "product.log"
            ) as product,
            serving(
                "bench.app_with_hello:create_app",
                ground.environment,
                Path(logs) / "crowd.log",
                for_crowds=True,
            ) as crowd,
            serving("bench.bare_hello:create_app", {}, Path(logs) / "bare.log") as bare,
            written_to as messages,
        ):
            bench = Bench(
                plan=plan,
                ground=ground,
                product=product,
                crowd=crowd,
                bare=bare,
                engine=engine,
                stock=stock,
                shelf=shelf,
                counter=counter,
                program=program,
                messaging=messages,
            )
            try:
                bench.go(print, asked.only)
            except (LoadFailed, SendingFailed, pgbench.PgbenchFailed, BooksUnsound) as error:
                sys.exit(f"{type(error).__name__}: {error}")
        engine.dispose()
    report(bench, facts, took_s=time.monotonic() - began)


def report(bench: Bench, facts: dict[str, object], *, took_s: float) -> None:
    """Print the table, the ratios and the costs, and write all of it, with every round, to a file."""
    results = {name: over_rounds(rounds) for name, rounds in bench.rounds.items()}
    ratios: list[Ratio] = [
        ratio(what, of, bench.rounds, goal) for what, of, goal in RATIOS if {what, of} <= bench.rounds.keys()
    ]
    costs = [cost(what, bench.rounds[what], goal) for what, goal in COSTS if what in bench.rounds]
    waits = [
        slowest(what, of, bench.rounds, goal_ms=goal_ms, goal_percent=goal_percent)
        for what, of, goal_ms, goal_percent in SLOWEST
        if what in bench.rounds
    ]
    campaigns = [
        extrapolated(name, bench.rounds[name], CAMPAIGN, CAMPAIGN_S)
        for name in (messaging.PLANNING, messaging.PLANNING_TWO)
        if name in bench.rounds
    ]
    memory_kb = bench.messaging.memory_kb if bench.messaging is not None else []
    shape = {
        "clients": CLIENTS,
        "workers": WORKERS,
        "blocking_threads": BLOCKING_THREADS,
        **asdict(bench.plan),
        "took_s": round(took_s),
    }
    print(f"\n{CLIENTS} clients, {WORKERS} workers of {BLOCKING_THREADS} threads; medians\n")
    print(table(results), end="\n\n")
    print("\n".join([*map(sentence, ratios), *map(cost_sentence, costs), *map(slowest_sentence, waits)]))
    print("\n".join(map(extrapolated_sentence, campaigns)))
    if memory_kb:
        print(messaging.memory_sentence(memory_kb))
    for kind, winners in bench.winners.items():
        print(f"race losers: {kind}: {sum(winners)} winners in {len(winners)} races of {RACERS} clients")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{clock.now():%Y%m%dT%H%M%SZ}.json"
    content = {
        "machine": facts,
        "run": shape,
        "ratios": [asdict(one) for one in ratios],
        "costs": [asdict(one) for one in costs],
        "waits": [asdict(one) for one in waits],
        "winners": bench.winners,
        "campaigns": [asdict(one) for one in campaigns],
        "worker_memory_kb": memory_kb,
        "results": {name: asdict(one) for name, one in results.items()},
        "rounds": {name: [asdict(one) for one in rounds] for name, rounds in bench.rounds.items()},
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{took_s:.0f} s; all of it in {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
