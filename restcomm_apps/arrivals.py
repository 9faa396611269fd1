"""How much of a request has come: found out without waiting, so that no thread waits for it.

Only lengths are read here. What the octets say, and whether they are HTTP at all, is for gunicorn's
parser to judge afterwards; what cannot be measured counts as come, so that it is judged at once.
"""

import re

# Octets; longer heads are refused.
LONGEST_HEAD = 2**16
# As gunicorn reads it, with a CRLF before it or not.
_LONGEST_LINE = 8190
_REQUEST_LINE = re.compile(rb"(?:\r\n)?[^\s]+ [^\s]+ HTTP/1\.[0-9]\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_ANY_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:", re.IGNORECASE)
_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTATION = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t;\r]")


class Arrival:
    """The octets of one request so far, and perhaps of those behind it.

    ``is_complete`` says that a request may be handed over, ``is_cut`` that a part of its body is
    not there and will not be waited for, ``expects_go_ahead`` that the client sends its body only
    once it is told to.
    """

    def __init__(self, largest_body):
        self.largest_body = largest_body
        self.octets = bytearray()
        self.is_complete = False
        self.is_cut = False
        self.is_head_too_long = False
        self.expects_go_ahead = False
        self._measure = self._measure_head
        self._at = 0  # where the head may end, a chunk begins, or the body of declared length ends

    def add(self, octets):
        """Take what has come."""
        self.octets += octets
        if octets and not self.is_complete:
            self._measure()

    def cut(self):
        """Take the request as it is, where its client sends no more."""
        self.is_complete = self.is_cut = True

    def _measure_head(self):
        end = self.octets.find(b"\r\n\r\n", self._at)
        if end < 0:
            self._at = max(0, len(self.octets) - 3)
            self.is_complete = self._is_no_head()
            return
        end += 4
        head = bytes(self.octets[:end])
        expectation = b" HTTP/1.1\r\n" in head and _EXPECTATION.search(head)
        if expectation:
            # It is told to go on from here, or refused at once; gunicorn would tell it again.
            del self.octets[slice(*expectation.span())]
            end -= len(expectation[0])
        length = _LENGTH.search(head)
        if _ENCODING.search(head):
            self._at, self._measure = end, self._measure_chunks
        elif length:
            self._at, self._measure = end + int(length[1]), self._measure_body
            if int(length[1]) > self.largest_body:
                return self.cut()
        elif _ANY_LENGTH.search(head):
            # A length that is not measured here may be one to gunicorn's parser.
            return self.cut()
        else:
            self.is_complete = True
            return
        self._measure()
        self.expects_go_ahead = bool(expectation) and not self.is_complete

    def _is_no_head(self):
        """Tell whether what has come without an end will be refused however it goes on."""
        octets = self.octets
        if octets.count(b"\n") != octets.count(b"\r\n"):
            return True
        if octets.find(b"\r\n", 2) < 0:
            return len(octets) > _LONGEST_LINE
        self.is_head_too_long = len(octets) > LONGEST_HEAD
        return self.is_head_too_long or not _REQUEST_LINE.match(octets)

    def _measure_body(self):
        self.is_complete = len(self.octets) >= self._at

    def _measure_chunks(self):
        while self._at < len(self.octets):
            size = _CHUNK_SIZE.match(self.octets, self._at)
            line_end = self.octets.find(b"\r\n", self._at)
            if line_end < 0 or size is None or int(size[1], 16) == 0:
                break
            self._at = line_end + 2 + int(size[1], 16) + 2
        else:
            # Chunks of a few octets are longer than what they hold.
            if len(self.octets) > 2 * self.largest_body + LONGEST_HEAD:
                self.cut()
            return
        if line_end < 0:
            self.is_complete = len(self.octets) - self._at > _LONGEST_LINE
        elif size is None:
            self.is_complete = True
        else:
            trailers_end = self.octets.find(b"\r\n\r\n", line_end)
            self.is_complete = trailers_end >= 0 or len(self.octets) - line_end > LONGEST_HEAD
