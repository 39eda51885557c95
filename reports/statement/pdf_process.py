"""A process of its own that makes a PDF: reads {"html", "css"} as JSON, writes the bytes. It uses nothing of Strata.

It reads no address and no file that the document names, opens no connection, and has bounds for memory and time. It
ends with UNAVAILABLE where WeasyPrint or the system's Pango is missing.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from typing import Any, NoReturn

UNAVAILABLE = 3
MEMORY = 1024 * 1024 * 1024  # of addresses; a statement with 1,000 lines uses 130 MiB of it
SECONDS = 60  # of the processor


def refuse_connections(event: str, _arguments: Any) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        raise PermissionError(event)


def main() -> int:
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        with suppress(ValueError, OSError):  # systems differ in what they let us set
            resource.setrlimit(limit, (most, most))
    sys.addaudithook(refuse_connections)
    try:
        from weasyprint import CSS, HTML  # fails where Pango is missing
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError):
        return UNAVAILABLE

    class NothingIsRead(URLFetcher):  # type: ignore[misc, unused-ignore]  # Any, where WeasyPrint is not installed
        def fetch(self, url: str, *_arguments: Any, **_options: Any) -> NoReturn:
            raise ValueError("no address is read")

    fetcher = NothingIsRead()
    document = json.load(sys.stdin)
    html = HTML(string=document["html"], url_fetcher=fetcher)
    pdf = html.write_pdf(stylesheets=[CSS(string=document["css"], url_fetcher=fetcher)])
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
