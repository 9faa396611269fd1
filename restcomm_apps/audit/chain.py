"""Chains of entries, each with the hash of the one before it; no table is known here."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# What the first entry of a chain carries in place of a hash.
FIRST = "restcomm-apps"


class Entry(NamedTuple):
    """What one entry says of itself, and the hash that its columns really have."""

    sequence: int
    previous_hash: str
    hash: str
    computed_hash: str


class Head(NamedTuple):
    """What a chain must be: its number of entries and the hash of the last."""

    length: int
    hash: str


def hash_of(values: Iterable[object]) -> str:
    """Return the SHA-256 of an entry's columns, 64 hex digits.

    Hashed is their JSON array in the table's order: ASCII, other characters as ``\\uXXXX``, no
    spaces.
    """
    canonical = json.dumps(list(values), separators=(",", ":"), default=_octets)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _octets(value: bytes) -> dict[str, str]:
    # SQLite lets a column of texts hold octets; they must not count as the same text.
    return {"octets": value.hex()}


def find_faults(entries: Iterable[Entry], head: Head | None) -> Iterator[str]:
    """Yield a phrase for each fault of one chain.

    ``entries`` come in the order of their sequence, ``head`` is None where there is none. Of a
    changed entry both its own hash and that of its columns may stand in the next one.
    """
    length: int = 0
    hashes = {FIRST}
    for entry in entries:
        if not isinstance(entry.sequence, int) or entry.sequence <= length:
            yield f"change {entry.sequence!r} cannot be numbered so"
            continue
        if entry.sequence > length + 1:
            yield _missing(length + 1, entry.sequence - 1)
        elif entry.previous_hash not in hashes and entry.hash == entry.computed_hash:
            yield f"change {entry.sequence} does not follow the one before it"
        if entry.hash != entry.computed_hash:
            yield f"change {entry.sequence} was changed"
        length, hashes = entry.sequence, {entry.hash, entry.computed_hash}
    yield from _find_faults_at_the_end(length, hashes, head)


def _find_faults_at_the_end(length: int, hashes: set[str], head: Head | None) -> Iterator[str]:
    if head is None:
        yield "the head is missing"
    elif not isinstance(head.length, int):
        yield "the head was changed"
    elif head.length > length:
        yield _missing(length + 1, head.length)
    elif head.length < length:
        yield f"the head ends it with change {head.length}, but there is a change {length}"
    elif head.hash not in hashes:
        yield f"the head has another hash than change {length}"


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"change {first} is missing"
    return f"changes {first} to {last} are missing"
