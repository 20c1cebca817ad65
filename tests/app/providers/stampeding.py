"""The processes of a token stampede, by themselves: reads what to do as JSON, and says which sends failed."""

import json
import multiprocessing
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import redis

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient
from app.providers.wechat.errors import TEMPLATE_SEND
from app.providers.wechat.shared_token import SharedToken

DATA = {"thing1": {"value": "积分到账"}}


@contextmanager
def open_to_all(_shared):
    yield True


def client_of(app, task, server):
    return WechatClient(
        app["id"],
        app["secret"],
        shared=server,
        clock=lambda: datetime.now(UTC),
        base_url=task["url"],
        read_timeout_s=60,
    )


def send(client, to, template_id):
    """By subscribe message, or by template message if `to` is an openid of the official account."""
    if not to["official"]:
        client.send_subscribe_message(to["openid"], template_id, None, DATA)
    else:
        body = {"touser": to["openid"], "template_id": template_id, "data": DATA}
        client._with_token("POST", TEMPLATE_SEND, body=body)


def process(task, people, start, failures):
    """A process of its own: nothing is shared with the others but Redis."""
    if not task["locked"]:
        SharedToken.refreshing = open_to_all
    server = redis.Redis.from_url(task["redis"], socket_timeout=60, socket_connect_timeout=60)
    mini, official = (client_of(app, task, server) for app in task["apps"])

    def work(to):
        start.wait(60)
        for _ in range(task["sends"]):
            try:
                send(official if to["official"] else mini, to, task["template"])
            except (ProviderRefused, ProviderUnavailable) as failure:
                failures.put(failure.reason)
            time.sleep(task["pause_s"])

    threads = [threading.Thread(target=work, args=(to,)) for to in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    # Forked from one that has imported everything and opened nothing: that is what takes the time.
    forking, task = multiprocessing.get_context("fork"), json.loads(sys.stdin.readline())
    start = forking.Barrier(sum(len(people) for people in task["processes"]))
    failures = forking.Queue()
    running = [
        forking.Process(target=process, args=(task, one, start, failures)) for one in task["processes"]
    ]
    for one in running:
        one.start()
    for one in running:
        one.join()
    found = []
    while not failures.empty():
        found.append(failures.get())
    print(json.dumps({"failures": found, "ended": [one.exitcode for one in running]}), flush=True)


if __name__ == "__main__":
    main()
