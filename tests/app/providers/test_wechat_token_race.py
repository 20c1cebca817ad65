"""A token stampede: sixteen processes' worth of clients, and a token that is withdrawn while they send."""

import threading
from contextlib import contextmanager

import pytest
from scripted_wechat import TEMPLATE

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat.errors import STABLE_TOKEN, SUBSCRIBE_SEND
from app.providers.wechat.shared_token import SharedToken

THREADS, SENDS = 16, 24
DATA = {
    "thing1": {"value": "积分到账"},
    "amount2": {"value": "¥12.00"},
    "time3": {"value": "2026-11-22 09:00"},
}


@pytest.fixture
def stampede(sandbox, make_client, shared):
    """Runs it and returns (failures, token fetches, sends that WeChat counted). Each client stands for a process:
    they have nothing in common but Redis."""

    def run():
        sandbox.tell("latency", p50_ms=5, p99_ms=20)
        clients = [make_client(base_url=sandbox.url, shared=shared, read_timeout_s=5) for _ in range(THREADS)]
        openids = [sandbox.openid(f"member{number}", credits=SENDS) for number in range(THREADS)]
        barrier, failures = threading.Barrier(THREADS + 1), []
        half_way = threading.Barrier(THREADS + 1)

        def work(client, openid):
            barrier.wait(20)
            for number in range(SENDS):
                if number == SENDS // 2:
                    half_way.wait(60)
                try:
                    client.send_subscribe_message(openid, TEMPLATE, None, DATA)
                except (ProviderRefused, ProviderUnavailable) as failure:
                    failures.append(failure.reason)

        threads = [
            threading.Thread(target=work, args=pair, daemon=True)
            for pair in zip(clients, openids, strict=True)
        ]
        for thread in threads:
            thread.start()
        barrier.wait(20)
        half_way.wait(60)
        sandbox.tell("token/revoke")
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        return failures, sandbox.calls(STABLE_TOKEN), sandbox.ask("metrics")["sends"]

    return run


def test_a_rotation_costs_one_fetch_and_no_message(stampede, sandbox):
    failures, fetches, sends = stampede()

    assert failures == []
    assert fetches == 2  # the first token, and the one after it was withdrawn
    assert sends == THREADS * SENDS
    assert sandbox.calls(SUBSCRIBE_SEND) <= THREADS * (SENDS + 1)


@pytest.mark.long
def test_without_the_lock_the_same_stampede_fetches_more(stampede, monkeypatch):
    @contextmanager
    def open_to_all(_shared):
        yield True

    monkeypatch.setattr(SharedToken, "refreshing", open_to_all)

    _, fetches, _ = stampede()

    assert fetches > 2
