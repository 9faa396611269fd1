"""Addresses of clients and networks of proxies."""

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network | str
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The peer of a socket file has no address.
UNIX = "unix"


def read_networks(text: str) -> tuple[Network, ...]:
    """Read addresses, networks and ``unix`` into a tuple. Raises ValueError."""
    return tuple(UNIX if part == UNIX else ipaddress.ip_network(part) for part in text.split())


def find_client(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """Return the last address of the chain that is not a trusted proxy's, else its first.

    Each proxy appends whom it was called by, so what stands before an address that is not trusted
    may be forged. What is no address ends the chain.
    """
    client = peer
    for hop in reversed(forwarded_for.split(",")):
        address = _parse(hop.strip())
        if address is None:
            break
        client = str(address)
        if not is_trusted(client, trusted):
            break
    return client


def is_trusted(peer: str, trusted: tuple[Network, ...]) -> bool:
    """Return whether an address, or "" for the peer of a socket file, is a trusted proxy's."""
    address = _parse(peer)
    if address is None:
        return peer == "" and UNIX in trusted
    return any(not isinstance(network, str) and address in network for network in trusted)


def network_of(address: str) -> str:
    """Return the network that one client has to itself: an IPv4 address, of IPv6 the /64."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A listener on [::] sees IPv4 as ::ffff:192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
