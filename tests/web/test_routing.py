"""The short way to a view leads where Werkzeug's own leads."""

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from restcomm_apps.web.routing import Routes

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
VALUES = ("AC0", "a@b.example", "Bulk", "Changes", "Applications", "é b", ".", "")


def match(adapter):
    """Return the rule and the values that an adapter finds, or the error."""
    try:
        return adapter.match(return_rule=True)
    except HTTPException as error:
        return type(error), sorted(getattr(error, "valid_methods", None) or ())


def paths(app):
    """List paths of every rule with every value in every place, and paths of none."""
    found = {"/", "/restcomm", "/restcomm/2012-04-24", "/a/b/c/d/e/f/g/h/i"}
    for rule in app.url_map.iter_rules():
        for first in VALUES:
            for second in VALUES:
                path = rule.rule.replace("<account>", first).replace("<sid:sid>", second)
                path = path.replace("<profile>", first)
                found |= {path, f"{path}/", f"{path}/more", path.lower()}
    return sorted(found)


@pytest.mark.parametrize("method", METHODS)
def test_short_way_leads_where_werkzeug_leads(service, method):
    for path in paths(service.app):
        bound = (service.app.url_map, "", "", "", "", path, method)
        assert match(Routes(*bound)) == match(MapAdapter(*bound)), path
