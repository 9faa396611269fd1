"""How the tests read the project's own documentation: tables and console blocks of Markdown."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(name):
    """Read a text file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def table_after(text, heading):
    """List the rows of the first Markdown table after a text, each a list of its cells."""
    lines = text[text.index(heading) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def blocks(text, language):
    """List the fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(block):
    """Split a console block into (command, output) pairs; a comment after the command is cut."""
    pairs = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        pairs.append((command.split("    #")[0].strip(), output.rstrip("\n")))
    return pairs
