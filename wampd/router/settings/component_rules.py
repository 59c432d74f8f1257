"""What types cannot say of components: rules between their keys, between components, and with realms and the machine."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from wampd.hosted import description
from wampd.realms.uris import is_component

from .access_rules import realm_there, role_there
from .checker import Here, Rule, repeated
from .components import Component, ComponentLimits, GuestComponent, PythonComponent, Restart, Watch
from .model import Settings
from .object_rules import DOTTED
from .principals import misfit
from .problems import did_you_mean, quote, quote_file
from .values import no_directory

_GIVEN_ALWAYS: Final = frozenset({description.COMPONENT, description.INSTANCE, description.RUN, description.HOSTED})
_GIVEN_TO_JOIN: Final = frozenset(
    {description.SOCKET, description.URL, description.REALM, description.AUTHID, description.TICKET}
)
_OUTSIDE: Final = ("python", "environment", "limits", "watch", "hang")
"""What has no meaning for a component inside the router's process."""
_NO_LOOP: Final = "asyncio has no loop in the router's process: leave in_process out"
_FOR_ASYNCIO: Final = (
    "it is for asyncio, which has no loop in the router's process; of a function the configuration may say that it is for"
    ' "framework: twisted"'
)
_LONGEST_EXTRA: Final = 64 * 1024
"""Characters; it goes into one variable of the environment, which Linux bounds (execve(2): 128 KiB)."""
_LARGEST_LIMIT: Final = 2**63 - 1
"""What fits into the numbers of setrlimit(2)."""
_PATIENCE: Final = 30.0
"""Seconds that an import may take while it is checked."""


def _guest(component: GuestComponent, here: Here) -> None:
    _common(component, here)
    for index, word in here.each(component.command, "command"):
        if trouble := _unsayable(word):
            here.problem(trouble, "command", index)
    if not here.is_sound("directory") or not here.is_sound("command") or not here.is_sound("environment"):
        return
    program = component.command[0]
    path = component.environment.get("PATH", here.environ.get("PATH"))
    if os.sep in program:
        program = str(component.directory / program)
    if not shutil.which(program, path=path):
        here.problem(f"there is no program {quote(component.command[0])}", "command", 0)


def _python(component: PythonComponent, here: Here) -> None:
    _common(component, here)
    module, colon, name = component.run.partition(":")
    if not colon or not DOTTED.fullmatch(module) or not DOTTED.fullmatch(name):
        here.problem(f'{quote(component.run)} is not like "module:object"', "run")
    if component.realm is None and here.is_sound("realm"):
        here.problem("this key is missing: a component in Python joins a realm", "realm")
    if here.is_sound("extra") and len(json.dumps(component.extra)) > _LONGEST_EXTRA:
        here.problem(f"is longer than {_LONGEST_EXTRA // 1024} KiB as JSON; let it name a file", "extra")
    for index, directory in here.each(component.path, "path"):
        if not os.path.exists(directory):  # an archive may stand here, too
            here.problem(f"there is no directory {quote_file(directory)}", "path", index)
    if component.python is not None and here.is_sound("python") and interpreter(component.python) is None:
        here.problem(
            f"{quote_file(component.python)} is no program, and no virtual environment with bin/python", "python"
        )
    if component.in_process:
        _inside(component, here)


def interpreter(python: Path) -> Path | None:
    """The interpreter that `python` names: itself, or that of a virtual environment; `None`: there is none."""
    program = python / "bin" / "python" if os.path.isdir(python) else python
    return program if os.access(program, os.X_OK) and os.path.isfile(program) else None


def _inside(component: PythonComponent, here: Here) -> None:
    """See that nothing is asked of a component in the router's process that only processes can have."""
    if component.framework == "asyncio":
        here.problem(_NO_LOOP, "framework")
    plain = PythonComponent(name=component.name, run=component.run)
    meaningless = [key for key in _OUTSIDE if getattr(component, key) != getattr(plain, key) and here.is_sound(key)]
    for key in meaningless:
        here.problem("it has no meaning in the router's own process", key)
    if component.framework != "asyncio" and not meaningless and here.is_sound() and os.path.isdir(component.directory):
        _runs_inside(component, here)


