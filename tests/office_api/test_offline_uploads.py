"""Who looks after offline tills sees what was refused and what never came, in their own stores."""

from typing import Any

import pytest

from tests.actors import Actors
from tests.queueing import Queue, allow, old_rule


@pytest.fixture(autouse=True)
def allowed(actors: Actors) -> None:
    allow()
    old_rule()


def listed(actors: Actors, who: str, **query: Any) -> Any:
    answer = actors.shop.app.test_client().get(
        "/office/v1/offline-uploads", query_string=query, headers=actors.headers(who)
    )
    assert answer.status_code == 200, answer.json
    return answer.json


def test_refusals_and_gaps_are_found(actors: Actors) -> None:
    here, there = Queue(actors.shop, actors.shop.till), Queue(actors.shop, actors.till_2)
    good, refused = here.sold(actors.a, 1_200), here.sold(actors.a, lines=[], code="1" * 20, sequence=5)
    told = here.verdicts(good, refused)
    there.verdicts(there.sold(None, sequence=3))

    [second, first] = listed(actors, "manager")["items"]
    assert {
        "store": "S001",
        "terminal": "T1",
        "sequence": 1,
        "missing_before": 0,
        "verdict": "recorded",
        "reason": None,
        "sale_id": told[0]["sale_id"],
        "points_earned": 12,
        "receipt_no": good["receipt_no"],
        "amount_fen": 1_200,
    }.items() <= first.items()
    assert (second["sequence"], second["missing_before"]) == (5, 3)
    assert (second["verdict"], second["reason"]) == ("refused", "code_malformed")
    assert [one["sequence"] for one in listed(actors, "manager", show="refused")["items"]] == [5]
    assert [one["sequence"] for one in listed(actors, "manager", show="gaps")["items"]] == [5]
    assert [one["store"] for one in listed(actors, "admin")["items"]] == ["S002", "S001", "S001"]


def test_it_is_told_a_page_at_a_time(actors: Actors) -> None:
    queue = Queue(actors.shop, actors.shop.till)
    queue.verdicts(*(queue.sold(None) for _ in range(5)))
    first = listed(actors, "manager", limit=3)
    rest = listed(actors, "manager", limit=3, cursor=first["next_cursor"])
    assert [one["sequence"] for one in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
