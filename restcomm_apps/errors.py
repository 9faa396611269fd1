"""The errors a client can be told: status, stable code and wording, and nothing else.

Raised anywhere, turned into a reply in one place, in ``web``. The table in ``docs/errors.md`` is
tested against this module.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

E = TypeVar("E", bound="RestcommError")

REALM = "Restcomm realm"


class RestcommError(Exception):
    """The service failed; the cause is in its log.

    The base of all errors a client may be told: ``status`` is the HTTP status, ``code`` the
    stable number clients may rely on, ``message`` one sentence, ``headers`` what the reply carries
    besides its body. ``reason`` is for the log alone, never for the client.
    """

    status = 500
    code = 20500
    message = "The service failed to answer; the cause is in its log"
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str | None = None, *, reason: str | None = None) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.reason = reason or self.message

    def at_line(self: E, line: int | None) -> E:
        """Name the line, of a body or a file, that the error is about; return the error itself."""
        if line is not None:
            self.message = f"Line {line}: {self.message}"
        return self

    @property
    def more_info(self) -> str:
        """Where the documentation explains the code."""
        return f"docs/errors.md#{self.code}"


class MalformedRequest(RestcommError):
    """The request cannot be read as HTTP, as a form or as rows."""

    status = 400
    code = 20400
    message = "The request is malformed"


class MissingParameter(RestcommError):
    """A required parameter was not sent."""

    status = 400
    code = 21401

    def __init__(self, parameter: str) -> None:
        super().__init__(f"{parameter} is required")


class InvalidParameter(RestcommError):
    """A parameter's value breaks its rule.

    ``rule`` reads on from "must", e.g. ``be true or false``.
    """

    status = 400
    code = 21402

    def __init__(self, parameter: str, rule: str) -> None:
        super().__init__(f"{parameter} must {rule}")


class InvalidHeader(InvalidParameter):
    """A header's value breaks its rule."""

    code = 21403


class NotAuthenticated(RestcommError):
    """No credentials, or wrong ones."""

    status = 401
    code = 20003
    message = "Authenticate with an account sid or e-mail address and its auth token or password"
    headers = MappingProxyType({"WWW-Authenticate": f'Basic realm="{REALM}"'})


class AccountNotActive(RestcommError):
    """The credentials are right, but the account is closed, suspended or not yet in use."""

    status = 403
    code = 20005
    message = "Provided Account is not active"


class Forbidden(RestcommError):
    """The caller may not do this: one body for every reason, so that nobody learns what exists."""

    status = 403
    code = 20006
    message = "The account may not do this"


class ForeignPage(RestcommError):
    """A browser says that a web page of another site asked for the change."""

    status = 403
    code = 20403
    message = (
        "A web page of another site asked for this change; "
        "those of the origins in the setting CORS_ORIGINS may"
    )


class AccountClosed(RestcommError):
    """The account is closed, which is final."""

    status = 409
    code = 20007
    message = "The account is closed and stays so"


class LastTopAccount(RestcommError):
    """The change would leave no active account without a parent, or none that administrates."""

    status = 409
    code = 20008
    message = "The last active top account must stay active and keep its role"


class TokenConflict(RestcommError):
    """The account has a second token already, or none to promote or cancel."""

    status = 409
    code = 20009


class NotFound(RestcommError):
    """Nothing has this address."""

    status = 404
    code = 20404
    message = "Nothing was found at this address"


class MethodNotAllowed(RestcommError):
    """The resource does not know the method; the header Allow names those it knows."""

    status = 405
    code = 20405

    def __init__(self, allowed: Iterable[str]) -> None:
        allow = ", ".join(sorted(allowed))
        super().__init__(f"The resource allows {allow}")
        self.headers = {"Allow": allow}


class AccountExists(RestcommError):
    """The e-mail address has an account already; a closed one keeps its own."""

    status = 409
    code = 20409
    message = "EmailAddress must be one that no account has"


class PreconditionFailed(RestcommError):
    """The application is not in the state that If-Match names: someone else was faster."""

    status = 412
    code = 20412
    message = "The application is not, or no longer, in the state that If-Match names"


class BodyTooLarge(RestcommError):
    """The body exceeds the setting MAX_BODY_BYTES."""

    status = 413
    code = 20413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body must not exceed {limit} bytes")


class UnsupportedMediaType(RestcommError):
    """The body is not of a media type and in a character set that is read."""

    status = 415
    code = 20415
    message = "The body must be application/x-www-form-urlencoded"


class ExpectationNotMet(RestcommError):
    """The header Expect wants something else than 100-continue."""

    status = 417
    code = 20417
    message = "Expect must be 100-continue, or left out"


class IdempotencyKeyReused(RestcommError):
    """The Idempotency-Key came with another request before."""

    status = 422
    code = 20422
    message = "The Idempotency-Key came with another request before; a new request needs a new one"


class NotProvided(RestcommError):
    """The database lacks this service's own tables, which what was asked for needs."""

    status = 501
    code = 20501

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} needs tables that the operator has yet to make with init-db")


class TooManyFailures(RestcommError):
    """Too many logins of the account or from the address failed; a later one is checked again."""

    status = 429
    code = 20429
    message = "Too many logins have failed; try again later"

    def __init__(self, seconds: int, reason: str) -> None:
        super().__init__(reason=reason)
        self.headers = {"Retry-After": str(seconds)}


class Unavailable(RestcommError):
    """The database does not answer; the request may be sent again."""

    status = 503
    code = 20503
    message = "The database does not answer; try again"
    headers = MappingProxyType({"Retry-After": "2"})
