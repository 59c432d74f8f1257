"""The metrics of hosted components. Label values are the names of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class ComponentState(Struct, frozen=True):
    """How a component is."""

    name: str
    instances: int
    """As many as are configured."""
    up: int
    """Instances that are ready, or have done what they were for."""
    given_up: int
    """Instances that are not started any more."""
    restarts: int
    """How often an instance that ended was started again, since the router runs."""


def of_components(states: Iterable[ComponentState]) -> Iterator[Metric]:
    """What is told of components; nothing if there are none."""
    told = list(states)
    if not told:
        return
    instances = GaugeMetricFamily("wampd_component_instances", "Instances that are configured.", labels=["component"])
    up = GaugeMetricFamily("wampd_component_up", "Instances that are ready, or done.", labels=["component"])
    given_up = GaugeMetricFamily("wampd_component_given_up", "Instances that were given up.", labels=["component"])
    text = "How often instances that ended were started again."
    restarts = CounterMetricFamily("wampd_component_restarts", text, labels=["component"])
    for state in told:
        instances.add_metric([state.name], state.instances)
        up.add_metric([state.name], state.up)
        given_up.add_metric([state.name], state.given_up)
        restarts.add_metric([state.name], state.restarts)
    yield from (instances, up, given_up, restarts)
