"""All that can strike, by the names that `Tally` counts it under.

Rules
-----
* Metrics tell each of them from the start, as 0: who looks at how a counter grows sees nothing of its first step if the counter
  comes into being by it (Prometheus, "Instrumentation: Avoid missing metrics").
* The page of limits (docs/limits.md) explains the same names; tests hold this list, that page and the sources together.
"""

from __future__ import annotations

from typing import Final

NAMES: Final = frozenset(
    {
        "breathers",
        "calls of the router that cost too much",
        "calls over the limit",
        "calls over the rate",
        "calls that cannot be given to another callee",
        "calls that no callee had room for",
        "changed configurations not used",
        "clients too late",
        "connections failed",
        "connections refused",
        "cookies copied",
        "dead letters of webhooks dropped",
        "definitions over a limit",
        "events dropped",
        "events not kept for webhooks",
        "events of a history that a requester cannot carry",
        "events refused by webhooks",
        "events that a receiver cannot carry",
        "events too many for webhooks",
        "failures of authorizers",
        "failures of backends",
        "failures of ours",
        "failures of the store",
        "files that could not be used",
        "forwarded events dropped",
        "forwarded events given up",
        "handshakes refused",
        "HTTP answers not read",
        "HTTP requests malformed",
        "HTTP requests over a limit",
        "HTTP requests too slow",
        "joins refused",
        "joins refused after too many failures",
        "keys not fetched",
        "log lines dropped",
        "log lines summed up",
        "memories of authorization emptied",
        "messages that a receiver cannot carry",
        "passwords not checked",
        "payloads over the limit",
        "posts not published",
        "protocol violations",
        "publications over the rate",
        "readers of event streams cut off",
        "readers of results in parts cut off",
        "realms over the limit",
        "registrations over the limit",
        "requests for retained events not served",
        "retained events over the limit",
        "sessions expired",
        "sessions over the limit",
        "sessions refused for want of memory",
        "slow consumers disconnected",
        "subscriptions over the limit",
        "testaments over the limit",
        "throttles of failed joins",
        "times nothing was accepted for want of descriptors",
        "times over the memory ceiling",
        "webhook attempts that could not be made",
        "webhook changes not written",
        "webhook deliveries given up",
        "webhook deliveries that overflowed",
    }
)
