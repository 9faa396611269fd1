"""Restcomm's words: the version of its API, kinds of applications, statuses of accounts.

Source: legacy/SCHEMA.md.
"""

API_VERSION = "2012-04-24"

KINDS = ("voice", "sms", "ussd")

ACTIVE, CLOSED, UNINITIALIZED = "active", "closed", "uninitialized"
STATUSES = (ACTIVE, "suspended", "inactive", UNINITIALIZED, CLOSED)

# The sid and the domain of the organization that every Restcomm has.
FIRST_ORGANIZATION = ("ORafbe225ad37541eba518a74248f0ac4c", "default.restcomm.com")
