"""Every character of the basic plane, and samples of the others, in XML text and in JSON."""

import hashlib
import json
import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from restcomm_apps.formats.escapes import ascii_json, json_text, xml_text

BASIC_PLANE = [chr(code_point) for code_point in range(0x10000)]
# The first and last characters of the other planes, assigned or not, and a few known ones.
ASTRAL = [
    *(
        chr(plane * 0x10000 + offset)
        for plane in range(1, 17)
        for offset in (0, 1, 0x7FFF, 0xFFFD, 0xFFFE, 0xFFFF)
    ),
    *("\U0001d11e", "\U0001f600", "\U00020000", "\U000e0001", "\U000e1000", "\U000f0000"),
]

# Source: https://www.w3.org/TR/xml/#charsets, the production Char.
NO_XML_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}

# The lower-case hex numbers, a line each, of the characters that Character.isDefined of
# OpenJDK 17 denies; made on it once by asking for each of the 65,536.
UNDEFINED_COUNT = 1585
UNDEFINED_SHA256 = "8fabb4325b50793c694bdc6c32d243bfc8fe781ed94149d0a3d3a540febf611f"

UNSAFE_IN_HTML = set("<>&='")


def parse_xml(texts):
    """Escape texts, put each into an element of one document, and parse it back."""
    elements = "".join(f"<c>{xml_text(text)}</c>" for text in texts)
    return [child.text or "" for child in etree.fromstring(f"<r>{elements}</r>".encode())]


def write_json(tree):
    """Write a document as render does."""
    return ascii_json(json.dumps(tree, indent=2, ensure_ascii=False))


def parse_json(texts):
    """Write texts, check the document's alphabet, and parse them back."""
    document = write_json(texts)
    assert document.isascii()
    assert not UNSAFE_IN_HTML & set(document)
    return json.loads(document)


def expected_in_xml(text):
    """Replace what XML 1.0 cannot carry."""
    return NO_XML_CHARACTER.sub("\ufffd", text)


@pytest.mark.parametrize("characters", [BASIC_PLANE, ASTRAL], ids=["basic plane", "astral"])
def test_xml_gives_each_character_back(characters):
    expected = [expected_in_xml(character) for character in characters]
    assert parse_xml(characters) == expected


@pytest.mark.parametrize("characters", [BASIC_PLANE, ASTRAL], ids=["basic plane", "astral"])
def test_json_gives_each_character_back(characters):
    assert parse_json(characters) == characters


def test_xml_gives_line_ends_back():
    text = "\r \n \r\n \n\r \t\r"
    assert parse_xml([text]) == [text]


def test_xml_refers_to_exactly_what_java_does_not_define():
    written = {character: xml_text(character) for character in BASIC_PLANE}
    references = {c for c, text in written.items() if text == f"&#x{ord(c):x};"}
    assert references >= {"\r", *map(chr, range(0x7F, 0xA0))}
    # U+FFFE and U+FFFF are undefined too, but XML 1.0 cannot carry a reference to them.
    undefined = references - {"\r", *map(chr, range(0x7F, 0xA0))} | {"\ufffe", "\uffff"}
    lines = "".join(f"{ord(character):x}\n" for character in sorted(undefined))
    assert len(undefined) == UNDEFINED_COUNT
    assert hashlib.sha256(lines.encode()).hexdigest() == UNDEFINED_SHA256


def test_xml_refers_to_all_that_this_python_does_not_define():
    # Python 3.10 knows Unicode 13 as OpenJDK 17 does, later ones more, none less.
    unassigned = [c for c in BASIC_PLANE[:0xFFFE] if unicodedata.category(c) == "Cn"]
    assert len(unassigned) > 1000
    assert [xml_text(c) for c in unassigned] == [f"&#x{ord(c):x};" for c in unassigned]


def test_xml_writes_the_rest_raw_or_named():
    for character in BASIC_PLANE:
        text = xml_text(character)
        if NO_XML_CHARACTER.match(character):
            assert text == "\ufffd"
        elif character in NAMED:
            assert text == NAMED[character]
        elif text != f"&#x{ord(character):x};":
            assert text == character


def test_xml_writes_astral_characters_raw():
    assert [xml_text(character) for character in ASTRAL] == ASTRAL


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("Tom & Jerry", "Tom &amp; Jerry"),
        ("&amp;", "&amp;amp;"),
        ("x]]>y", "x]]&gt;y"),
        ("a\r\nb\tc", "a&#xd;\nb\tc"),
        ("\x7f\x80\x85\x9f\xa0", "&#x7f;&#x80;&#x85;&#x9f;\xa0"),
        ("\x00\x01\x1b\ud83d\ufffe\uffff", "\ufffd" * 6),
        ("\u0378\u20be\u20bf\u20c0", "&#x378;\u20be\u20bf&#x20c0;"),
        ("\xad\u200b\u2028\u2029\ufeff\ufffd\ue000", "\xad\u200b\u2028\u2029\ufeff\ufffd\ue000"),
        ("=/\\ $%#;", "=/\\ $%#;"),
    ],
    ids=ascii,
)
def test_xml_is_written_as_the_original_wrote_it(text, written):
    assert xml_text(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("<a href='x'>&=", r'"\u003ca href\u003d\u0027x\u0027\u003e\u0026\u003d"'),
        ('"\\/', r'"\"\\/"'),
        ("\t\b\n\r\f\x00\x1b", r'"\t\b\n\r\f\u0000\u001b"'),
        # A backslash before what is escaped stays one of its own.
        ("\\<\\u003c\\\\'", r'"\\\u003c\\u003c\\\\\u0027"'),
        # Neither the original nor the contract escapes DEL, which is ASCII.
        ("\x7f", '"\x7f"'),
        ("\x80\xa0é\u2028\uffff", r'"\u0080\u00a0\u00e9\u2028\uffff"'),
        ("\U0001f600\U0010ffff", r'"\ud83d\ude00\udbff\udfff"'),
    ],
    ids=ascii,
)
def test_json_is_written_as_the_contract_has_it(text, written):
    assert write_json(text) == written


def test_json_keeps_its_layout():
    document = '{\n  "a": [\n    true,\n    null,\n    -1.5\n  ],\n  "b": {}\n}'
    assert write_json({"a": [True, None, -1.5], "b": {}}) == document


ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("&<>\"'=\\\r\n\t;#x"))


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
@example("&#x0;\x00&#xd;\r")
def test_xml_gives_any_text_back(text):
    assert parse_xml([text]) == [expected_in_xml(text)]


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
@example("\\\\<\\'\\u003c")
def test_json_gives_any_text_back(text):
    # JSON joins the halves of a surrogate pair, as Java's strings do.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert parse_json([text]) == [joined]


def seconds_for(escape, text):
    """Give the processor time that escaping a text takes at best."""
    times = []
    for _ in range(5):
        began = time.process_time()
        escape(text)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("character", ["&", "'", "\x85", "\u0378", "\U0001f600"], ids=ascii)
@pytest.mark.parametrize("escape", [xml_text, json_text])
def test_escaping_costs_little_more_than_looking(escape, character):
    plain = seconds_for(escape, "x" * 340_000)
    assert seconds_for(escape, character * 340_000) < 30 * plain


@pytest.mark.parametrize("text", ["\x7f", "\x7f\xe9\x7f\\u007f<", "\\u007f"], ids=ascii)
def test_text_of_json_is_that_of_its_document(text):
    assert f'"{json_text(text)}"' == write_json(text)
