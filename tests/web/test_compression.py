"""What is sent compressed, and what is sent again."""

import gzip

import pytest

REQUEST = {"ratings": [{"item": 100, "rating": 5}, {"item": 50, "rating": 4}], "n": 10}


def test_pages_and_long_answers_are_compressed(client):
    for path in ("/main.js", "/app.css", "/api/model", "/api/items"):
        plain = client.get(path, headers={"accept-encoding": "identity"})
        with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as sent:
            body = b"".join(sent.iter_raw())
            assert sent.headers["content-encoding"] == "gzip", path
            assert sent.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(body) == plain.content
        assert len(body) < len(plain.content) / 2


def test_long_lists_are_compressed_and_short_answers_are_not(client):
    long = client.post("/api/recommendations", json=REQUEST | {"n": 50})
    assert long.headers["content-encoding"] == "gzip"
    short = client.post("/api/recommendations", json=REQUEST)
    assert "content-encoding" not in short.headers
    assert len(short.content) < 4000
    assert "content-encoding" not in client.get("/healthz").headers


@pytest.mark.parametrize("path", ["/", "/main.js", "/views/item.js", "/app.css"])
def test_files_are_sent_again_only_after_a_change(client, path):
    first = client.get(path)
    # Checked each time: after an upgrade, no module of the old version may meet one of the new.
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(path, headers={"if-none-match": '"other"'})
    assert other.content == first.content
