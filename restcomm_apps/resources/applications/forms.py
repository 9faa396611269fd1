"""The parameters of applications: how each is spelled, its rule, the column it fills."""

from restcomm_apps.domain.uris import broken_rule
from restcomm_apps.domain.vocabulary import API_VERSION, KINDS
from restcomm_apps.errors import InvalidParameter, MissingParameter
from restcomm_apps.resources.parameters import (
    STORABLE_RULE,
    Parameter,
    Texts,
    Values,
    read_all,
    read_flag,
    read_friendly_name,
    read_word,
)

RCML_URL_LENGTH = 8000


def values_to_create(form: Texts) -> Values:
    """Validate the parameters of a new application into its columns.

    Raises MissingParameter, InvalidParameter (400).
    """
    if "FriendlyName" not in form:
        raise MissingParameter("FriendlyName")
    if form.get("ApiVersion", API_VERSION) != API_VERSION:
        raise InvalidParameter("ApiVersion", f"be {API_VERSION}")
    if form.get("Kind") == "":  # It would clear what is not there.
        read_word("", "Kind", KINDS)
    defaults: Values = {
        "api_version": API_VERSION,
        "voice_caller_id_lookup": False,
        "rcml_url": None,
        "kind": None,
    }
    return defaults | values_to_update(form)


def values_to_update(form: Texts) -> Values:
    """Validate the parameters that change an application into those of its columns they change.

    Parameters that are unknown or cannot change are ignored. Raises InvalidParameter (400).
    """
    values = read_all(form, _PARAMETERS)
    if form.keys() >= LOOKUPS and len({form[name].lower() for name in LOOKUPS}) > 1:
        raise InvalidParameter(
            "HasVoiceCallerIdLookup", "agree with VoiceCallerIdLookup when both are sent"
        )
    return values


def _read_rcml_url(text: str, name: str) -> str:
    # Kept empty rather than null, as the original did: RcmlUrl then stays in the replies.
    if not text:
        return text
    if len(text) > RCML_URL_LENGTH:
        raise InvalidParameter(name, f"have at most {RCML_URL_LENGTH} characters")
    if rule := broken_rule(text):
        raise InvalidParameter(name, rule)
    return text


def _read_kind(text: str, name: str) -> str | None:
    return read_word(text, name, KINDS) if text else None


# The documentation spells the lookup both ways.
_PARAMETERS = (
    Parameter("FriendlyName", "friendly_name", read_friendly_name),
    Parameter("VoiceCallerIdLookup", "voice_caller_id_lookup", read_flag),
    Parameter("HasVoiceCallerIdLookup", "voice_caller_id_lookup", read_flag),
    Parameter("RcmlUrl", "rcml_url", _read_rcml_url),
    Parameter("Kind", "kind", _read_kind),
)
LOOKUPS = {"VoiceCallerIdLookup", "HasVoiceCallerIdLookup"}
# The columns that clients set, each once.
COLUMNS = tuple(dict.fromkeys(parameter.column for parameter in _PARAMETERS))
PARAMETERS = (*(parameter.name for parameter in _PARAMETERS), "ApiVersion")


def parameter_of(column: str) -> str:
    """Return the parameter that a column's value came from; of accounts their names are alike."""
    wire_name = column.title().replace("_", "")
    return next((name for name, known, _ in _PARAMETERS if known == column), wire_name)


def refused(column: str) -> InvalidParameter:
    """Make the error for a value that the database cannot store in a column."""
    return InvalidParameter(parameter_of(column), STORABLE_RULE)
