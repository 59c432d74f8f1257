"""From ``module:object`` to what is to be run, and on which framework.

Rules
-----
* Modules are looked for in the working directory, then in ``path``, then where the interpreter looks.
* What `run` may name: an autobahn ``Component``; a class of sessions (``ApplicationSession`` or ``Session``); a function.
  The first two are made for Twisted or for asyncio, and that is the framework. A function runs on what its module has
  loaded: Twisted, or else asyncio, unless the configuration says which.
* A function gets what its parameters are called for: ``session``, ``details``, ``extra``, ``reactor`` or ``loop``; a first
  parameter of any other name gets the session. With ``reactor`` or ``loop`` first it is what autobahn calls ``main``: when it
  returns the component is done. Any other is called as ``on_join`` is, and the session goes on after it.
* Whatever is wrong is a `Trouble`: one line, with what to do.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from .description import Description
from .trouble import Trouble, summary

TWISTED, ASYNCIO = "twisted", "asyncio"
FRAMEWORKS = (TWISTED, ASYNCIO)
OLDEST = (3, 9)
"""Python that components run on."""
LOOPS = ("reactor", "loop")
GIVEN = ("session", "details", "extra", *LOOPS)


class Found(NamedTuple):
    """What is to be run; exactly one of the three is there."""

    framework: str
    component: Any = None
    session_class: Any = None
    function: Callable[..., Any] | None = None


def prepare(description: Description) -> None:
    """Let modules be found where the description says."""
    sys.path[0] = os.getcwd()  # in place of the directory of this script, which the interpreter has put there
    sys.path[1:1] = [os.path.abspath(directory) for directory in description.path]


def find(description: Description) -> Found:
    """Import what the description names. Raise `Trouble`."""
    module_name, _, name = description.run.partition(":")
    thing = _attribute(_module(module_name, description.path), name)
    found = _of_kind(thing, description)
    if description.framework in FRAMEWORKS and found.framework != description.framework:
        raise Trouble(f"{description.run} is for {found.framework}, but the configuration says {description.framework}")
    return found


def _module(name: str, path: tuple[str, ...]) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == name or name.startswith(missing + "."):
            places = ", ".join(dict.fromkeys([os.getcwd(), *path]))
            raise Trouble(
                f"there is no module {missing!r} in {places} (directory, path), nor among the packages of {sys.executable}"
            ) from None
        if missing.partition(".")[0] in ("autobahn", "txaio", "twisted"):
            raise no_autobahn(error) from None
        raise Trouble(f"importing {name} failed: {summary(error)}", cause=error) from None
    except SystemExit:
        main = 'under: if __name__ == "__main__":'
        raise Trouble(f"importing {name} ended the program; what runs it on its own belongs {main}") from None
    except Exception as error:  # noqa: BLE001 - whatever the module raises
        raise Trouble(f"importing {name} failed: {summary(error)}", cause=error) from None


def no_autobahn(error: ImportError, version: tuple[int, ...] = sys.version_info[:2]) -> Trouble:
    """The component's interpreter lacks what every component in Python needs."""
    is_twisted = (error.name or "").startswith("twisted")
    missing, package = ("twisted", "autobahn[twisted]") if is_twisted else ("autobahn", "autobahn")
    if version < OLDEST:
        has, wanted = (".".join(map(str, each)) for each in (version, OLDEST))
        return Trouble(f'{sys.executable} is Python {has}; name one from {wanted} on with "python" of the component')
    return Trouble(f"{sys.executable} has no {missing}: {sys.executable} -m pip install '{package}'")


def _attribute(module: Any, name: str) -> Any:
    thing = module
    for word in name.split("."):
        try:
            thing = getattr(thing, word)
        except AttributeError:
            close = difflib.get_close_matches(word, dir(thing), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            file = getattr(module, "__file__", None) or module.__name__
            raise Trouble(f"there is no {name!r} in {file}{hint}") from None
    return thing


def _of_kind(thing: Any, description: Description) -> Found:
    is_class = inspect.isclass(thing)
    for kind in (thing if is_class else type(thing)).__mro__:
        package, _, module = kind.__module__.rpartition(".")
        framework = package.rpartition(".")[2]
        if not package.startswith("autobahn.") or framework not in FRAMEWORKS:
            continue
        if module == "component" and not is_class:
            return Found(framework, component=thing)
        if module == "wamp" and is_class:
            return Found(framework, session_class=thing)
    if is_class or not callable(thing):
        what = f"the class {thing.__qualname__}" if is_class else f"a {type(thing).__name__}"
        wanted = "an autobahn Component, a class of sessions for Twisted or asyncio, or a function"
        raise Trouble(f"{description.run} is {what}; it must be {wanted}")
    arguments(thing, dict.fromkeys(GIVEN))
    return Found(
        _used() or (description.framework if description.framework in FRAMEWORKS else _loaded()), function=thing
    )


def _used() -> str | None:
    """The framework that autobahn is used with already; it is used with one of them in a process."""
    return next((each for each in FRAMEWORKS if f"autobahn.{each}" in sys.modules), None)


def _loaded() -> str:
    return TWISTED if "twisted.internet" in sys.modules else ASYNCIO


def is_main(function: Callable[..., Any]) -> bool:
    """Whether the component is done when the function returns."""
    names = list(inspect.signature(function).parameters)
    return bool(names) and names[0] in LOOPS


def arguments(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """What a function is called with, by the names of its parameters. Raise `Trouble` if it wants more than there is."""
    chosen = {}
    for index, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in given:
            chosen[name] = given[name]
        elif index == 0:
            chosen[name] = given["session"]
        elif parameter.default is parameter.empty:
            known = ", ".join(GIVEN)
            raise Trouble(f"the function has a parameter {name!r}, for which there is nothing; there are {known}")
    return chosen
