"""Requests are counted by their route, never by what a client writes."""

from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from qanat_api.metrics import Measured, Requests


def test_refusals_are_counted_by_their_reason() -> None:
    app, requests = FastAPI(), Requests()

    @app.get("/{status}/{challenge}")
    def refuse(status: int, challenge: str) -> None:
        raise HTTPException(status, headers={"WWW-Authenticate": challenge})

    with TestClient(Measured(app, requests)) as client:
        for path in ("/401/Bearer", '/401/Bearer error="invalid_token"', "/403/x", "/404/x"):
            client.get(path)

    def count(reason: str) -> float | None:
        return requests.metrics.get_sample_value("qps_auth_failures_total", {"reason": reason})

    assert (count("none"), count("invalid"), count("forbidden")) == (1, 1, 1)


def test_requests_are_counted_by_route_and_status() -> None:
    app, requests = FastAPI(), Requests()

    @app.get("/things/{name}")
    def thing(name: str) -> str:
        if name == "none":
            raise HTTPException(404)
        return name

    with TestClient(Measured(app, requests)) as client:
        for path in ("/things/a", "/things/b", "/things/none", "/elsewhere"):
            client.get(path)
        client.request("BREW", "/things/a")

    def count(method: str, route: str, status: str) -> float | None:
        labels = {"method": method, "route": route, "status": status}
        return requests.metrics.get_sample_value("qps_http_requests_total", labels)

    assert count("GET", "/things/{name}", "200") == 2
    assert count("GET", "/things/{name}", "404") == 1
    assert count("GET", "none", "404") == 1
    seconds = requests.metrics.get_sample_value(
        "qps_http_request_duration_seconds_count", {"route": "/things/{name}"}
    )
    assert seconds is not None
    assert seconds >= 3
