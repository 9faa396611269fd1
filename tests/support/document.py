"""The examples of the user's document: found in its text, corrected where it is misprinted, filled
in with a real account and address, and run as the programs they are.

What they should answer is for test_document.py to say.
"""

import json
import os
import re
import subprocess
import sys
from typing import NamedTuple

from .rows import DATA

DOCUMENT = (DATA / "applications-api.txt").read_text(encoding="utf-8")
HOST = "mycompany.restcomm.com"

HEADINGS = {
    "create": "Create an Application",
    "update": "Update a Application",
    "delete": "Delete a Application",
    "list": "Get a List of available Applications",
}
AFTER_THE_EXAMPLES = "Applications Attributes"

# How the snippet of a language begins; it ends where the next one or the output begins.
BEGINNINGS = {
    "curl": "curl ",
    "node": "const request = ",
    "python": "from http.client import ",
    "java": "import java.net.URL;",
}
OUTPUT = "The output of the command will be similar to the one below"
NO_OUTPUT = "No output for DELETE operation."

# The programs that a language's examples need, and how they are saved and run.
PROGRAMS = {
    "curl": ("curl",),
    "node": ("node", "npm"),
    "python": (sys.executable,),
    "java": ("javac", "java", "keytool"),
}
INTERPRETERS = {
    "node": ("sample.js", "node"),
    "python": ("sample.py", sys.executable),
    "java": ("JavaSampleClass.java", "java"),
}


class Fix(NamedTuple):
    """A misprint or an ellipsis of the document, and the examples that have it."""

    language: str
    misprint: str
    correction: str
    operations: tuple


_ELLIPSIS = "\n      ...\n"
_ALL = tuple(HEADINGS)
FIXES = {
    "dot after a function's name": Fix("node", "request.({", "request({", ("create", "update")),
    "comment of another language": Fix("python", "\n// ", "\n# ", ("update", "delete")),
    "parenthesis too many": Fix("java", "new URL((", "new URL(", ("create", "update")),
    "semicolon missing": Fix(
        "java", '= "my_APPLICATION_SID"\n', '= "my_APPLICATION_SID";\n', ("update", "delete")
    ),
    "your business logic in Node": Fix(
        "node",
        _ELLIPSIS,
        "\n      if (error) throw error;\n      console.log(body + '\\n' + response.statusCode);\n",
        _ALL,
    ),
    "your business logic in Python": Fix(
        "python", "\n...\n", "\nprint(res.read().decode())\nprint(res.status)\n", _ALL
    ),
    "your business logic in Java": Fix(
        "java",
        _ELLIPSIS,
        '\n      System.out.println(new String(conn.getInputStream().readAllBytes(), "UTF-8"));'
        "\n      System.out.println(conn.getResponseCode());\n",
        _ALL,
    ),
}


class Target(NamedTuple):
    """Where an example is sent, and as whom."""

    scheme: str
    port: int
    account_sid: str
    auth_token: str
    application_sid: str = ""


def find_section(operation):
    """Cut out the section of an operation, from its heading to the next."""
    headings = [*HEADINGS.values(), AFTER_THE_EXAMPLES]
    following = headings[headings.index(HEADINGS[operation]) + 1]
    return re.search(
        rf"^{re.escape(HEADINGS[operation])}$(.*?)^{re.escape(following)}$",
        DOCUMENT,
        re.DOTALL | re.MULTILINE,
    )[1]


def find_snippet(operation, language):
    """Cut out an operation's example in a language, as it is printed."""
    ends = "|".join(map(re.escape, [*BEGINNINGS.values(), OUTPUT, NO_OUTPUT]))
    beginning = re.escape(BEGINNINGS[language])
    snippets = re.findall(
        rf"^{beginning}.*?(?=^(?:{ends}))", find_section(operation), re.DOTALL | re.MULTILINE
    )
    assert len(snippets) == 1, f"{len(snippets)} snippets of {language} to {operation}"
    return snippets[0]


def find_output(operation):
    """Read the JSON that the document shows as an operation's output, or None if it shows none."""
    section = find_section(operation)
    if NO_OUTPUT in section:
        return None
    return json.loads(section.partition(OUTPUT)[2])


def correct(operation, language):
    """Give an example without its misprints; nothing else is changed."""
    snippet = find_snippet(operation, language)
    for fix in FIXES.values():
        if fix.language == language:
            snippet = snippet.replace(fix.misprint, fix.correction)
    return snippet


def fill_in(snippet, target):
    """Put a target's address, account and application in place of the document's."""
    for placeholder, text in _replacements(target):
        snippet = snippet.replace(placeholder, text)
    assert not re.search(rf"{HOST}|my_|YourA|/ACCOUNT_SID/|/APPLICATION_SID", snippet), snippet
    return snippet


def _replacements(target):
    address = f"127.0.0.1:{target.port}"
    if target.scheme == "http":
        # The same classes without TLS.
        yield "javax.net.ssl.HttpsURLConnection", "java.net.HttpURLConnection"
        yield "HttpsURLConnection", "HttpURLConnection"
        yield "HTTPSConnection", "HTTPConnection"
    yield f"https://{HOST}", f"{target.scheme}://{address}"
    yield f"'{HOST}'", f"'{address}'"
    yield "YourAccountSid:YourAuthToken", f"{target.account_sid}:{target.auth_token}"
    yield "my_ACCOUNT_SID", target.account_sid
    yield "my_AUTH_TOKEN", target.auth_token
    yield "my_APPLICATION_SID", target.application_sid
    # curl's example has no variables.
    yield "/ACCOUNT_SID/", f"/{target.account_sid}/"
    yield "/APPLICATION_SID.json", f"/{target.application_sid}.json"


def run(language, program, folder, environ):
    """Run a filled in example in a folder; give the body and the status that it prints."""
    if language == "curl":
        command = ["sh", "-c", program.rstrip() + r" -sS -w '\n%{http_code}\n'"]
    else:
        name, interpreter = INTERPRETERS[language]
        (folder / name).write_text(program, encoding="utf-8")
        command = [interpreter, name]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{program}\n{done.stdout}{done.stderr}"
    body, _, status = done.stdout.rstrip("\n").rpartition("\n")
    return body, int(status)


def make_certificate(folder):
    """Make a self-signed certificate for 127.0.0.1; give the paths of it and of its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            # Python 3.13 verifies strictly: who signs, itself here, must say that it may.
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate, key


def make_truststore(folder, certificate):
    """Put a certificate into a file that Java reads; give its path."""
    truststore = folder / "truststore.p12"
    subprocess.run(
        [
            *("keytool", "-importcert", "-noprompt", "-alias", "service", "-storetype", "PKCS12"),
            *("-file", str(certificate), "-keystore", str(truststore), "-storepass", "changeit"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return truststore
