"""What a route asks for, said at the route: ``@requires("analyst")``. A route that says nothing is closed to all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Match

from assay.model.errors import UsageError
from assay.web.access.values import ROLES, Principal

Endpoint = TypeVar("Endpoint")
_MARK = "_assay_access"


@dataclass(frozen=True)
class Rule:
    """``role``: the least one, None: anybody. ``kinds``: by what it may be held. Called, it marks an endpoint.

    ``form``: a public page with a form, so that also a browser that nobody has signed in at gets a token for it.
    ``csrf``: False only where a cookie counts for nothing.
    """

    role: str | None
    kinds: tuple[str, ...] = ()
    form: bool = False
    csrf: bool = True

    def __call__(self, endpoint: Endpoint) -> Endpoint:
        """Mark an endpoint: a function, a class, an application under a mount."""
        setattr(endpoint, _MARK, self)
        return endpoint

    def lets(self, who: Principal) -> bool:
        """True where somebody may come in."""
        return self.role is None or (who.kind in self.kinds and who.may(self.role))


def requires(role: str, share: bool = False, key: bool = True) -> Rule:
    """The least role of a route. ``share``: also through a share link to it; ``key``: also with an API key."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}")
    return Rule(role, ("user", *(["key"] if key else []), *(["share"] if share else [])))


def public(form: bool = False, csrf: bool = True) -> Rule:
    """A route for anybody."""
    return Rule(None, form=form, csrf=csrf)


def rule_of(endpoint: Any) -> Rule | None:
    """What an endpoint was marked with."""
    found = getattr(endpoint, _MARK, None)
    return found if isinstance(found, Rule) else None


@dataclass(frozen=True)
class Found:
    """``there``: some route answers this path. Its rule; None: it has none, nobody may."""

    there: bool
    rule: Rule | None = None


def find(routes: Sequence[BaseRoute], scope: Mapping[str, Any]) -> Found:
    """The rule of the route that would answer, found as Starlette's router finds the route."""
    partial: tuple[BaseRoute, Mapping[str, Any]] | None = None
    for route in routes:
        match, child = route.matches(dict(scope))
        if match is Match.FULL:
            return _within(route, child, scope)
        if match is Match.PARTIAL and partial is None:
            partial = route, child
    return _within(*partial, scope) if partial is not None else Found(False)


def _within(route: BaseRoute, child: Mapping[str, Any], scope: Mapping[str, Any]) -> Found:
    rule = rule_of(child.get("endpoint"))
    inner = getattr(route, "routes", None)
    if rule is None and inner:
        return find(inner, {**scope, **child})
    return Found(True, rule)


def uncovered(routes: Sequence[BaseRoute], paths: Mapping[str, Rule] | None = None, under: str = "") -> Iterator[str]:
    """Paths of routes that say nothing: a test asserts that there are none."""
    for route in routes:
        path = under + str(getattr(route, "path", f" ({type(route).__name__})"))
        endpoint = getattr(route, "endpoint", None) or getattr(route, "app", None)
        if rule_of(endpoint) is not None or path in (paths or {}):
            continue
        inner = getattr(route, "routes", None)
        if inner:
            yield from uncovered(inner, paths, path)
        else:
            yield path
