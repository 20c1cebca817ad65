"""`python -m bench.segments`: how long it takes to count a million members by a rule. See docs/performance.md.

Apart from `python -m bench`, because laying in a million members takes much longer than measuring.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from sqlalchemy import create_engine

from app import clock, db
from app.recommendations import count as recommendations
from app.segments.preview import preview
from app.segments.rule import parse
from bench.cpu import tree_cpu_s
from bench.ground import Ground, standing
from bench.million import lay_in
from bench.run import machine
from bench.server import ROOT

FOLDER = ROOT / "var" / "bench"
MEMBERS, SALES, TIMES = 1_000_000, 6_000_000, 3
GOAL_S = 3.0


def _asks(field: str, op: str, value: object, days: int | None = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **({} if days is None else {"days": days})}


#: Nearly every field alone.
ALONE: dict[str, dict[str, Any]] = {
    "language": _asks("language", "any_of", ["en"]),
    "platform": _asks("platform", "any_of", ["telegram"]),
    "home store": _asks("home_store", "any_of", ["B001"]),
    "age": _asks("age", "between", [25, 35]),
    "birthday in a week": _asks("birthday_in_days", "at_most", 7),
    "joined": _asks("joined_days", "at_most", 90),
    "tier": _asks("tier", "any_of", ["gold"]),
    "points": _asks("points", "at_least", 5_000),
    "points ending": _asks("points_ending", "at_least", 100, 30),
    "stored value": _asks("stored_value_fen", "at_least", 10_000),
    "last purchase": _asks("last_purchase_days", "at_least", 90),
    "purchases": _asks("purchases", "at_least", 5),
    "purchases, 90 days": _asks("purchases", "at_least", 2, 90),
    "money, 90 days": _asks("spent_fen", "at_least", 30_000, 90),
    "money, 365 days": _asks("spent_fen", "at_least", 100_000, 365),
    "average purchase": _asks("average_fen", "at_least", 15_000),
    "product": _asks("bought_products", "any_of", ["SKU-00100"]),
    "may like": _asks("may_like", "any_of", ["SKU-00100", "SKU-00001"]),
    "category": _asks("bought_categories", "any_of", ["c0"]),
    "category, 90 days": _asks("bought_categories", "any_of", ["c3"], 90),
    "store": _asks("bought_in_stores", "any_of", ["B001"]),
    "churn": _asks("churn_risk", "any_of", ["at_risk"]),
    "coupons held": _asks("coupons_held", "at_least", 1),
    "coupons ending": _asks("coupons_ending", "at_least", 1, 7),
    "coupons used, 30 days": _asks("coupons_used", "at_least", 1, 30),
    "messages got, 90 days": _asks("messages_got", "at_least", 2, 90),
    "messages read, 90 days": _asks("messages_read", "at_most", 0, 90),
    "told by a campaign": _asks("told_by_campaigns", "any_of", ["K1"]),
    "opened a campaign's message": _asks("opened_campaigns", "any_of", ["K1"]),
    "tag": _asks("tags", "any_of", ["tag-1"]),
    "was brought": _asks("was_brought", "is", True),
}
#: As a marketer would.
COMBINED: dict[str, dict[str, Any]] = {
    "good ones who stay away": {
        "all": [
            _asks("tier", "any_of", ["gold", "black"]),
            _asks("last_purchase_days", "at_least", 60),
            _asks("spent_fen", "at_least", 50_000, 365),
            {"not": _asks("tags", "any_of", ["tag-3"])},
            _asks("messages_read", "at_least", 1, 90),
        ]
    },
    "a category, and no coupon for it": {
        "all": [
            _asks("bought_categories", "any_of", ["c3", "c4"], 90),
            _asks("points", "at_least", 1_000),
            {"any": [_asks("coupons_held", "at_most", 0), _asks("coupons_ending", "at_least", 1, 7)]},
        ]
    },
    "about to leave, money lying idle, or a birthday": {
        "any": [
            _asks("churn_risk", "any_of", ["at_risk"]),
            {
                "all": [
                    _asks("stored_value_fen", "at_least", 10_000),
                    _asks("last_purchase_days", "at_least", 45),
                ]
            },
            {"all": [_asks("birthday_in_days", "at_most", 7), _asks("purchases", "at_least", 3, 365)]},
        ]
    },
}


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The median of some runs, and the slowest; `database_cpu_s` of one."""

    rule: str
    count: int
    median_s: float
    slowest_s: float
    database_cpu_s: float | None

    def __str__(self) -> str:
        cpu = "" if self.database_cpu_s is None else f"{self.database_cpu_s:6.2f} s"
        verdict = "met" if self.median_s <= GOAL_S else "MISSED"
        return f"{self.rule:<48}{self.count:>9,} {self.median_s:6.2f} s {self.slowest_s:6.2f} s {cpu:>9}  {verdict}"


def measured(times: int, database_pid: int) -> Iterator[Counted]:
    """Each rule so many times, count and sample, on the bound database."""
    for name, data in (ALONE | COMBINED).items():
        rule, took = parse(data), []
        before = tree_cpu_s(database_pid)
        for _ in range(times):
            began = time.monotonic()
            found = preview(rule=rule, now=clock.now())
            took.append(time.monotonic() - began)
        after = tree_cpu_s(database_pid)
        yield Counted(
            rule=name,
            count=found.count,
            median_s=median(took),
            slowest_s=max(took),
            database_cpu_s=None if before is None or after is None else (after - before) / times,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.segments", description="How long does it take to count all members by a rule?"
    )
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--sales", type=int, default=SALES)
    asked = parser.parse_args()
    with standing() as ground:
        print(", ".join(f"{name} {value}" for name, value in machine(ground).items()))
        run(ground, members=asked.members, sales=asked.sales)


def run(ground: Ground, *, members: int, sales: int) -> None:
    """Lay in, measure, print, and write it to a file."""
    engine, began = create_engine(ground.database_url, **db.engine_options(2)), time.monotonic()
    lay_in(engine, members=members, sales=sales)
    print(f"{members:,} members, {sales:,} sales after {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    recommendations.count(now=clock.now())
    print(f"what goes together after {time.monotonic() - began:.0f} s")
    facts = {**machine(ground), "members": members, "sales": sales}
    print(f"{'rule':<48}{'members':>9} {'median':>8} {'slowest':>8} {'CPU':>8}")
    found = []
    for one in measured(TIMES, ground.database_pid):
        print(one, flush=True)
        found.append(one)
    engine.dispose()
    facts["load_after"] = round(os.getloadavg()[0], 2)
    print(f"load {facts['load_before']} before, {facts['load_after']} after")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"segments-{clock.now():%Y%m%dT%H%M%SZ}.json"
    content = {"machine": facts, "results": [asdict(one) for one in found]}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
