"""A router in memory that serves streams of events, and clients of these."""

import json

from tests.inside.house import House
from tests.transports.port import EVERYTHING, Port, build_site
from tests.transports.wires import Loop
from wampd.realms.history import HistoryRule
from wampd.router.http.access.access import FixedRole, Refused
from wampd.router.http.streams.events import EventsResource, Streams
from wampd.router.inside.insiders import NotLetIn

RUN = "0123abcd"
KEPT = (HistoryRule("com.app.news", "exact", 3), HistoryRule("com.app.", "prefix", 100))


class Past:
    """The histories of the realm of a house."""

    def __init__(self, house):
        self._core = house.realms["realm1"].core

    def history(self, topic, match):
        subscription = self._core.broker.subscriptions.get(topic, match)
        return None if subscription is None else subscription.history

    def session(self, number):
        return self._core.sessions.get(number)


class Stage:
    """A router in memory that serves streams of events, and one that publishes."""

    def __init__(self, role="reader", run=RUN, kept=100, **streams):
        self.loop = Loop()
        self.house = House(self.loop, history=[*KEPT[:1], HistoryRule("com.app.", "prefix", kept)])
        self.struck = []
        self.role = role
        access = FixedRole(self.enter)
        self.resource = EventsResource(
            access, Past(self.house), self.loop, lambda: 1.5, self.struck.append, run, Streams(**streams)
        )
        self.site = build_site({}, {"/events": self.resource})
        self.site.reactor = self.loop
        self.publisher = self.house.enter()

    def enter(self, request):
        try:
            return self.house.insiders.enter("realm1", role=self.role)
        except NotLetIn as why:
            raise Refused(403, why.reason, (("WWW-Authenticate", "Nothing"),)) from None

    def publish(self, topic, *args, **kwargs):
        return self.house.now(self.publisher.publish(topic, list(args), kwargs))

    def sessions(self):
        return len(self.house.realms["realm1"].core.sessions) - 1

    def request(self, target, *lines, method="GET", version="HTTP/1.1"):
        """A client whose answer may be to come."""
        return Stream(self, target, lines, method, version)

    def ask(self, target, *lines, method="GET", version="HTTP/1.1"):
        stream = self.request(target, *lines, method=method, version=version)
        stream.hear()
        return stream


class Stream:
    """A client: the head of its answer, and the events that have come."""

    def __init__(self, stage, target, lines, method, version):
        self.stage = stage
        self.port = Port(EVERYTHING, loop=stage.loop)
        self.port.protocol._web = stage.site.buildProtocol
        head = [f"{method} {target} {version}", "Host: router.example", *lines, "", ""]
        self.port.client.send("\r\n".join(head).encode("latin-1"))
        self.mark = None

    def answer(self):
        """The bytes that have come since the last time."""
        self.stage.house.turns()
        return self.port.client.read()

    def hear(self):
        """The answer has begun."""
        self.head, _, rest = self.answer().partition(b"\r\n\r\n")
        self.head += b"\r\n\r\n"
        self.status = int(self.head.split(b" ")[1])
        self.text = self._plain(rest)

    def _plain(self, data):
        if b"chunked" not in self.head:
            return data.decode()
        text = b""
        while data:
            size, _, data = data.partition(b"\r\n")
            text += data[: int(size, 16)]
            data = data[int(size, 16) + 2 :]
        return text.decode()

    def read(self):
        """All blocks since the last time: each the dictionary of its fields."""
        self.stage.house.turns()
        text, self.text = self.text + self._plain(self.port.client.read()), ""
        blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block]
        for block in blocks:
            self.mark = block.get("id", self.mark)
        return blocks

    def events(self):
        """The names and arguments of the events since the last time."""
        told = [(block["event"], json.loads(block["data"])) for block in self.read() if "data" in block]
        return [(name, data.get("args", data)) for name, data in told]

    def leave(self):
        self.port.client.take_up()
        self.stage.house.turns()
