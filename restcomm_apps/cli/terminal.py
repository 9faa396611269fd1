"""Texts of clients and of the database on a terminal, where some characters do something."""


def printable(text: str) -> str:
    r"""Escape what would steer a terminal or begin a line: as ``\n``, ``\x9b`` or ``\u202e``.

    That is all but printable characters and the space: controls, separators of lines and
    paragraphs, what changes the direction of writing, halves of pairs. Doing it twice does no more.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
