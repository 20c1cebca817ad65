"""A token stampede: many processes start with an empty cache, and the token is withdrawn while they send.

Each process sends by subscribe messages and by template messages: two apps, each with a token of its own.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from scripted_wechat import APPID, SECRET

from tests.conftest import ROOT
from tests.messaging import until

OFFICIAL = {"id": "wx-official-of-the-race", "secret": "s3cret"}
APPS = [{"id": APPID, "secret": SECRET}, OFFICIAL]
TEMPLATE = {"id": "T", "fields": ["thing1"]}
CONFIG = {
    "app_id": APPID,
    "secret": SECRET,
    "templates": [TEMPLATE],
    "official": {"app_id": OFFICIAL["id"], "secret": OFFICIAL["secret"], "templates": [TEMPLATE]},
    "latency": {"p50_ms": 5, "p99_ms": 20},
}
#: WeChat lets nobody renew a token more often.
SPACING_S = 30


@pytest.fixture
def stampede(platform, shared, redis_server):
    """Runs it; the failures, how often each app asked for a token before one was withdrawn and after, and each asking.

    `wait_s`: so long after the first token was asked for it is withdrawn; 0: once a third has been sent.
    """

    def run(processes, threads, *, sends, pause_s=0.0, wait_s=0, locked=True):
        platform.tell("reset")
        total = processes * threads * sends
        task = {
            "url": platform.url,
            "redis": redis_server.url,
            "apps": APPS,
            "template": "T",
            "processes": [
                [
                    _person(platform, f"p{place}-{number}", sends, official=number % 2 == 1)
                    for number in range(threads)
                ]
                for place in range(processes)
            ],
            "sends": sends,
            "pause_s": pause_s,
            "locked": locked,
        }
        with _started(task) as running:
            until(lambda: len(asked(platform)) >= len(APPS), within_s=60)
            time.sleep(wait_s)
            until(lambda: platform.ask("metrics")["sends"] >= total // 3 or wait_s > 0, within_s=60)
            before = len(asked(platform))
            platform.tell("token/revoke")
            platform.tell("official/token/revoke")
            told = json.loads(running.stdout.readline())
        assert told["ended"] == [0] * processes
        failures = told["failures"]
        calls = asked(platform)
        assert platform.ask("metrics")["sends"] == total - len(failures)
        assert [call for call in calls if call["forced"]] == []
        return (
            failures,
            [Counter(call["app_id"] for call in some) for some in (calls[:before], calls[before:])],
            calls,
        )

    return run


def _started(task):
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("stampeding.py"))],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return process


def _person(platform, name, sends, *, official):
    if official:
        return {"openid": platform.tell("official/follow", user=name)["openid"], "official": True}
    made = platform.tell("users", count=1, prefix=name, credits={"T": sends})["users"][0]
    return {"openid": made["openid"], "official": False}


def asked(platform):
    return platform.ask("metrics")["token_calls"]


ONCE_EACH = Counter({app["id"]: 1 for app in APPS})


def test_processes_that_start_at_once_ask_once_and_so_they_do_when_a_token_is_withdrawn(stampede):
    failures, per_app, _ = stampede(2, 4, sends=12, pause_s=0.01)

    assert failures == []
    assert per_app == [ONCE_EACH, ONCE_EACH]


@pytest.mark.long
def test_eight_processes_of_sixteen_threads_ask_once_in_thirty_seconds(stampede):
    failures, per_app, calls = stampede(8, 16, sends=36, pause_s=1.0, wait_s=SPACING_S + 1)

    assert failures == []
    assert per_app == [ONCE_EACH, ONCE_EACH]
    for app in APPS:
        first, second = (call["at"] for call in calls if call["app_id"] == app["id"])
        assert second - first > SPACING_S


@pytest.mark.long
def test_without_the_lock_the_same_stampede_asks_more_often(stampede):
    _, per_app, _ = stampede(8, 4, sends=6, locked=False)

    assert sum(per_app, Counter()).total() > 2 * len(APPS)
