"""Replies compressed with gzip, for clients that accept it and where it pays.

Never with tokens, nor with a text of the client's choosing beside what others may not know: the
length of the reply would tell who sees no more of it than that (BREACH).
"""

import gzip
import zlib

from flask import request

from .replies import Reply

# Below it fits into one packet anyway.
SMALLEST_BODY = 1400  # bytes
_LEVEL = 4  # Of 9: beyond it the time grows faster than the gain.
_GZIP = 16 + zlib.MAX_WBITS


def compress(reply: Reply) -> Reply:
    """Note what a reply varies with, and compress its body, whole or as it is streamed."""
    reply.headers["Vary"] = "Accept-Encoding"
    if reply.status_code != 200 or not request.accept_encodings.quality("gzip"):
        return reply
    if reply.is_streamed:
        reply.response = _compress_pieces(reply.response)
    elif reply.content_length < SMALLEST_BODY:
        return reply
    else:
        # Without a time, so that HEAD and GET tell the same length.
        reply.set_data(gzip.compress(reply.get_data(), _LEVEL, mtime=0))
    reply.headers["Content-Encoding"] = "gzip"
    return reply


def _compress_pieces(pieces):
    """Compress each piece as it comes; a fault leaves out the trailer that ends a gzip stream."""
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for piece in pieces:
        yield compressor.compress(piece.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush()
