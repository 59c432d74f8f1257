"""A class of sessions on Twisted: counts, and publishes ``com.example.count`` every second.

Hosted, its configuration is ``extra`` in config.yaml; alone it is what stands below.
"""

import os

from autobahn.twisted.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.types import SessionDetails
from twisted.internet.task import LoopingCall


class Counter(ApplicationSession):
    """Counts in steps of ``extra["step"]``."""

    count = 0

    def onJoin(self, details: SessionDetails) -> None:
        """Begin to count."""
        self.log.info("counting in {realm} as {authid}", realm=details.realm, authid=details.authid)
        LoopingCall(self.tick).start(1.0)

    def tick(self) -> None:
        """Count one step."""
        self.count += self.config.extra["step"]
        if self.is_attached():
            self.publish("com.example.count", self.count)


if __name__ == "__main__":
    url = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
    ApplicationRunner(url, "realm1", extra={"step": 1}).run(Counter)
