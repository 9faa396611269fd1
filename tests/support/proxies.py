"""Real nginx, Apache and HAProxy before a service."""

import re
import time
import urllib.error
import urllib.request

from .documentation import read
from .service import BASE, authorization, check_reply

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


APACHE_MODULES = "mpm_event authz_core proxy proxy_http headers"


APACHE = """\
ServerName localhost
ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
{modules}
{server}
"""


def nginx(folder, port, server):
    """Give the command of an nginx that serves the server block."""
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server))
    return ["/usr/sbin/nginx", "-c", f"{folder}/nginx.conf", "-p", str(folder)]


def apache(folder, port, server):
    """Give the command of an Apache that serves the virtual host."""
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in APACHE_MODULES.split()
    )
    server = server.replace("*:80", f"127.0.0.1:{port}")
    config = APACHE.format(folder=folder, port=port, modules=modules, server=server)
    (folder / "apache.conf").write_text(config)
    return ["/usr/sbin/apache2", "-DFOREGROUND", "-f", f"{folder}/apache.conf"]


def haproxy(folder, port, config):
    """Give the command of an HAProxy with the configuration of a cluster, of one service here."""
    service = re.search(r"bind (\S+)", config)[1]
    config = re.sub(r"127\.0\.0\.1:808[1-3]", service, config)
    config = re.sub(r"bind \S+", f"bind 127.0.0.1:{port}", config)
    (folder / "haproxy.cfg").write_text(config)
    return ["/usr/sbin/haproxy", "-db", "-f", f"{folder}/haproxy.cfg"]


HAPROXY_CONFIG = read("deploy/galera/haproxy.cfg")


def wait_for(url, process):
    """Wait until the proxy answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return fetch(f"{url}{BASE}/Logout")
        except urllib.error.URLError:
            assert process.poll() is None, "the proxy did not start"
            assert time.monotonic() < deadline, "the proxy does not answer"
            time.sleep(0.05)


def fetch(url, account=None, body=None, headers=None):
    """Send a request; give status, headers and body, checked."""
    headers = (authorization(account) if account else {}) | (headers or {})
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            answer = reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            answer = error.code, error.headers, error.read()
    check_reply(answer[0], answer[1].get("Content-Type"), answer[2])
    return answer
