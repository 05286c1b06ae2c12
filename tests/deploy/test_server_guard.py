"""What a server refuses: other names, other sites' pages, no token, halves of requests, too many pixels."""

import asyncio
import io
import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from kimchi_vision.deploy import server
from kimchi_vision.deploy.server import Access, Limits, api, build, guard
from kimchi_vision.deploy.server.guard import Room
from tests.browsers import serving


@pytest.fixture
def client(seven):
    return TestClient(build([seven], access=Access(("Kimchi.LAN",))), base_url="http://localhost:8000")


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        *(("localhost:8000", True), ("127.0.0.1", True), ("[::1]:8000", True), ("192.168.0.9:80", True)),
        *(("KIMCHI.lan:80", True), ("evil.example", False), ("localhost.evil.example", False), ("", False)),
        *(("kimchi.lan@evil.example", False), ("[", False)),
    ],
)
def test_only_our_own_names_are_answered(client, host, passes):
    reply = client.get("/models", headers={"host": host})
    assert reply.status_code == (200 if passes else 403)
    assert passes or "--host-name" in reply.json()["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 422),  # no browser; there is no photo in it
        ({"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, 422),
        ({"origin": "http://localhost:8000"}, 422),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:9000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_pages_of_other_sites_send_nothing(client, headers, status):
    for address in ("/predict", "/explain"):
        assert client.post(address, headers=headers).status_code == status


def test_a_token_is_asked_for_and_a_browser_keeps_it(seven):
    def asked(address, **headers):
        fresh = TestClient(build([seven], access=Access(token="secret")), base_url="http://localhost")
        return fresh.get(address, headers=headers)

    for refused in ({}, {"authorization": "Bearer other"}, {"cookie": "kimchi_token=other"}, {"cookie": "="}):
        assert asked("/models", **refused).status_code == 401
    assert asked("/?token=other").status_code == 401
    assert asked("/health").status_code == 200
    assert asked("/models", authorization="Bearer secret").status_code == 200
    assert asked("/metrics").status_code == 401
    browser = TestClient(build([seven], access=Access(token="secret")), base_url="http://localhost")
    assert browser.post("/predict?token=secret").status_code == 401
    page = browser.get("/?token=secret")
    assert (page.status_code, str(page.url)) == (200, "http://localhost/")
    kept = page.history[0].headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept
    assert browser.get("/models").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"cookie": "kimchi_token="}])
def test_an_empty_token_lets_nobody_in(seven, headers):
    client = TestClient(build([seven], access=Access(token="")), base_url="http://localhost")
    for reply in (client.get("/models", headers=headers), client.post("/predict", headers=headers)):
        assert reply.status_code == 401


def test_photos_wait_until_there_is_room_for_their_pixels():
    async def together(sizes):
        room, now, most = Room(100), 0, 0

        async def one(size):
            nonlocal now, most
            async with room.taken(size):
                now += min(size, 100)
                most = max(most, now)
                for _ in range(20 if size == 60 else 1):
                    await asyncio.sleep(0)
                now -= min(size, 100)

        await asyncio.gather(*map(one, sizes))
        return most, room.free

    assert asyncio.run(together([40] * 9)) == (80, 100)
    assert asyncio.run(together([500, 60, 60, 500, 1])) == (100, 100)
    assert asyncio.run(together([60, 40, 40, 40])) == (100, 100)  # one that stays keeps its room


def large(megapixels):
    file = io.BytesIO()
    Image.new("1", (1000 * megapixels, 1000)).save(file, "PNG")
    return file.getvalue()


def test_pixels_in_flight_are_bounded_whatever_is_sent(seven, monkeypatch):
    client, seen = TestClient(build([seven], Limits(megapixels=4))), []
    room = client.app.state.service.room
    prepare = client.app.state.service.models["seven"].predictor.prepare

    def watched(content):
        seen.append(room.free)
        return prepare(content)

    monkeypatch.setattr(client.app.state.service.models["seven"].predictor, "prepare", watched)
    assert client.post("/predict", files=[("photos", large(3))] * 6).status_code == 200
    assert seen == [room.most - 3_000_000] * 6


def test_nobody_waits_for_a_large_photo(seven, monkeypatch):
    monkeypatch.setattr(api, "LARGE", 1_000_000)
    client, held = TestClient(build([seven])), threading.Event()
    predictor = client.app.state.service.models["seven"].predictor
    prepare = predictor.prepare
    slow, begun = large(2), threading.Event()

    def prepared(content):
        if content == slow:
            begun.set()
            assert held.wait(10)
        return prepare(content)

    monkeypatch.setattr(predictor, "prepare", prepared)
    with client, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(client.post, "/predict", files={"photos": slow}) for _ in range(4)]
        assert begun.wait(10)
        assert client.post("/predict", files=[("photos", large(1))] * 5).status_code == 200
        held.set()
        assert {one.result().status_code for one in waiting} == {200}


def test_a_body_that_does_not_come_is_given_up(seven, monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.3)
    half = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with serving(build([seven], access=Access()), http=server.Protocol) as address:
        port = int(address.rpartition(":")[2])

        def said(content):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(content)
                return connection.recv(100)

        assert said(half + b"Content-Length: 100\r\n\r\n--x\r\n").startswith(b"HTTP/1.1 408")
        assert said(half) == b""  # closed without a word: a header that never ends
        assert said(b"") == b""


def test_bodies_in_flight_are_bounded(seven, monkeypatch):
    monkeypatch.setattr(guard, "UPLOADS", 1)
    half = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    half += b"Content-Length: 900000\r\n\r\n--x\r\n"
    half += b"Content-Disposition: form-data; name=photos; filename=a\r\n\r\n"
    half += b"a" * 600_000
    with serving(build([seven], Limits(megabytes=1), access=Access())) as address, ExitStack() as ends:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        both = [ends.enter_context(socket.create_connection(place, timeout=60)) for _ in range(2)]
        for each in both:
            each.sendall(half)
        answered = select.select(both, [], [], 60)[0][0]
        assert answered.recv(20).startswith(b"HTTP/1.1 503")
    assert threading.active_count() < 50
