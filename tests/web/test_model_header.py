"""The model that each response comes from, by its header and ETag."""

import pytest
from starlette.testclient import TestClient

from palate.web._app import create_app
from palate.web._compare import ComparedModels, names_of
from palate.web._middleware import AccessSettings
from palate.web._model_holder import ModelHolder

MODEL = "palate-model"


def test_what_a_client_has_kept_is_sent_again_only_from_another_model(model, bayes, tmp_path):
    folder = tmp_path / "m"
    model.save(folder)
    holder = ModelHolder.from_folder(folder)
    client = TestClient(create_app(holder, AccessSettings()), "http://localhost")
    first = client.get("/api/items", params={"search": "fargo"})
    kept = {"If-None-Match": f'"other", {first.headers["etag"]}'}
    again = client.get("/api/items", params={"search": "fargo"}, headers=kept)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers[MODEL] == first.headers[MODEL]
    assert 'route="/api/items",status="304"' in client.get("/metrics").text

    bayes.save(folder)
    assert holder.reload_if_changed()
    new = client.get("/api/items", params={"search": "fargo"}, headers=kept)
    assert new.status_code == 200
    assert new.headers[MODEL] != first.headers[MODEL]


@pytest.mark.parametrize(
    ("path", "has_model", "has_tag"),
    [
        ("/api/model", True, True),
        ("/api/items/0815", True, False),  # an error
        ("/api/evaluation", True, False),  # it changes
        ("/healthz", False, False),
        ("/theme.css", False, False),
    ],
)
def test_which_responses_say_it(client, path, has_model, has_tag):
    headers = client.get(path).headers
    assert (MODEL in headers) == has_model
    assert ("etag" in headers) == has_tag


def test_a_request_with_a_body_is_always_answered(client):
    body = {"ratings": [], "n": 1}
    tag = client.get("/api/model").headers["etag"]
    answer = client.post("/api/recommendations", json=body, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers[MODEL] in tag
    assert "etag" not in answer.headers


def test_of_two_models_either_can_be_replaced(model, bayes, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        model.save(folder)
    holders = [ModelHolder.from_folder(folder) for folder in folders]
    app = create_app(holders[0], AccessSettings(), ComparedModels(holders, names_of(folders)))
    client = TestClient(app, "http://localhost")
    first = client.get("/api/compare")
    kept = {"If-None-Match": first.headers["etag"]}
    assert client.get("/api/compare", headers=kept).status_code == 304

    bayes.save(folders[1])
    assert holders[1].reload_if_changed()
    new = client.get("/api/compare", headers=kept)
    assert new.status_code == 200
    assert new.headers[MODEL] != first.headers[MODEL]
    assert [one["solver"] for one in new.json()["models"]] == ["one-cycle", "gibbs"]
