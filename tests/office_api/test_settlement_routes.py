"""Settlement over HTTP: who closes and who reads, versions, the second person, and the files."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, policies
from app.audit import OPERATOR
from app.ledger.post import BONUS, POINTS, PRINCIPAL
from app.settlement.policy import SettlementPolicy
from app.staff.roles import Grant
from app.stores import setup
from tests.actors import Actors, staff_token
from tests.app.settlement.trading import day, spend, take_in
from tests.conftest import rows

Send = Callable[..., Any]


class Office:
    """A member topped up in S001 and at headquarters, and spent it in S002; a third store has nothing to do with it."""

    def __init__(self, actors: Actors) -> None:
        self.shop, self.actors = (shop := actors.shop), actors
        here, there, who = shop.store.id, self.actors.other_store.id, shop.member().member_id
        for unit, amount in ((PRINCIPAL, 12_345), (BONUS, 100), (POINTS, 50)):
            take_in(here, who, unit, amount)
            spend(there, who, unit, amount)
        take_in(None, who, PRINCIPAL, 70)
        spend(there, who, PRINCIPAL, 70)
        third = shop.open_store("S003").id
        self.outsider = staff_token(shop.person("outsider", Grant("manager", third)).id)
        self.admin, self.manager = (staff_token(p.id) for p in (self.actors.admin, self.actors.manager))

    def send(self, method: str, path: str = "", token: str | None = None, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.admin}"}
        path = f"/office/v1/settlements{path}"
        return self.shop.app.test_client().open(path, method=method, json=body or None, headers=headers)

    def closed(self) -> int:
        made = self.send("POST", until=day(2).isoformat()).json
        done = self.send("POST", f"/{made['settlement_no']}/close", version=made["version"])
        assert done.status_code == 200, done.json
        return int(made["settlement_no"])


@pytest.fixture
def office(actors: Actors) -> Office:
    return Office(actors)


PAIRS = [
    (None, "S002", PRINCIPAL, 70, 70),
    ("S001", "S002", PRINCIPAL, 12_345, 12_345),
    ("S001", "S002", BONUS, 100, 100),
    ("S001", "S002", POINTS, 50, 50),
]


def pairs(answer: Any) -> list[tuple[Any, ...]]:
    return [
        (line["debtor"], line["creditor"], line["unit"], line["quantity"], line["amount_fen"])
        for line in answer.json["items"]
    ]


def test_a_statement_is_drafted_closed_reopened_and_kept(office: Office, engine: Engine) -> None:
    made = office.send("POST", until=day(2).isoformat())
    assert (made.status_code, made.json) == (201, {"settlement_no": 1, "version": 1})
    assert pairs(office.send("GET", "/1/lines")) == PAIRS
    moved = office.send("PUT", "/1/period", version=1, until=day(3).isoformat()).json
    refused = office.send("POST", "/1/close", version=1)
    assert (refused.status_code, refused.json["code"], refused.json["version"]) == (
        409,
        "version_conflict",
        2,
    )
    closed = office.send("POST", "/1/close", version=moved["version"])
    assert (closed.status_code, closed.json) == (200, {"settlement_no": 1, "version": 3})
    shown = office.send("GET", "/1").json
    assert (shown["state"], shown["from"], shown["until"]) == ("closed", "2026-03-01", "2026-03-03")
    assert (shown["owed_fen"], shown["closed_by"]) == (12_565, office.actors.admin.staff_no)
    nets = office.send("GET", "/1/nets").json["items"]
    assert [(one["party"], one["net_fen"]) for one in nets] == [
        (None, -70),
        ("S001", -12_495),
        ("S002", 12_565),
    ]
    for refused in (
        office.send("POST", "/1/close", version=3),
        office.send("POST", "/1/discard", version=3),
    ):
        assert (refused.status_code, refused.json["code"]) == (409, "settlement_state")
    again = office.send("POST", "/1/reopen", version=3, reason="a till was late")
    assert again.json == {"settlement_no": 1, "version": 4}
    assert [one["state"] for one in office.send("GET").json["items"]] == ["draft"]
    [closing] = office.send("GET", "/1/closings").json["items"]
    assert (closing["version"], closing["owed_fen"], closing["reason"]) == (3, 12_565, "a till was late")
    assert office.send("GET", "/1?version=3").json["state"] == "reopened"
    assert office.send("GET", "/1?version=2").status_code == 404
    audit = rows(
        engine, "SELECT action, actor_id FROM audit_log WHERE object_type = 'settlement' ORDER BY id"
    )
    assert audit == [
        (f"settlement.{action}", office.actors.admin.id) for action in ("create", "change", "close", "reopen")
    ]


def test_a_draft_that_is_not_wanted_is_dropped(office: Office) -> None:
    office.send("POST", until=day(2).isoformat())
    again = office.send("POST", until=day(2).isoformat())
    assert (again.status_code, again.json["code"], again.json["settlement_no"]) == (409, "settlement_open", 1)
    assert office.send("POST", "/1/discard", version=1).status_code == 204
    assert office.send("GET", "/1").status_code == 404


def test_the_last_day_must_be_over(office: Office) -> None:
    for until in ("2099-01-01", "0001-01-01"):
        refused = office.send("POST", until=until)
        assert (refused.status_code, refused.json["code"]) == (422, "settlement_period"), refused.json


def test_lists_come_a_page_at_a_time(office: Office) -> None:
    number, seen, cursor = office.closed(), [], ""
    while cursor is not None:
        answer = office.send("GET", f"/{number}/lines?limit=1{cursor and f'&cursor={cursor}'}")
        seen += pairs(answer)
        cursor = answer.json["next_cursor"]
    assert seen == PAIRS
    first = office.send("GET", f"/{number}/nets?limit=1").json
    rest = office.send("GET", f"/{number}/nets?cursor={first['next_cursor']}").json
    assert [one["party"] for one in first["items"] + rest["items"]] == [None, "S001", "S002"]
    assert office.send("GET", f"/{number}/lines?cursor=MQ==").json["code"] == "cursor_malformed"


def test_whoever_has_one_store_sees_what_concerns_it_once_it_is_closed(office: Office) -> None:
    made = office.send("POST", until=day(2).isoformat()).json["settlement_no"]
    assert office.send("GET", token=office.manager).json["items"] == []
    for path in ("", "/lines", "/nets", "/statement.csv"):
        assert office.send("GET", f"/{made}{path}", token=office.manager).status_code == 404
    office.send("POST", f"/{made}/close", version=1)
    own = office.send("GET", f"/{made}/lines", token=office.manager)
    assert pairs(own) == PAIRS[1:]
    [net] = office.send("GET", f"/{made}/nets", token=office.manager).json["items"]
    assert (net["party"], net["net_fen"]) == ("S001", -12_495)
    assert office.send("GET", f"/{made}", token=office.manager).json["owed_fen"] == 12_495
    assert (
        "headquarters" not in office.send("GET", f"/{made}/statement.csv", token=office.manager).text.lower()
    )
    assert office.send("GET", f"/{made}/lines", token=office.outsider).json["items"] == []
    assert office.send("GET", f"/{made}/closings", token=office.manager).status_code == 403


def test_above_the_limit_a_second_person_closes_what_they_saw(office: Office, engine: Engine) -> None:
    value = {"alone_fen": 12_564}
    policies.change(kind=SettlementPolicy, value=value, version=0, actor=OPERATOR, now=clock.now())
    other = staff_token(office.shop.person("second", Grant("admin", None)).id)

    def decided(approval_id: str) -> Any:
        return office.shop.app.test_client().post(
            f"/office/v1/approvals/{approval_id}/decision",
            json={"agree": True},
            headers={"Authorization": f"Bearer {other}"},
        )

    made = office.send("POST", until=day(2).isoformat()).json
    waiting = office.send("POST", "/1/close", version=made["version"])
    assert waiting.status_code == 202
    [why] = waiting.json["why"]
    assert (why["policy"], why["field"]) == ("settlement", "alone_fen")
    # What has come in since was not put before the second person.
    who = office.shop.member().member_id
    take_in(office.shop.store.id, who, PRINCIPAL, 100)
    spend(office.actors.other_store.id, who, PRINCIPAL, 100)
    outdated = decided(waiting.json["approval_id"])
    assert (outdated.status_code, outdated.json["code"]) == (409, "approval_outdated")
    assert office.send("GET", "/1").json["state"] == "draft"
    asked = office.send("POST", "/1/close", version=1).json["approval_id"]
    assert decided(asked).status_code == 204
    shown = office.send("GET", "/1").json
    assert (shown["state"], shown["closed_by"]) == ("closed", office.actors.admin.staff_no)
    assert rows(engine, "SELECT approval_id FROM settlement_closings") == [(asked,)]


def test_costs_are_set_with_a_second_person_whichever_way_they_go() -> None:
    former = SettlementPolicy(alone_fen=100)
    for change in ({"bonus_cost_bp": 0}, {"fen_per_1000_points": 999}, {"fen_per_1000_points": 1_001}):
        assert SettlementPolicy(**{"alone_fen": 100, **change}).loosens(former)
    assert SettlementPolicy(alone_fen=101).loosens(former)
    assert SettlementPolicy(alone_fen=None).loosens(former)
    assert not SettlementPolicy(alone_fen=99).loosens(former)


def test_the_lines_as_csv_open_in_a_spreadsheet(office: Office, engine: Engine) -> None:
    setup.change_store(
        code="S001", version=1, name='=HYPERLINK("x")', status=None, actor=OPERATOR, now=clock.now()
    )
    number = office.closed()
    answer = office.send("GET", f"/{number}/statement.csv?language=en")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="settlement-1-v2.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbfStatement,")
    table = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Amount (yuan)"] for row in table] == ["0.70", "123.45", "1.00", "0.50"]
    assert [row["Quantity (yuan or points)"] for row in table] == ["0.70", "123.45", "1.00", "50"]
    debtors = [row["Debtor (took the money or gave the points)"] for row in table]
    assert debtors == ["Headquarters", *['\'=HYPERLINK("x")'] * 3]
    assert "应付方编号" in office.send("GET", f"/{number}/statement.csv").text


def test_the_workbook_holds_lines_and_nets_and_no_formula(office: Office) -> None:
    number = office.closed()
    answer = office.send("GET", f"/{number}/statement.xlsx?language=en")
    assert answer.headers["Content-Type"].endswith("spreadsheetml.sheet")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
        sheets = [book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2)]
    assert names == ["Who owes whom", "Net by store"]
    assert all("<f>" not in sheet for sheet in sheets)
    assert re.search(r"<v>123\.45</v>", sheets[0])
    assert re.search(r"<v>-124\.95</v>", sheets[1])
    assert office.send("GET", f"/{number}/statement.xlsx?language=fr").status_code == 422
