"""The floor: the least that can answer the two reads, without framework, checks or settings.

A bare WSGI function over sqlite3 that finds the account, compares its token, selects and puts
texts together. A service cannot be faster for free; how near it comes is what ``reads.py`` tells.
Served by the same gunicorn; reads the SQLite file that FLOOR_DATABASE names.
"""

import base64
import hmac
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

PROPERTIES = {
    "sid": "Sid",
    "date_created": "DateCreated",
    "date_updated": "DateUpdated",
    "friendly_name": "FriendlyName",
    "account_sid": "AccountSid",
    "api_version": "ApiVersion",
    "voice_caller_id_lookup": "VoiceCallerIdLookup",
    "uri": "Uri",
    "rcml_url": "RcmlUrl",
    "kind": "Kind",
}
SELECT = f"SELECT {', '.join(PROPERTIES)} FROM restcomm_applications WHERE "

thread = threading.local()


def open_database() -> sqlite3.Connection:
    """Return this thread's connection."""
    if not hasattr(thread, "connection"):
        thread.connection = sqlite3.connect(os.environ["FLOOR_DATABASE"], isolation_level=None)
    return thread.connection


def read(row: tuple) -> dict[str, Any]:
    """Return a row's values by column, dates as they are printed."""
    values = dict(zip(PROPERTIES, row))
    for column in ("date_created", "date_updated"):
        date = datetime.fromisoformat(values[column])
        values[column] = f"{date:%a}, {date.day} {date:%b %Y %H:%M:%S} +0000"
    values["voice_caller_id_lookup"] = bool(values["voice_caller_id_lookup"])
    return values


def write_element(values: dict[str, Any], indent: str) -> str:
    """Write one Application element."""
    values["voice_caller_id_lookup"] = str(values["voice_caller_id_lookup"]).lower()
    lines = [
        f"{indent}  <{name}>{escape(values[column])}</{name}>"
        for column, name in PROPERTIES.items()
    ]
    return "\n".join([f"{indent}<Application>", *lines, f"{indent}</Application>"])


def answer_list(rows: list[tuple], is_json: bool) -> str:
    """Write the document of a list."""
    if is_json:
        return json.dumps([read(row) for row in rows], indent=2)
    elements = [write_element(read(row), "    ") for row in rows]
    return "\n".join(
        [
            "<RestcommResponse>",
            "  <Applications>",
            *elements,
            "  </Applications>",
            "</RestcommResponse>",
        ]
    )


def answer_one(row: tuple, is_json: bool) -> str:
    """Write the document of one application."""
    if is_json:
        return json.dumps(read(row), indent=2)
    return f"<RestcommResponse>\n{write_element(read(row), '  ')}\n</RestcommResponse>"


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """Answer GET of a list or of one application."""
    credentials = base64.b64decode(environ["HTTP_AUTHORIZATION"].removeprefix("Basic "))
    name, _, token = credentials.decode().partition(":")
    database = open_database()
    account = database.execute(
        "SELECT sid, auth_token FROM restcomm_accounts WHERE sid = ? AND status = 'active'", [name]
    ).fetchone()
    if account is None or not hmac.compare_digest(account[1], token):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    path = environ["PATH_INFO"]
    is_json = path.endswith(".json")
    last = path.removesuffix(".json").rpartition("/")[2]
    if last == "Applications":
        found = database.execute(
            SELECT + "account_sid = ? ORDER BY date_created, sid", [account[0]]
        )
        text = answer_list(found.fetchall(), is_json)
    else:
        found = database.execute(SELECT + "sid = ? AND account_sid = ?", [last, account[0]])
        text = answer_one(found.fetchone(), is_json)
    body = text.encode()
    media_type = "application/json" if is_json else "application/xml"
    start_response("200 OK", [("Content-Type", media_type), ("Content-Length", str(len(body)))])
    return [body]
