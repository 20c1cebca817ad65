"""One access token for all: shared, refreshed early, and never lost with Redis."""

import json
import threading
from datetime import timedelta
from time import sleep

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from scripted_wechat import APPID, HANGS, MORNING, PATIENCE_S, SECRET, TOKEN, html, says

from app.providers.wechat import errors
from app.providers.wechat.errors import STABLE_TOKEN
from app.providers.wechat.shared_token import LOCK_LIFETIME_S
from app.providers.wechat.stable_token import StableToken, dated, load
from app.providers.wechat.tokens import TokenStore
from app.providers.wechat.transport import Transport

KEY, LOCK = f"wechat:{{{APPID}}}:token", f"wechat:{{{APPID}}}:token_lock"
LAPSES = timedelta(seconds=7201)
OVERLAP_BEGINS = timedelta(seconds=7200 - 61)  # by now every store wants the next token, the old one is good


def token(value, lifetime_s=7200):
    return says({"access_token": value, "expires_in": lifetime_s})


class Time:
    def __init__(self):
        self.now = MORNING

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def make_store(wechat, time):
    transports = []

    def make(shared=None, **changes):
        transports.append(Transport(wechat.url, clock=time, read_timeout_s=wechat.read_timeout_s))
        wechat.asked_by(transports[-1]._exchange)
        fetch = StableToken(transports[-1], appid=APPID, secret=SECRET)
        return TokenStore(fetch, **({"appid": APPID, "shared": shared, "clock": time} | changes))

    yield make
    for transport in transports:
        transport.close()


@pytest.fixture
def dead_redis():
    """Nobody listens there any more."""
    with redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as client:
        yield client


def test_the_token_is_asked_for_without_forcing_a_new_one(make_store, wechat):
    assert make_store().get() == TOKEN

    (request,) = wechat.requests
    assert request.method == "POST"
    assert request.query == {}
    assert request.json == {
        "grant_type": "client_credential",
        "appid": APPID,
        "secret": SECRET,
        "force_refresh": False,
    }


def test_a_second_process_takes_the_token_of_the_first(make_store, wechat, shared):
    assert make_store(shared).get() == TOKEN
    assert make_store(shared).get() == TOKEN

    assert wechat.count(STABLE_TOKEN) == 1


def test_the_shared_token_ends_with_its_lifetime_and_the_lock_is_given_back(make_store, shared):
    make_store(shared).get()

    assert 7190 <= shared.ttl(KEY) <= 7200
    assert not shared.exists(LOCK)


def test_a_token_in_memory_costs_no_look_at_redis(make_store, shared):
    store = make_store(shared)
    store.get()
    before = shared.info("stats")["total_commands_processed"]

    for _ in range(100):
        store.get()

    assert shared.info("stats")["total_commands_processed"] - before <= 2  # the INFO calls themselves


def test_a_lapsed_token_is_replaced(make_store, wechat, shared, time):
    wechat.on(STABLE_TOKEN, token("OLD"), token("NEW"))
    store = make_store(shared)
    store.get()

    time.now += LAPSES

    assert store.get() == "NEW"


def test_the_next_token_is_fetched_inside_the_overlap(make_store, wechat, shared, time):
    wechat.on(STABLE_TOKEN, token("OLD"), token("NEW"))
    store = make_store(shared)

    assert store.get() == "OLD"
    time.now += timedelta(seconds=7200 - 291)
    assert store.get() == "OLD"  # earlier WeChat would only repeat the old one
    time.now = MORNING + OVERLAP_BEGINS
    assert store.get() == "NEW"


def test_processes_do_not_all_refresh_at_the_same_moment():
    moments = {dated("t", MORNING, 7200).refresh_at for _ in range(20)}

    assert len(moments) > 10
    assert all(60 <= (MORNING + timedelta(seconds=7200) - at).total_seconds() <= 290 for at in moments)


def test_a_short_token_is_used_for_half_its_time(make_store):
    assert dated("t", MORNING, 10).refresh_at == MORNING + timedelta(seconds=5)


def test_while_another_process_refreshes_early_the_old_token_is_used(make_store, wechat, shared, time):
    wechat.on(STABLE_TOKEN, token("OLD"), token("NEW"))
    store = make_store(shared)
    store.get()
    time.now += OVERLAP_BEGINS
    shared.set(LOCK, "another process")

    assert store.get() == "OLD"
    assert wechat.count(STABLE_TOKEN) == 1


def test_an_early_refresh_that_fails_leaves_the_old_token_in_use(make_store, wechat, shared, time):
    wechat.on(STABLE_TOKEN, token("OLD"), html(503))
    store = make_store(shared)
    store.get()
    time.now += OVERLAP_BEGINS

    assert [store.get() for _ in range(10)] == ["OLD"] * 10
    assert wechat.count(STABLE_TOKEN) == 2  # and it is not tried again with every call


