"""The tables of the documentation say what the code does."""

import configparser
import inspect
import re

import click
import pytest

from restcomm_apps import config, errors
from restcomm_apps.cli.group import commands

from ..support.documentation import ROOT, blocks, read, table_after
from ..support.rows import CHILD

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")])


def plain(cell):
    """Give a cell's text without Markdown's code marks."""
    return cell.replace("`", "")


def test_readme_lists_every_setting():
    expected = [
        f"| `{each.name}` | {f'`{each.default}`' if each.default else ''} "
        f"| {each.allowed} | {each.meaning} |"
        for each in config.SETTINGS
    ]
    documented = [
        line for line in read("README.md").splitlines() if re.match(r"\| `[A-Z_]+` \|", line)
    ]
    assert documented == expected, "the rows should be\n" + "\n".join(expected)


def test_readme_lists_every_endpoint(service):
    documented = {
        (plain(url), method)
        for url, *cells in table_after(read("README.md"), "<!-- endpoints")
        for method, cell in zip(METHODS, cells)
        if cell != "405"
    }
    names = {
        "<account>": "{account}",
        "<sid:sid>": "{sid}",
        "<profile>": "{profile}",
        "/restcomm/2012-04-24": "{base}",
    }
    served = set()
    for rule in service.app.url_map.iter_rules():
        url = rule.rule
        for name, placeholder in names.items():
            url = url.replace(name, placeholder)
        served |= {(url, method) for method in rule.methods & set(METHODS)}
    assert documented == served


def test_every_view_but_those_without_credentials_is_authorized(service):
    views = service.app.view_functions
    open_to_all = {name for name, view in views.items() if not hasattr(view, "permission")}
    assert open_to_all == {"accounts.logout", "health.read_health"}
    urls = {rule.rule for rule in service.app.url_map.iter_rules() if rule.endpoint in open_to_all}
    assert urls == service.app.config["PATHS_WITHOUT_CREDENTIALS"]


def test_errors_are_documented():
    classes = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.RestcommError)
    ]
    expected = [
        f'| <a id="{each.code}"></a>{each.code} | {each.status} | '
        f"{inspect.getdoc(each).splitlines()[0]} |"
        for each in sorted(classes, key=lambda each: each.code)
    ]
    assert len({each.code for each in classes}) == len(classes)
    documented = [line for line in read("docs/errors.md").splitlines() if line.startswith("| <a")]
    assert documented == expected, "the rows should be\n" + "\n".join(expected)


@pytest.mark.parametrize("language, suffix", [("json", ".json"), ("xml", "")])
def test_errors_document_shows_a_real_error(service, language, suffix):
    reply = service.request(
        "POST",
        f"/Accounts/{CHILD['sid']}/Applications{suffix}",
        CHILD,
        data={"FriendlyName": "x", "Kind": "fax"},
    )
    assert blocks(read("docs/errors.md"), language) == [reply.text + "\n"]


def list_commands(group):
    """Give {name: command} of a group; those of a group in it by both names."""
    listed = {}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            listed |= {f"{name} {below}": each for below, each in list_commands(command).items()}
        else:
            listed[name] = command
    return listed


def test_readme_names_every_command_and_option():
    name_of = re.compile(r"restcomm-apps ((?: ?\b[a-z-]+)+)")
    rows = {name_of.match(plain(row[0]))[1]: " ".join(row) for row in command_rows()}
    listed = list_commands(commands)
    assert rows.keys() == listed.keys()
    for name, command in listed.items():
        options = {each.opts[0] for each in command.params if each.opts[0].startswith("--")}
        assert set(re.findall(r"--[a-z-]+", rows[name])) == options


def command_rows():
    """List the rows of README's table of commands."""
    return table_after(read("README.md"), "## The command line")


def test_readme_ini_example_is_accepted(tmp_path):
    path = tmp_path / "example.ini"
    path.write_text(blocks(read("README.md"), "ini")[0])
    chosen = {each.setting.name: each for each in config.load({config.CONFIG_FILE: str(path)})}
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    for name in parser["restcomm-apps"]:
        assert chosen[name.upper()].origin == str(path)


def test_dependencies_are_documented():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    required = setup["options"]["install_requires"] + "".join(extras.values())
    names = {re.split(r"[ <>=]", line)[0] for line in required.split("\n") if line}
    documented = {
        row[0]
        for heading in ("# Dependencies", "With the extra", "For the tests:", "For `make check`")
        for row in table_after(read("docs/dependencies.md"), heading)
    }
    assert documented == names


def test_pins_are_within_ranges_and_hashed():
    for name in ("requirements.txt", "tests/requirements.txt"):
        pins = re.split(r"\n(?=\S)", read(name).strip())
        assert pins and all("==" in pin and "--hash=sha256:" in pin for pin in pins)
        assert "://" not in read(name)


def list_links(name):
    """List the files that a document links to, with the headings or anchors they name."""
    text = re.sub(r"^```.*?^```$", "", read(name), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", text)


def anchors_of(path):
    """List what a link into a Markdown document may name: its headings and anchors."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_links_of_a_document_lead_somewhere(name):
    for target, anchor in list_links(name):
        path = (ROOT / name).parent / target if target else ROOT / name
        assert path.exists(), target
        assert not anchor or anchor in anchors_of(path), f"{target}#{anchor}"


def test_security_policy_is_linked_and_names_no_address():
    assert ("SECURITY.md", "") in list_links("README.md")
    assert "@" not in read("SECURITY.md")
