"""ETags that proxies have marked, because they compressed the answer, still match the row."""

from __future__ import annotations

import pytest

from strata.accounts.services import issue_token

API = "/api/v1"
MARKED = {
    "plain": '"{}"',
    "nginx": 'W/"{}"',
    "Apache": '"{}-gzip"',
    "Apache, Brotli": '"{}-br"',
    "Caddy": '"{}-zstd"',
    "Jetty": '"{}--gzip"',
    "two proxies": 'W/"{}-gzip"',
    "among others": 'W/"other", W/"{}-br"',
}
OF_ANOTHER_STATE = ('"{}x"', 'W/"{}x-gzip"', '"{}-gzipped"', '"x{}"', '"-gzip"', "{}", '"{}-gzip-x"')


def marked(answer, way: str) -> str:
    return way.format(answer["ETag"].strip('"'))


@pytest.fixture
def paths(household, portfolio, alice, alice_user):
    token = issue_token(alice_user)[0]
    return {"household": f"{API}/households/{household.pk}", "token": f"{API}/auth/tokens/{token.pk}"}


@pytest.mark.parametrize("way", MARKED.values(), ids=MARKED)
def test_a_write_knows_its_etag_again(alice, paths, way):
    sent = {"If-Match": marked(alice.get(paths["household"]), way)}
    assert alice.patch(paths["household"], {"name": "New"}, headers=sent).status_code == 200
    assert alice.patch(paths["household"], {"name": "Newer"}, headers=sent).status_code == 412


@pytest.mark.parametrize("way", OF_ANOTHER_STATE)
def test_an_etag_of_another_state_is_refused(alice, paths, way):
    sent = {"If-Match": marked(alice.get(paths["household"]), way)}
    assert alice.patch(paths["household"], {"name": "New"}, headers=sent).status_code == 412


@pytest.mark.parametrize("way", MARKED.values(), ids=MARKED)
def test_a_read_is_confirmed(alice, paths, way):
    for path in (paths["household"], paths["token"], f"{API}/me", f"{API}/net-worth"):
        sent = {"If-None-Match": marked(alice.get(path), way)}
        assert alice.get(path, headers=sent).status_code == 304, path


def test_a_token_is_revoked_through_a_proxy(alice, paths):
    sent = {"If-Match": marked(alice.get(paths["token"]), MARKED["two proxies"])}
    assert alice.delete(paths["token"], headers=sent).status_code == 204
