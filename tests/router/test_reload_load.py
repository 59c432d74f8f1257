"""The configuration changes again and again while clients call and publish as fast as they can: nothing is lost."""

from __future__ import annotations

import threading
from typing import Any

from tests.router.client import CALL, INVOCATION, RESULT, Session
from tests.router.reloading import a_router
from tests.router.test_reload import ALLOWED, CONFIG, ROLE
from tests.support.process import free_port

PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED, EVENT = 16, 17, 32, 33, 36
RELOADS = 8
AT_ONCE = 20


class Client(threading.Thread):
    """A client in a thread; what goes wrong there is found by `end`."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.session = Session(port)
        self.over = threading.Event()
        self.done = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as trouble:  # noqa: BLE001 - told in `end`
            self.trouble = trouble

    def work(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        self.over.set()
        self.join(60)
        self.session.close()
        assert self.trouble is None, repr(self.trouble)
        assert not self.is_alive()


class Callee(Client):
    def work(self) -> None:
        self.session.register("com.app.echo")
        while not self.over.is_set():
            try:
                kind, invocation, _, _, args = self.session.receive(0.5)
            except TimeoutError:
                continue
            assert kind == INVOCATION
            self.session.send(70, invocation, {}, args)


class Caller(Client):
    def work(self) -> None:
        number = 0
        while not self.over.is_set():
            asked = {}
            for _ in range(AT_ONCE):
                number += 1
                asked[number] = number
                self.session.send(CALL, number, {}, "com.app.echo", [number])
            while asked:
                answer = self.session.receive(20)
                assert answer[0] == RESULT, answer
                assert answer[3] == [asked.pop(answer[1])]
                self.done += 1


class Publisher(Client):
    def work(self) -> None:
        while not self.over.is_set():
            self.done += 1
            self.session.send(PUBLISH, self.done, {"acknowledge": True}, "com.app.topic", [self.done])
            assert self.session.receive(20)[:2] == [PUBLISHED, self.done]


class Subscriber(Client):
    def work(self) -> None:
        self.session.send(SUBSCRIBE, 1, {}, "com.app.topic")
        assert self.session.receive()[0] == SUBSCRIBED
        while not self.over.is_set():
            try:
                kind, *_, args = self.session.receive(0.5)
            except TimeoutError:
                continue
            self.done += 1
            assert (kind, args) == (EVENT, [self.done])


def test_no_message_is_lost_and_no_call_without_its_answer(tmp_path):
    text = CONFIG.replace("  - name: realm1", "  - name: realm1\n    monitor: {}")
    guests = "      - {name: guest}\n"
    other = text.replace("    auth:\n", f"{guests}    auth:\n").replace(
        "# more listeners",
        f"  - {{endpoint: 'tcp:{free_port()}:interface=127.0.0.1', websocket: {{/ws: {{type: wamp}}}}}}",
    )
    other = other.replace("realms:", "realms:\n  - {name: realm2, roles: [{name: anonymous}], auth: {anonymous: {}}}")
    other = other.replace("authid: jim", "authid: jack").replace("{/ws: {type: wamp}}\n#", "{/w: {type: wamp}}\n#")
    # The very role of the clients has other rules as well; what they do is allowed by both.
    other = other.replace(ROLE + ALLOWED, ROLE + f"{ALLOWED}}}\n          - {{uri: com.other, allow: [call]")
    with a_router(tmp_path, text) as router:
        subscriber, callee = Subscriber(router.port), Callee(router.port)
        subscriber.start()
        callee.start()
        router.process.wait_until(lambda: _is_there(router.port), "the procedure is there")
        others: list[Any] = [Caller(router.port), Caller(router.port), Publisher(router.port)]
        for client in others:
            client.start()
        for number in range(RELOADS):
            before = [client.done for client in others]
            router.write(text if number % 2 else other)
            router.reload()
            router.process.wait_until(
                lambda before=before: all(client.done > count for client, count in zip(others, before, strict=True)),
                "all go on",
            )
        for client in others:
            client.end()
        router.process.wait_until(lambda: subscriber.done == others[2].done, "all events have come")
        subscriber.end()
        callee.end()
        assert "Traceback" not in router.process.log()


def _is_there(port: int) -> bool:
    with Session(port) as session:
        session.call("com.app.echo", 1)
        return session.receive()[0] == RESULT