def test_only_the_token_that_failed_is_replaced(make_store, wechat, shared):
    wechat.on(STABLE_TOKEN, token("OLD"), token("NEW"))
    one, other = make_store(shared), make_store(shared)
    assert one.get() == other.get() == "OLD"

    assert one.replace("OLD") == "NEW"
    assert other.replace("OLD") == "NEW"  # taken from Redis
    assert one.replace("OLD") == "NEW"  # a straggler's complaint about the old one

    assert wechat.count(STABLE_TOKEN) == 2


def test_a_token_that_comes_back_after_failing_is_a_wrong_setting(make_store, wechat, shared, caplog):
    store = make_store(shared)
    store.get()

    for _ in range(3):
        with pytest.raises(errors.Misconfigured):
            store.replace(TOKEN)

    assert wechat.count(STABLE_TOKEN) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert TOKEN not in caplog.text


def test_a_wrong_secret_is_refused_at_once_and_not_tried_again_for_a_while(make_store, wechat, shared):
    wechat.on(STABLE_TOKEN, says({"errcode": 40125, "errmsg": "invalid appsecret"}))
    store = make_store(shared)

    for _ in range(5):
        with pytest.raises(errors.Misconfigured):
            store.get()
    assert wechat.count(STABLE_TOKEN) == 1


def test_during_an_outage_wechat_is_not_asked_for_a_token_by_every_call(make_store, wechat):
    wechat.on(STABLE_TOKEN, HANGS)
    store = make_store(pause_s=30)

    for _ in range(20):
        with pytest.raises(errors.TokenUnavailable):
            store.get()
    assert wechat.count(STABLE_TOKEN) == 1


def test_an_outage_that_ends_is_noticed(make_store, wechat):
    wechat.on(STABLE_TOKEN, html(502), token(TOKEN))
    store = make_store(pause_s=0)

    with pytest.raises(errors.GatewayError):
        store.get()
    assert store.get() == TOKEN


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": 0},
        {"access_token": "", "expires_in": 7200},
        {"access_token": TOKEN, "expires_in": 0},
        {"access_token": TOKEN, "expires_in": "7200"},
    ],
    ids=["nothing", "empty", "no time left", "a time in text"],
)
def test_an_answer_without_token_is_none(make_store, wechat, answer):
    wechat.on(STABLE_TOKEN, says(answer))

    with pytest.raises(errors.TokenUnavailable):
        make_store().get()


def test_without_redis_each_process_asks_for_itself(make_store, wechat, dead_redis):
    assert make_store(dead_redis).get() == TOKEN
    assert make_store(None).get() == TOKEN
    assert wechat.count(STABLE_TOKEN) == 2


def test_redis_going_away_does_not_touch_a_token_in_memory(make_store, wechat, dead_redis, time):
    wechat.on(STABLE_TOKEN, token("OLD"), token("NEW"))
    store = make_store(dead_redis)
    assert [store.get(), store.get()] == ["OLD", "OLD"]

    assert store.replace("OLD") == "NEW"


def test_a_refresher_that_died_is_not_waited_for_without_end(make_store, wechat, shared):
    shared.set(LOCK, "a process that was killed", ex=LOCK_LIFETIME_S)

    assert make_store(shared, wait_s=0.05).get() == TOKEN
    assert shared.get(LOCK) == b"a process that was killed"


def test_the_lock_of_another_is_never_taken_away(make_store, wechat, shared):
    def slow(_):
        shared.set(LOCK, "the next one, since ours ran out")
        return token(TOKEN)

    wechat.on(STABLE_TOKEN, slow)
    make_store(shared).get()

    assert shared.get(LOCK) == b"the next one, since ours ran out"


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "{",
        "[]",
        "null",
        '{"token": "x"}',
        '{"token": "x", "expires_at": "2099-01-01", "refresh_at": "2099-01-01"}',
        '{"token": "x", "expires_at": 1, "refresh_at": 1}',
    ],
)
def test_rubbish_in_redis_counts_as_nothing(make_store, shared, stored):
    shared.set(KEY, stored)

    assert load(stored.encode()) is None
    assert make_store(shared).get() == TOKEN
    assert json.loads(shared.get(KEY))["token"] == TOKEN


def ask_from_sixteen_threads(store):
    barrier, found = threading.Barrier(16), []

    def work():
        barrier.wait(PATIENCE_S)
        found.append(store.get())

    threads = [threading.Thread(target=work, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == [TOKEN] * 16


def after_a_moment(_):
    sleep(0.05)
    return token(TOKEN)


def test_threads_of_one_process_share_one_fetch(make_store, wechat):
    wechat.on(STABLE_TOKEN, after_a_moment)

    ask_from_sixteen_threads(make_store())

    assert wechat.count(STABLE_TOKEN) == 1


@pytest.mark.long
def test_without_the_lock_threads_of_one_process_all_fetch(make_store, wechat):
    wechat.on(STABLE_TOKEN, after_a_moment)
    store = make_store()
    store._one_refresher = threading.Semaphore(16)

    ask_from_sixteen_threads(store)

    assert wechat.count(STABLE_TOKEN) > 1


def test_neither_store_nor_token_show_the_token(make_store):
    store = make_store()
    store.get()

    assert TOKEN not in repr(store) + repr(dated(TOKEN, MORNING, 7200))
