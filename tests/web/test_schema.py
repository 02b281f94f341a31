"""The OpenAPI document describes the service: schemathesis generates requests from it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
ROUTES = {
    "/healthz": "GET",
    "/api/model": "GET",
    "/api/evaluation": "GET",
    "/api/items": "GET",
    "/api/items/{item}": "GET",
    "/api/neighbours/{item}": "GET",
    "/api/popularity": "GET",
    "/api/users": "GET",
    "/api/users/{user}": "GET",
    "/api/histories": "GET",
    "/api/histories.csv": "GET",
    "/api/items.csv": "GET",
    "/api/similar-users": "GET",
    "/api/rating-counts": "GET",
    "/api/map": "GET",
    "/api/groups": "POST",
    "/api/predictions": "POST",
    "/api/recommendations": "POST",
    "/api/explanations": "POST",
    "/api/next-questions": "POST",
    "/api/portraits": "POST",
    "/api/compare": "GET",
    "/api/compare/lists": "POST",
    "/api/compare/explanations": "POST",
    "/api/compare/overlap": "GET",
    "/api/compare/biases": "GET",
    "/api/compare/accuracy": "POST",
    "/api/compare/items": "GET",
    "/api/compare/people": "GET",
}


@pytest.fixture(scope="module", params=["both_address", "events_address"])
def schema(request):
    address = request.getfixturevalue(request.param)
    return schemathesis.openapi.from_url(f"{address}/api/openapi.json")


@pytest.mark.parametrize("path", ROUTES)
def test_responses_conform_to_the_document(schema, path):
    """No server error, and no response that the document does not describe."""

    @given(case=schema[path][ROUTES[path]].as_strategy())
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def attempt(case):
        case.call_and_validate(checks=CHECKS)

    attempt()


def test_every_route_is_described_with_types_and_examples(client):
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == set(ROUTES)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            kind = "text/csv" if path.endswith(".csv") else "application/json"
            assert operation["responses"]["200"]["content"][kind]["schema"], path
            body = operation.get("requestBody")
            if body:
                name = body["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                assert document["components"]["schemas"][name]["examples"]
