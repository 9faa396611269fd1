"""Documents are framed as ``templates/response.xml`` lays them out, whatever it says."""

import json
from types import SimpleNamespace

import pytest

from restcomm_apps import create_app
from restcomm_apps.formats.documents import Documents
from restcomm_apps.formats.layout import PageProperty
from restcomm_apps.formats.media_types import JSON, XML
from restcomm_apps.resources.applications.representation import APPLICATION

from ..support.rows import CHILD, application_row

PAGE = (
    PageProperty("page", "page", 0),
    PageProperty("uri", "uri", "/?Name=%s&<"),
    PageProperty("nextpageuri", "next_page_uri", None),
)
ROW = SimpleNamespace(**application_row(1, CHILD))


@pytest.fixture(scope="module")
def make_documents():
    """A function that makes documents; each text in the template takes the place of another."""
    app = create_app({})

    def make(**replaced):
        path = app.jinja_env.get_template("response.xml").filename
        with open(path, encoding="utf-8") as file:
            source = file.read()
        for old, new in replaced.items():
            assert old in source
            source = source.replace(old, new)
        return Documents(app.jinja_env.from_string(source), app.extensions["site"])

    with app.app_context():
        yield make


@pytest.mark.parametrize("rows", [[], [ROW], [ROW, ROW]], ids=len)
def test_page_differs_from_a_list_by_its_attributes_alone(make_documents, rows):
    documents = make_documents()
    texts = []
    for frame, layout in (
        documents.of_list(APPLICATION, XML),
        documents.of_page(APPLICATION, XML, PAGE),
    ):
        texts.append(frame.put_around(layout.write(rows)))
    attributes = ' page="0" uri="/?Name=%s&amp;&lt;" nextpageuri=""'
    assert texts[1].replace(attributes, "", 1) == texts[0] != texts[1]


@pytest.mark.parametrize("rows", [[], [ROW], [ROW, ROW]], ids=len)
def test_page_in_json_holds_the_list(make_documents, rows):
    documents = make_documents()
    frame, layout = documents.of_list(APPLICATION, JSON)
    whole = json.loads(frame.put_around(layout.write(rows)))
    frame, layout = documents.of_page(APPLICATION, JSON, PAGE)
    text = frame.put_around(layout.write(rows))
    page = {"page": 0, "uri": "/?Name=%s&<", "next_page_uri": None, "applications": whole}
    assert json.loads(text) == page
    assert text.isascii() and "<" not in text
    # Laid out as the library does, but for what it does not escape.
    assert json.dumps(json.loads(text), indent=2) == text.replace("\\u003c", "<").replace(
        "\\u0026", "&"
    ).replace("\\u003d", "=")


def test_page_has_the_root_of_the_template(make_documents):
    documents = make_documents(RestcommResponse="Answer")
    for frame, layout in (
        documents.of_list(APPLICATION, XML),
        documents.of_page(APPLICATION, XML, PAGE),
    ):
        for rows in ([], [ROW]):
            text = frame.put_around(layout.write(rows))
            assert text.startswith("<Answer>\n  <Applications") and text.endswith("</Answer>")
    assert documents.write_one(APPLICATION, ROW, XML).startswith("<Answer>\n  <Application>")


def test_attributes_of_a_page_are_those_of_the_template(make_documents):
    documents = make_documents(**{'="{{ value }}"': " = '{{ value }}'"})
    frame, _ = documents.of_page(APPLICATION, XML, PAGE)
    element = "<Applications page = '0' uri = '/?Name=%s&amp;&lt;' nextpageuri = ''"
    assert frame.empty == f"<RestcommResponse>\n  {element}/>\n</RestcommResponse>"
    assert frame.opening == f"<RestcommResponse>\n  {element}>\n    "
