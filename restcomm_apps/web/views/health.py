"""Health: the URL at which load balancers and monitors ask whether requests can be served."""

from flask import Blueprint

from restcomm_apps.resources.accounts import queries
from restcomm_apps.web.replies import Reply, render_text

blueprint = Blueprint("health", __name__)


@blueprint.get("/Health")
def read_health() -> Reply:
    """Answer ``OK`` where the database does; asks for no credentials. Unavailable (503) if not."""
    queries.read_any_account()
    return render_text("OK")
