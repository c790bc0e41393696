"""Who may do what: keys, proxies and rules; jobs are their owner's, and to others they are not there."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from qanat_api.access import Caller
from qanat_api.app import PAGES, ROUTERS
from qanat_api.rates import Rates
from qanat_api.settings import ApiSettings
from qanat_common.errors import TooManyRequests
from qanat_common.protocol import Value

KEYS = {"alice": "a" * 40, "bob": "b" * 40, "root": "r" * 40}


def key(name: str, *roles: str) -> dict[str, Any]:
    digest = hashlib.sha256(KEYS[name].encode()).hexdigest()
    return {"name": name, "sha256": digest, "roles": list(roles)}


ACCESS = {"keys": [key("alice"), key("bob"), key("root", "admin")]}


def of(name: str) -> dict[str, str]:
    return {"X-API-Key": KEYS[name]}


@pytest.fixture
def guarded(make_api: Callable[..., Any]) -> Callable[..., Any]:
    """An api with access control; more settings by name."""

    def make(*, access: dict[str, Any] | None = None, **own: Any) -> Any:
        return make_api(access=ACCESS | (access or {}), **own)

    return make


@pytest.fixture
def api(guarded: Callable[..., Any]) -> Any:
    return guarded()


def submit(api: Any, name: str) -> str:
    answer = api.http.post(
        "/processes/test:echo/execution",
        json={"inputs": {"text": "a"}},
        headers={"Prefer": "respond-async"} | of(name),
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


@pytest.mark.parametrize("path", ["/processes", "/processes/test:echo", "/jobs", "/jobs/unknown"])
def test_who_shows_nothing_is_asked_who_it_is(api: Any, path: str) -> None:
    answer = api.http.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="qanat"')
    assert "Basic" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/", "/conformance", "/api", "/livez", "/readyz"])
def test_what_the_service_is_everybody_may_know(api: Any, path: str) -> None:
    assert api.http.get(path).status_code == 200


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEYS["alice"]},
        {"Authorization": f"Bearer {KEYS['alice']}"},
        {"Authorization": basic(KEYS["alice"])},
    ],
)
def test_a_key_is_taken_in_each_of_its_places(api: Any, headers: dict[str, str]) -> None:
    assert api.http.get("/processes", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": hashlib.sha256(KEYS["alice"].encode()).hexdigest()},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": basic("wrong")},
        {"Authorization": "Basic not-base64"},
        {"Authorization": "Digest username=alice"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    ],
)
def test_what_is_shown_and_not_valid_is_refused(api: Any, headers: dict[str, str]) -> None:
    for path in ("/processes", "/jobs"):
        answer = api.http.get(path, headers=headers)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def routes() -> list[tuple[str, str]]:
    """Every method of every path, from the routes: none can be forgotten."""
    return [
        (method, route.path)
        for router in (*ROUTERS, *PAGES)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


OF_JOBS = [route for route in routes() if route[1].startswith("/jobs/{job_id}")]
OPEN = {"/", "/conformance", "/api", "/livez", "/readyz", "/static/{name}"}


def test_what_is_not_open_to_all_asks_who_one_is(api: Any) -> None:
    names = {
        "process_id": "test:echo",
        "job_id": "0",
        "output": "o",
        "upload_id": "u",
        "name": "n",
        "project_name": "p",
    }
    answers = {}
    for method, path in routes():
        if path not in OPEN:
            answer = api.http.request(
                method,
                path.format_map(names),
                headers={"Origin": "http://qanat.test"},
                content=b"{}",
            )
            answers[method, path] = answer.status_code
    assert {route: status for route, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize(("method", "path"), OF_JOBS)
def test_a_job_of_another_is_not_there(api: Any, method: str, path: str) -> None:
    job = submit(api, "alice")
    there, unknown = (
        path.format(job_id=job_id, output="text") for job_id in (job, "00000000-0000-4000-8000-0")
    )
    origin = {"Origin": "http://qanat.test"}
    for headers, status in ((of("bob"), 404), ({}, 401)):
        answers = [api.http.request(method, p, headers=headers | origin) for p in (there, unknown)]
        assert [answer.status_code for answer in answers] == [status, status]
        texts = [a.text.replace(job, "").replace("00000000-0000-4000-8000-0", "") for a in answers]
        assert texts[0] == texts[1]
    assert api.http.get(f"/jobs/{job}", headers=of("alice")).json()["status"] == "accepted"
    assert api.http.get(f"/jobs/{job}", headers=of("root")).status_code == 200


def test_a_removed_job_is_gone_for_who_sees_all_and_unknown_to_others(api: Any) -> None:
    job = submit(api, "alice")
    for _ in range(2):
        assert api.http.delete(f"/jobs/{job}", headers=of("alice")).status_code == 200
    assert api.http.get(f"/jobs/{job}", headers=of("bob")).status_code == 404
    assert api.http.get(f"/jobs/{job}", headers=of("root")).status_code == 410


def test_a_list_has_the_jobs_of_who_asks_and_no_others(api: Any) -> None:
    hers = {submit(api, "alice") for _ in range(3)}
    his = submit(api, "bob")

    def listed(query: str, headers: dict[str, str]) -> set[str]:
        jobs = api.http.get(f"/jobs{query}", headers=headers).json()["jobs"]
        return {job["jobID"] for job in jobs}

    assert listed("", of("alice")) == hers
    assert listed("?status=accepted&processID=test:echo", of("alice")) == hers
    assert listed("?status=failed", of("alice")) == set()
    assert listed("", of("bob")) == {his}
    assert listed("", of("root")) == hers | {his}


def test_rules_say_which_processes_a_role_sees_and_which_it_runs(
    guarded: Callable[..., Any],
) -> None:
    rules = [
        {"roles": ["anonymous"], "actions": ["see"], "processes": ["native:*"]},
        {"roles": ["user"], "actions": ["see"]},
        {"roles": ["user"], "actions": ["run"], "processes": ["test:echo"]},
    ]
    api = guarded(access={"rules": rules})

    def listed(headers: dict[str, str]) -> list[str]:
        found = api.http.get("/processes", headers=headers).json()["processes"]
        return [process["id"] for process in found]

    assert listed({}) == ["native:buffer"]
    assert set(listed(of("alice"))) > {"native:buffer", "test:echo"}
    assert api.http.get("/processes/test:echo").status_code == 404
    layer = {"inputs": {"INPUT": {"value": {"type": "FeatureCollection", "features": []}}}}
    run = "/processes/native:buffer/execution"
    assert api.http.post(run, json=layer).status_code == 401
    refused = api.http.post(run, json=layer, headers=of("alice"))
    assert refused.status_code == 403
    assert "may not run" in refused.json()["detail"]
    assert submit(api, "alice")


def test_an_upload_of_another_is_not_there(api: Any) -> None:
    made = api.http.post("/uploads", content=b"x", headers=of("alice"))
    assert made.status_code == 201
    path = f"/uploads/{made.json()['id']}"
    body = {"inputs": {"text": {"href": made.json()["href"]}}}
    execution = "/processes/test:echo/execution"
    for method, asked, json, status in (
        ("GET", path, None, 404),
        ("DELETE", path, None, 404),
        ("POST", execution, body, 400),
    ):
        answer = api.http.request(method, asked, json=json, headers=of("bob"))
        assert answer.status_code == status, answer.text
    assert api.http.post("/uploads", content=b"x").status_code == 401
    assert api.http.get(path, headers=of("alice")).json()["size"] == 1


def test_a_result_of_another_is_no_input(api: Any) -> None:
    api.worker.returns(text=Value(value="hers"))
    job = submit(api, "alice")
    href = f"http://qanat.test/jobs/{job}/results/text"
    body = {"inputs": {"text": {"href": href}}}
    for name, status in (("bob", 400), ("alice", 201)):
        answer = api.http.post(
            "/processes/test:echo/execution",
            json=body,
            headers=of(name) | {"Prefer": "respond-async"},
        )
        assert answer.status_code == status, answer.text


def test_jobs_of_an_owner_are_bounded_and_others_go_on(guarded: Callable[..., Any]) -> None:
    api = guarded(access={"jobs_per_owner": 2})
    jobs = [submit(api, "alice") for _ in range(2)]
    body = {"inputs": {"text": "a"}}
    path = "/processes/test:echo/execution"
    refused = api.http.post(path, json=body, headers=of("alice"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert "2 jobs" in refused.json()["detail"]
    submit(api, "bob")
    api.http.delete(f"/jobs/{jobs[0]}", headers=of("alice"))
    submit(api, "alice")
    assert len(api.worker.sent) == 4


def test_a_full_queue_refuses_with_the_time_to_come_again(guarded: Callable[..., Any]) -> None:
    api = guarded(queue_limit=1, inline_limit=10)
    first = submit(api, "alice")
    refused = api.http.post(
        "/processes/test:echo/execution", json={"inputs": {"text": "a" * 50}}, headers=of("bob")
    )
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert "1 jobs wait" in refused.json()["detail"]
    files = [path for path in (api.folder / "storage").rglob("*") if path.is_file()]
    assert all(first in str(path) for path in files)
    api.http.delete(f"/jobs/{first}", headers=of("alice"))
    submit(api, "bob")


def test_who_executes_too_often_is_told_when_to_come_again() -> None:
    now = 0.0
    rates = Rates(2, clock=lambda: now)
    alice, nobody = Caller("key:alice", frozenset()), Caller(None, frozenset(), "10.0.0.1")
    for _ in range(2):
        rates.take(alice)
    with pytest.raises(TooManyRequests) as refused:
        rates.take(alice)
    assert refused.value.retry_after == 30
    rates.take(nobody)
    now = 30.0
    rates.take(alice)
    with pytest.raises(TooManyRequests):
        rates.take(alice)


def test_the_rate_holds_for_executions_only(guarded: Callable[..., Any]) -> None:
    api = guarded(access={"executions_per_minute": 1})
    submit(api, "alice")
    answer = api.http.post(
        "/processes/test:echo/execution", json={"inputs": {"text": "a"}}, headers=of("alice")
    )
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert api.http.get("/jobs", headers=of("alice")).status_code == 200


def test_the_rate_of_uploads_holds_for_uploads_only(guarded: Callable[..., Any]) -> None:
    api = guarded(access={"uploads_per_minute": 1})
    sent = [api.http.post("/uploads", content=b"x", headers=of("alice")) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 429]
    assert 1 <= int(sent[1].headers["Retry-After"]) <= 60
    assert "upload 1 times a minute" in sent[1].json()["detail"]
    assert api.http.post("/uploads", content=b"x", headers=of("bob")).status_code == 201
    submit(api, "alice")


@pytest.mark.parametrize(("trusted", "status"), [(["10.0.0.0/30"], 401), (["127.0.0.0/8"], 200)])
def test_a_header_of_a_user_is_believed_of_trusted_proxies_only(
    make_api: Callable[..., Any], trusted: list[str], status: int
) -> None:
    api = make_api(access={"user_header": "X-Remote-User"}, trusted_proxies=trusted)
    api.http._transport.client = ("127.0.0.1", 5)  # whom the test client is taken for
    said = {"X-Remote-User": "carol", "X-Forwarded-For": "203.0.113.9"}
    assert api.http.get("/processes", headers=said).status_code == status


def test_without_access_control_everything_is_as_before(make_api: Callable[..., Any]) -> None:
    api = make_api()
    assert api.http.get("/processes", headers={"Authorization": "Bearer x"}).status_code == 200
    assert api.store.get(api.submit().rpartition("/")[2]).owner is None


@pytest.mark.parametrize(
    ("own", "exposed"),
    [
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "0.0.0.0"}, True),  # noqa: S104  # not listened on
        ({"host": "::"}, True),
        ({"host": "gis.example.org"}, True),
        ({"host": "::", "access": {"open": True}}, False),
        ({"host": "::", "access": ACCESS}, False),
    ],
)
def test_an_address_that_others_reach_needs_keys_or_a_word_that_it_is_meant(
    own: dict[str, Any], exposed: bool
) -> None:
    assert ApiSettings(**own).exposed is exposed
