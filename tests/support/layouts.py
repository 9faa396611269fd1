"""Documents written from rows, without a request."""

from restcomm_apps.web.replies import list_layout


def list_document(resource, rows, reply_format):
    """Write the document that lists rows of a resource."""
    frame, layout = list_layout(resource, reply_format)
    return frame.put_around(layout.write(rows))
