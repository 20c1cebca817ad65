"""What the benchmark of messages lays in is planned for, sent and counted as the product does it."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.campaigns.plan import plan
from bench import mailing, sending
from bench.messaging import memory_sentence
from tests.conftest import rows


@pytest.mark.long
def test_a_campaign_is_planned_for_all_who_are_laid_in(engine: Engine) -> None:
    laid_in = mailing.lay_in(engine, openids=[f"openid-{number}" for number in range(30)])
    for _ in range(2):
        campaign_id = mailing.begun(engine, laid_in, clock.now())
        assert plan(campaign_id, app_id=mailing.APP_ID, now=clock.now()) == 30
    found = rows(engine, "SELECT channel, state, count(*) FROM messages GROUP BY 1, 2 ORDER BY 2")
    assert found == [("wechat_subscribe", "pending", 60), ("wechat_subscribe", "sent", 30)]
    assert rows(engine, "SELECT DISTINCT credits FROM subscription_credits") == [(mailing.CREDITS - 2,)]


@pytest.mark.long
def test_the_bare_client_sends_each_and_stops_at_a_refusal() -> None:
    with sending.wechat() as address:
        openids = sending.people(address, 5)
        seen = sending.Bare(address=address, openids=openids, connections=5).send(40)
        assert (seen.operations, len(seen.latencies_ms), sending.sends(address)) == (40, 40, 40)
        with pytest.raises(sending.SendingFailed):
            sending.Bare(address=address, openids=["nobody"], connections=1).send(1)


def test_memory_is_told_as_growth() -> None:
    said = memory_sentence([(102_400, 104_448, 5_000), (102_400, 103_424, 20_000)])
    assert said == "memory of a worker: 100 MB at first, 101 at last; +4.0, +0.5 MB for 10,000 messages"
