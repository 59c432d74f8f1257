"""Settings of what tells by HTTP how the router is."""

from .served import Served


class MetricsPath(Served, frozen=True, kw_only=True, tag_field="type", tag="metrics"):
    """An HTTP path with the metrics of the router, as Prometheus collects them, in its text format or as OpenMetrics.

    They hold names of realms, no URIs, and nothing of clients.
    """


class HealthPath(Served, frozen=True, kw_only=True, tag_field="type", tag="health"):
    """An HTTP path that says how the router is: `/live` below it, whether it lives; `/ready`, whether it is ready for work.

    The answer is 200, or 503 with the reasons in JSON.
    """