def _runs_inside(component: PythonComponent, here: Here) -> None:
    """See that it can be imported, and is for Twisted: in another interpreter, as importing may do anything."""
    import subprocess  # only where there are such components

    path = [str(place.absolute()) for place in (component.directory, *component.path)]
    told = {"run": component.run, "framework": "auto", "path": path, "check": True}
    environment = {**here.environ, description.HOSTED: json.dumps(told)}
    try:
        done = subprocess.run(  # noqa: S603 - what is configured is to run in the router anyway
            [sys.executable, description.RUNNER, "check"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            **here.foreign,
        )
    except OSError as error:
        here.problem(f"it cannot be seen whether it can be imported: {error.filename}: {error.strerror}", "run")
        return
    except subprocess.TimeoutExpired:
        here.problem(f"importing it takes longer than {_PATIENCE:.0f} s", "run")
        return
    if done.returncode != 0:
        here.problem((done.stderr.splitlines() or [f"importing it ends with status {done.returncode}"])[0], "run")
    elif done.stdout.split()[-1:] == ["asyncio"] and component.framework == "auto":
        here.problem(_FOR_ASYNCIO, "run")


def _common(component: Component, here: Here) -> None:
    if not is_component(component.name):
        here.problem(f"{quote(component.name)} has a dot, a space or # in it, or is too long", "name")
    if trouble := no_directory(component.directory):
        here.problem(trouble, "directory")
    _environment(component, here)
    for key, other in (("realm", "role"), ("role", "realm")):
        if getattr(component, key) is None and getattr(component, other) is not None and here.is_sound(key):
            here.problem(f"this key is missing: there is a {other}", key)
    if component.ready == "joined" and component.realm is None and here.is_sound("realm"):
        here.problem("it has no realm to join", "ready")
    if component.ready == "exited" and component.restart.policy == "always" and here.is_sound("restart"):
        here.problem("it is to end, and would always be started again", "restart", "policy")


def _environment(component: Component, here: Here) -> None:
    """See that variables can be given, and are not those that the router gives."""
    for name, value in component.environment.items():
        if not name or "=" in name or "\0" in name:
            here.problem("this is no name of a variable", "environment", name)
        elif name in _GIVEN_ALWAYS or (component.realm is not None and name in _GIVEN_TO_JOIN):
            here.problem("the router says this itself", "environment", name)
        elif trouble := _unsayable(name + value):
            here.problem(trouble, "environment", name)


def _unsayable(text: str) -> str | None:
    """What is wrong with a text that programs are to be given, but that the encoding of the locale has no bytes for."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        encoding = sys.getfilesystemencoding()
        return f"{encoding}, the encoding of the locale, cannot write this; run the router with LC_ALL=C.UTF-8"
    return None


def _restart(restart: Restart, here: Here) -> None:
    if here.is_sound("first") and restart.longest < restart.first:
        here.problem("must be at least as long as first", "longest")


def _watch(watch: Watch, here: Here) -> None:
    for key in ("paths", "ignore"):
        for index, pattern in here.each(getattr(watch, key), key):
            if pattern.startswith("/") or ".." in pattern.split("/"):
                here.problem("a pattern is of names below the directory", key, index)


def _limits(limits: ComponentLimits, here: Here) -> None:
    for key in ("address_space", "files", "processes"):
        if (getattr(limits, key) or 0) > _LARGEST_LIMIT and here.is_sound(key):
            here.problem("is more than the system can count to; without the key there is no limit of its own", key)
    if limits.cpu is None or not here.is_sound("cpu"):
        return
    if not limits.cpu:
        here.problem("the list must not be empty", "cpu")
    if not hasattr(os, "sched_getaffinity"):
        here.problem("this system cannot bind processes to processors", "cpu")
        return
    there = sorted(os.sched_getaffinity(0))
    for index, cpu in here.each(limits.cpu, "cpu"):
        if cpu not in there:
            here.problem(f"there is no processor {cpu} for us; known here: {_listed(there)}", "cpu", index)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def components_of_settings(settings: Settings, here: Here) -> None:
    """See that names are unique, that realms and roles are there, and that the order of starting can be kept."""
    components = list(here.each(settings.components, "components"))
    for index, name in repeated((i, component.name) for i, component in components):
        here.problem(f"there is another component {quote(name)}", "components", index, "name")
    realms = {realm.name: realm for _, realm in here.each(settings.realms, "realms")}
    for index, component in components:
        at = ("components", index)
        if component.realm is None or component.role is None or not here.is_sound(*at, "realm"):
            continue
        realm = realm_there(component.realm, realms, here, *at, "realm")
        if realm is None or not here.is_sound(*at, "role"):
            continue
        role_there(component.role, realm, here, *at, "role")
        for authid in authids(component)[-1:]:
            if why := misfit(authid, component.role, realm):
                here.problem(f"its authid would be {quote(authid)}: {why}", *at, "role")
    _order(dict(components), here)


def authids(component: Component) -> list[str]:
    """What the instances of a component are called, in the log, for commands, and in their realm."""
    if component.instances == 1:
        return [component.name]
    return [f"{component.name}.{number}" for number in range(1, component.instances + 1)]


def _order(components: Mapping[int, Component], here: Here) -> None:
    """See that components wait for others that are there, and not for each other."""
    indexes = {component.name: index for index, component in components.items()}
    graph: dict[str, list[str]] = {}
    for index, component in components.items():
        for place, name in here.each(component.after, "components", index, "after"):
            if name in indexes:
                graph.setdefault(component.name, []).append(name)
            elif here.is_sound("components"):
                hint = did_you_mean(name, (each for each in indexes if each != component.name))
                here.problem(f"there is no component {quote(name)}{hint}", "components", index, "after", place)
    for cycle in _cycles(graph):
        waits = " waits for ".join(map(quote, cycle))
        here.problem(f"they would wait for each other: {waits}", "components", indexes[cycle[0]], "after")


def _cycles(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """One cycle after another, each from a node of it round to itself; the graph loses an edge of each."""
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as trouble:
            # graphlib tells it so that each is a predecessor of the next; who waits stands first here.
            cycle: list[str] = list(reversed(trouble.args[1]))
            yield cycle
            graph[cycle[0]] = [name for name in graph[cycle[0]] if name != cycle[1]]
        else:
            return


COMPONENT_RULES: Final[Mapping[type, Rule]] = {
    ComponentLimits: _limits,
    GuestComponent: _guest,
    PythonComponent: _python,
    Restart: _restart,
    Watch: _watch,
}
