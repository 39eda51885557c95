"""Debian's nginx with the shipped deploy/nginx.conf, on free ports, with its own key and folder."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path

from tests.databases import free_port
from tests.serving import ROOT, wait_for

SHIPPED = ROOT / "deploy" / "nginx.conf"
MAIN_CONFIG = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log warn;
worker_processes 2;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    {temporary}
    include {folder}/strata.conf;
}}
"""
TEMPORARY_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    def __init__(self, folder: Path, port: int, plain_port: int) -> None:
        self.folder, self.port, self.plain_port = folder, port, plain_port
        context = ssl.create_default_context(cafile=folder / "fullchain.pem")
        context.check_hostname = False  # the certificate has another name than this machine
        self.connect = partial(HTTPSConnection, context=context)
        self.context = context

    def errors(self) -> str:
        return (self.folder / "error.log").read_text()


@contextmanager
def proxying(
    folder: Path, first: int, second: int, *, change: Callable[[str], str] = str, port: int = 0
) -> Iterator[Nginx]:
    """nginx in front of two ports of 127.0.0.1, for the duration of the block. `change` edits its configuration."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert nginx, "nginx is not installed: apt install nginx-light"
    folder.mkdir()
    folder.chmod(0o755)
    make_key(folder)
    port, plain_port = port or free_port(), free_port()
    (folder / "strata.conf").write_text(change(adapted_config(folder, port, plain_port, first, second)))
    (folder / "nginx.conf").write_text(main_config(folder))
    command = [nginx, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: is_open(port))
            yield Nginx(folder, port, plain_port)
        finally:
            process.terminate()


def main_config(folder: Path) -> str:
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY_PATHS)
    user = "user root;" if os.getuid() == 0 else ""  # only the user who runs the tests can read their folders
    return MAIN_CONFIG.format(folder=folder, temporary=temporary, user=user)


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def adapted_config(folder: Path, port: int, plain_port: int, first: int, second: int) -> str:
    """The shipped file with the edits that an administrator makes too. Each text to replace must be there."""
    text = SHIPPED.read_text()
    replacements = {
        "server 127.0.0.1:8000 ": f"server 127.0.0.1:{first} ",
        "server 127.0.0.1:8001 ": f"server 127.0.0.1:{second} ",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "    listen [::]:443 ssl http2;\n": "",
        "    listen [::]:80;\n": "",
        "/etc/ssl/strata/": f"{folder}/",
    }
    for shipped, replacement in replacements.items():
        assert shipped in text, shipped
        text = text.replace(shipped, replacement)
    return text


def make_key(folder: Path) -> None:
    out = ["-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=strata.example.org"]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *out], check=True, capture_output=True)
