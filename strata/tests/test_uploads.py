"""Files whose length the client does not say: who may send one, and how much of it is read."""

from __future__ import annotations

import io
from unittest import mock

import pytest
from django.conf import settings
from django.test import Client

from strata.accounts.services import issue_token
from strata.wsgi import with_length
from tests.admin_forms import staff

pytestmark = [pytest.mark.django_db, pytest.mark.on_sqlite]


class Upload(io.BytesIO):
    """A body that says no length, and counts what was read of it."""

    def read(self, size=-1):
        data = super().read(size)
        self.taken = getattr(self, "taken", 0) + len(data)
        return data


def send_chunked(path: str, body: bytes, **headers: str) -> tuple[int, Upload]:
    """By the layers of the server and those of Django's client, which leaves the connection open."""
    upload, client = Upload(body), Client()
    environ = {
        **client._base_environ(PATH_INFO=path, REQUEST_METHOD="POST"),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": upload,
        **headers,
    }
    answer = with_length(lambda environ, _start_response: client.handler(environ))(environ, None)
    return answer.status_code, upload


@pytest.mark.parametrize("path", settings.BODY_BYTES_OF_FILES)
def test_no_byte_of_a_strangers_file_is_read(path):
    """A page reads what the client still sends, and forgets it."""
    with (
        mock.patch("tempfile.TemporaryFile", side_effect=AssertionError),
        mock.patch("tempfile.NamedTemporaryFile", side_effect=AssertionError),
    ):
        status, upload = send_chunked(path, b"x" * 3_000_000)
        assert status == (401 if path.startswith("/api/") else 302)
    assert path.startswith("/admin/") or not hasattr(upload, "taken")


@pytest.mark.parametrize(("most", "status"), [(200_000, 400), (3000, 413)])
def test_a_file_of_unknown_length_is_read_up_to_its_limit(alice_user, monkeypatch, most, status):
    monkeypatch.setitem(settings.BODY_BYTES_OF_FILES, "/api/v1/archives", most)
    monkeypatch.setattr(settings, "MAX_BODY_BYTES", 1024)
    _, secret = issue_token(alice_user, name="files")
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n' + b"x" * 100_000
    answered, upload = send_chunked(
        "/api/v1/archives", part + b"\r\n--x--\r\n", HTTP_AUTHORIZATION=f"Bearer {secret}"
    )
    assert answered == status
    assert upload.taken <= most + 2  # to see that there is more, twice


@pytest.mark.parametrize("path", settings.BODY_BYTES_OF_FILES)
def test_a_refused_file_is_read_to_its_end(alice_user, path):
    """Else the connection is closed while a proxy still sends, and the client gets 503 instead of the refusal."""
    if path.startswith("/api/"):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {issue_token(alice_user, name='files')[1]}"}
    else:
        headers = {"HTTP_COOKIE": f"sessionid={staff(alice_user).cookies['sessionid'].value}"}
    body = bytes(3_000_000)  # no part begins within the length of a header, so that the parser gives up
    status, upload = send_chunked(f"{path}/", body, **headers)
    assert (status, upload.taken) == (400, len(body))
