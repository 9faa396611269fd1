"""Idempotency-Key: a request that is sent again is answered again, not performed again.

The first answer is kept for a day in the transaction that makes it true, so that both are there or
neither, whatever ends the process or the connection in between.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable

import peewee
from flask import g, request

from restcomm_apps.errors import IdempotencyKeyReused, InvalidHeader, NotProvided
from restcomm_apps.store.database import transaction
from restcomm_apps.store.schema import has_own_table
from restcomm_apps.store.service_models import IdempotentReply

from .replies import Reply
from .target import FORMAT

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
KEPT_SECONDS = 24 * 60 * 60

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# How many answers past their day are removed beside a new one.
_CLEANED_AT_ONCE = 100


def answer_once(content: object, answer: Callable[[], Reply]) -> Reply:
    """Return the reply of ``answer()``, or the first one to the same request and key.

    ``content`` is what the request's body says, as anything that JSON can hold; it must be the same
    again. A request without the header is answered as ever. Of two at once the second waits for
    the first. Raises InvalidHeader (400), IdempotencyKeyReused (422), NotProvided (501) where the
    database has no table for it; an error that ``answer`` raises is not kept.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return answer()
    if not _KEY.fullmatch(key):
        raise InvalidHeader(KEY_HEADER, "have 1 to 255 visible ASCII characters")
    if not has_own_table(IdempotentReply):
        raise NotProvided(KEY_HEADER)
    return _answer_once(g.effective_account.sid, key, _fingerprint(content), answer)


@transaction
def _answer_once(account_sid, key, fingerprint, answer):
    oldest = int(time.time()) - KEPT_SECONDS
    kept = _claim(account_sid, key, fingerprint, oldest)
    if kept is not None:
        return _replay(kept, fingerprint)
    reply = answer()
    IdempotentReply.update(
        status=reply.status_code,
        headers=json.dumps(list(reply.headers)),
        body=reply.get_data(as_text=True),
    ).where(_is_of(account_sid, key)).execute()
    _remove_expired(oldest)
    return reply


def _claim(account_sid, key, fingerprint, oldest):
    """Make the key this request's, or return the row of the one that had it before."""
    claim = IdempotentReply.insert(
        account_sid=account_sid,
        idempotency_key=key,
        created=int(time.time()),
        fingerprint=fingerprint,
    )
    # The first statement: a second transaction of the same key waits here until this one has
    # ended, and reads what that has written.
    try:
        claim.execute()
        return None
    except peewee.IntegrityError:
        kept = IdempotentReply.get(_is_of(account_sid, key))
    if kept.created >= oldest:
        return kept
    IdempotentReply.delete().where(_is_of(account_sid, key)).execute()
    claim.execute()
    return None


def _replay(kept, fingerprint):
    if kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused()
    reply = Reply(kept.body, kept.status, headers=json.loads(kept.headers))
    reply.headers[REPLAYED_HEADER] = "true"
    return reply


def _remove_expired(oldest):
    # Found first and removed by key, so that nothing but what goes is locked on MariaDB.
    key = (IdempotentReply.account_sid, IdempotentReply.idempotency_key)
    expired = IdempotentReply.select(*key).where(IdempotentReply.created < oldest)
    for row in expired.order_by(IdempotentReply.created).limit(_CLEANED_AT_ONCE):
        IdempotentReply.delete().where(_is_of(row.account_sid, row.idempotency_key)).execute()


def _is_of(account_sid, key):
    of_account = IdempotentReply.account_sid == account_sid
    return of_account & (IdempotentReply.idempotency_key == key)


def _fingerprint(content):
    parts = [request.method, request.environ["PATH_INFO"], request.environ[FORMAT], content]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
