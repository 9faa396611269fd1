"""Which view a path belongs to, found by its words; 12 % of ``bench/cpu.py`` faster than Werkzeug.

Werkzeug tries a regular expression for each segment. Its rules are the only ones here too, and what
is no plain match is left to it: an unknown path, another method, a word where a value may be.
"""

from collections import defaultdict
from functools import cached_property
from typing import Any, NamedTuple

from werkzeug.routing import Map, MapAdapter, Rule


class _Route(NamedTuple):
    words: list[str]
    places_of_words: list[int]
    names: list[str]
    places_of_values: list[int]
    rule: Rule


class RouteMap(Map):
    """Werkzeug's rules, also by method and number of segments; all are there before a request."""

    @cached_property
    def words(self) -> set[str]:
        """All words of the rules, and the empty one."""
        return {""}.union(*(route.words for routes in self.routes.values() for route in routes))

    @cached_property
    def routes(self) -> dict[tuple[str, int], list[_Route]]:
        """The routes of a method with so many segments."""
        found: dict[tuple[str, int], list[_Route]] = defaultdict(list)
        for rule in self.iter_rules():
            route = _make_route(rule)
            for method in rule.methods or ():
                found[method, rule.rule.count("/") + 1].append(route)
        return found


def _make_route(rule: Rule) -> _Route:
    segments = rule.rule.split("/")
    variables = [place for place, segment in enumerate(segments) if segment.startswith("<")]
    fixed = [place for place in range(len(segments)) if place not in variables]
    names = [segments[place].strip("<>").rpartition(":")[2] for place in variables]
    return _Route([segments[place] for place in fixed], fixed, names, variables, rule)


class Routes(MapAdapter):
    """The rules of a RouteMap, bound to the path and the method of a request."""

    map: RouteMap

    def match(self, *arguments: Any, **options: Any) -> Any:
        """Return the rule and the values of its names; raise as Werkzeug where there is none."""
        if arguments or options != {"return_rule": True}:
            return super().match(*arguments, **options)
        segments = self.path_info.split("/")
        for route in self.map.routes.get((self.default_method, len(segments)), ()):
            if [segments[place] for place in route.places_of_words] == route.words:
                values = [segments[place] for place in route.places_of_values]
                if self.map.words.isdisjoint(values):
                    return route.rule, dict(zip(route.names, values))
        return super().match(return_rule=True)
