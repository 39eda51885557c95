"""Two app machines behind nginx answer as one, and go on without what they can do without (see tests/scale.py)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.load_clients import Client, create_asset
from tests.scale import topology

pytestmark = [pytest.mark.server, pytest.mark.on_postgresql, pytest.mark.chaos]
MOST, ROUNDS = 60, 5


def test_two_machines_answer_as_one_and_go_on_without_redis_and_the_standby(database, tmp_path, figures):
    name = f"strata_{uuid4().hex}"
    database.fresh(name)
    with topology(database, name, tmp_path, API_THROTTLE=f"{MOST}/d") as running:
        nginx, machines = running.nginx, running.machines
        client = Client(nginx.port, database.token, connect=nginx.connect)
        direct = [Client(server.port, database.token) for server in machines]

        asset = create_asset(client)
        for number in range(2 * ROUNDS):
            assert client.ask("PATCH", f"assets/{asset}", {"notes": str(number)})[0] == 200
            assert client.ask("GET", f"assets/{asset}")[1]["notes"] == str(number)
        reads = [[line for line in lines_of(server) if line["method"] == "GET"] for server in machines]
        assert all(lines for lines in reads)
        assert "replica" in {line["read_from"] for lines in reads for line in lines}

        for _ in range(ROUNDS):
            body, key = {"name": uuid4().hex, "base_currency": "EUR"}, uuid4().hex

            def post(machine: Client, body=body, key=key) -> tuple[int, dict, dict]:
                return machine.ask("POST", "portfolios", body, Idempotency_Key=key)

            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(post, direct))
            assert {status for status, _, _ in answers} <= {201, 409}
            ids = {row["id"] for status, row, _ in answers if status == 201}
            assert len(ids) == 1
            repeated = post(direct[1])
            assert (repeated[0], {repeated[1]["id"]}, repeated[2]["Idempotency-Replayed"]) == (
                201,
                ids,
                "true",
            )

        strangers = [Client(nginx.port, "nobody", connect=nginx.connect) for _ in range(2)]
        statuses = Counter(strangers[number % 2].ask("GET", "tags")[0] for number in range(MOST + 20))
        assert statuses == {401: MOST, 429: 20}
        assert running.redis.client.dbsize() == 2  # alice and the address

        running.standby.kill()
        running.redis.stop()
        statuses = Counter(machine.ask("GET", "tags")[0] for machine in [*direct, client] * 2)
        assert statuses == {200: 6}
        assert [lines_of(server)[-1]["read_from"] for server in machines] == ["primary", "primary"]
        assert direct[0].ask("PATCH", f"assets/{asset}", {"notes": "still"})[0] == 200
        for open_client in (client, *direct, *strangers):
            open_client.close()


def lines_of(server) -> list[dict]:
    return server.logged("strata.requests")
