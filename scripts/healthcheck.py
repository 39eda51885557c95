"""Docker's HEALTHCHECK: exits with 0 when the server in this container is ready."""

import os
import sys
from http.client import HTTPConnection, HTTPException


def is_ready() -> bool:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=4)
    connection.request("GET", "/api/v1/health/ready", headers={"Host": host})
    return connection.getresponse().status == 200


try:
    sys.exit(not is_ready())
except (OSError, HTTPException) as error:
    sys.exit(f"no answer: {error}")
