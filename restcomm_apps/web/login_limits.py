"""How often a login may fail before it is not even tried.

Counted by account and address together, so that nobody locks an account out from elsewhere, and
by address over all accounts, so that nobody tries one password on each; and apart where a page of
another site made the request, so that no page uses up the logins of its reader. Counts are kept in
the memory of each process: a stranger's failures write nothing, and a login that succeeds costs two
look-ups, or one while nobody has failed. docs/security.md says what this holds against.
"""

import math
import time
from collections.abc import Callable

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from restcomm_apps.domain import sids
from restcomm_apps.domain.networks import network_of
from restcomm_apps.errors import TooManyFailures

# An address may stand for an office of many clients, some with an old password.
ACCOUNTS_PER_ADDRESS = 10


# What a refusal says, the rate, and what of a name and an address is counted together.
_Limit = tuple[str, RateLimitItem, Callable[[str, str], tuple[str, ...]]]


class LoginLimits:
    """Counts failures; ``limit`` is a rate of the library ``limits``, or None for no limit."""

    def __init__(self, limit: RateLimitItem | None) -> None:
        self._failures = MemoryStorage()
        # It begins a thread, which must not go on in processes that are forked from this one; the
        # first failure begins another.
        self._failures.timer.cancel()
        self._failures.timer.join()
        self._limiter = FixedWindowRateLimiter(self._failures)
        self._limits: tuple[_Limit, ...] = ()
        if limit is not None:
            of_address = type(limit)(limit.amount * ACCOUNTS_PER_ADDRESS, limit.multiples)
            self._limits = (
                ("of the account from the address", limit, _account_and_address),
                ("from the address", of_address, _address_alone),
            )

    def check(self, name: str, address: str, of_another_site: bool) -> None:
        """Raise TooManyFailures (429) where a login may not be tried now.

        ``of_another_site`` is what ``origins`` says of the request.
        """
        if not self._failures.storage:
            return
        for whose, limit, key in self._limits:
            identifiers = (*key(name, address), str(of_another_site))
            if not self._limiter.test(limit, *identifiers):
                raise self._refusal(whose, limit, identifiers)

    def count_failure(self, name: str, address: str, of_another_site: bool) -> None:
        """Count a login that failed; raise TooManyFailures (429) where it was one too many.

        To count may take a moment, in which others fail.
        """
        refusals: list[TooManyFailures] = []
        for whose, limit, key in self._limits:
            identifiers = (*key(name, address), str(of_another_site))
            if not self._limiter.hit(limit, *identifiers):
                refusals.append(self._refusal(whose, limit, identifiers))
        if refusals:
            raise refusals[0]

    def _refusal(self, whose, limit, identifiers):
        reset = self._limiter.get_window_stats(limit, *identifiers).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        return TooManyFailures(seconds, f"too many failures {whose}")


def _account_and_address(name, address):
    # One budget for all that may name one account: the sid, the e-mail address that it derives
    # from, and either in a spelling that a database takes for the same.
    name = name.strip().lower()
    sid = name if sids.is_sid(name) else sids.account_sid_of(name).lower()
    return sid, network_of(address)


def _address_alone(name, address):
    return (network_of(address),)
