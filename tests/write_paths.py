"""Every way in which a client reads or writes, for tests in which the database fails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode
from uuid import uuid4

from tests.databases import PASSWORD
from tests.load_clients import API, Client, create, create_asset
from tests.serving import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SLOWEST = 60


@dataclass(frozen=True)
class Answer:
    status: int
    retry_after: str | None
    content: bytes

    def is_refusal(self) -> bool:
        """A 503 or 507 that says when to try again."""
        return self.status in (503, 507) and (self.retry_after or "").isdigit()


class WritePaths:
    """Alice's requests: with a token, in a session of the admin, and logins. Created before the database fails."""

    def __init__(self, server: Server, token: str) -> None:
        self.server, self.token = server, token
        client = Client(server.port, token)
        self.asset = create_asset(client)
        self.household = client.ask("GET", "households")[1]["results"][0]["id"]
        self.tag = create(client, "tags", {"name": "Before"})
        self.cookies: dict[str, str] = {}
        self._page("GET", "/admin/login/")
        assert self._log_in().status == 302
        client.close()

    def _page(self, method: str, path: str, fields: dict | None = None) -> Answer:
        form = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", ""), **fields} if fields else None
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, "Accept": "text/html", **(FORM if form else {})}
        body = urlencode(form) if form else None
        response, content = self.server.ask(method, path, body, headers, timeout=SLOWEST)
        if response.status < 400:
            for line in response.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return Answer(response.status, response.getheader("Retry-After"), content)

    def _log_in(self) -> Answer:
        return self._page("POST", "/admin/login/?next=/swagger", {"username": "alice", "password": PASSWORD})

    def _api(self, method: str, path: str, body: dict | None = None, token: str | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        content = json.dumps(body) if body else None
        response, content = self.server.ask(method, f"{API}/{path}", content, headers, timeout=SLOWEST)
        return Answer(response.status, response.getheader("Retry-After"), content)

    def live(self) -> Answer:
        return self._api("GET", "health/live")

    def write(self, note: str = "") -> Answer:
        return self._api("POST", f"assets/{self.asset}/snapshots", {"value": "1", "note": note}, self.token)

    def reads(self) -> dict[str, Answer]:
        return {
            "API, list": self._api("GET", "assets", token=self.token),
            "API, one": self._api("GET", f"assets/{self.asset}", token=self.token),
            "admin, list": self._page("GET", "/admin/assets/asset/"),
            "admin, one": self._page("GET", f"/admin/assets/tag/{self.tag}/change/"),
            "Swagger": self._page("GET", "/swagger"),
            "schema": self._api("GET", "openapi.json"),
        }

    def writes(self) -> dict[str, Answer]:
        tag, other_tag = {"name": uuid4().hex}, {"name": uuid4().hex}
        login = {"username": "alice", "password": PASSWORD}
        form = {"household": self.household, "name": uuid4().hex}
        return {
            "API, POST": self.write(),
            "API, POST with a key": self._keyed(tag),
            "API, PATCH": self._api("PATCH", f"tags/{self.tag}", other_tag, self.token),
            "API, DELETE": self._api("DELETE", f"assets/{self.asset}", token=self.token),
            "API, login": self._api("POST", "auth/token", login),
            "API, wrong login": self._api("POST", "auth/token", login | {"password": "wrong"}),
            "admin, add": self._page("POST", "/admin/assets/tag/add/", form),
            "admin, login": self._log_in(),
        }

    def _keyed(self, body: dict) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = uuid4().hex
        response, content = self.server.ask("POST", f"{API}/tags", json.dumps(body), headers, timeout=SLOWEST)
        return Answer(response.status, response.getheader("Retry-After"), content)


def statuses(answers: dict[str, Answer]) -> dict[str, int]:
    return {path: answer.status for path, answer in answers.items()}
