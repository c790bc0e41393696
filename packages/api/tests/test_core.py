"""Landing page, conformance, negotiation, methods, and what an error looks like."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.errors import Unavailable

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
PATHS = ["/", "/conformance", "/api", "/processes", "/processes/test:echo", "/jobs"]


def rels(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def test_the_landing_page_leads_everywhere(api: Any) -> None:
    links = rels(api.http.get("/").json())
    for rel in ("service-desc", OGC + "conformance", OGC + "processes", OGC + "job-list", "self"):
        assert links[rel].startswith("http://qanat.test/"), rel
        assert api.http.get(links[rel]).status_code == 200, rel


def test_the_api_definition_has_the_media_type_of_the_standard_to_the_letter(api: Any) -> None:
    media_type = "application/vnd.oai.openapi+json;version=3.0"
    link = next(k for k in api.http.get("/").json()["links"] if k["rel"] == "service-desc")
    assert link["type"] == media_type
    assert api.http.get(link["href"]).headers["Content-Type"] == media_type


def test_only_classes_that_hold_are_declared(api: Any) -> None:
    declared = api.http.get("/conformance").json()["conformsTo"]
    own = [uri.partition("/1.0/conf/")[2] for uri in declared if "processes-1" in uri]
    assert own == [
        *("core", "ogc-process-description", "json"),
        *("html", "oas30", "job-list", "dismiss"),
    ]


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_where_get_does(api: Any, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    get, head = api.http.get(path, headers=plain), api.http.head(path, headers=plain)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.content))
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/jobs"])
def test_a_document_that_is_known_is_not_sent_again(api: Any, path: str) -> None:
    etag = api.http.get(path).headers["ETag"]
    for given in (etag, f'"other", W/{etag}', "*"):
        again = api.http.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert api.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    plain = {"Accept-Encoding": "identity", "If-None-Match": etag}
    assert api.http.get(path, headers=plain).status_code == 304


@pytest.mark.parametrize("path", ["/api", "/processes", "/processes?limit=3", "/api?f=html"])
def test_who_takes_gzip_gets_the_same_smaller_and_under_another_etag(api: Any, path: str) -> None:
    plain = api.http.get(path, headers={"Accept-Encoding": "identity"})
    coded = api.http.get(path, headers={"Accept-Encoding": "br;q=1, gzip;q=0.1"})
    assert "Content-Encoding" not in plain.headers
    assert coded.headers["Content-Encoding"] == "gzip"
    assert coded.content == plain.content
    assert int(coded.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert coded.headers["ETag"] != plain.headers["ETag"]
    for answer in (plain, coded):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert "Accept," in answer.headers["Vary"]


@pytest.mark.parametrize("coding", ["", "br", "gzip;q=0", "*;q=0", "identity"])
def test_who_does_not_take_gzip_gets_none(api: Any, coding: str) -> None:
    answer = api.http.get("/processes", headers={"Accept-Encoding": coding})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/processes", "GET, HEAD, OPTIONS"),
        ("/processes/test:echo/execution", "OPTIONS, POST"),
        ("/jobs/x", "DELETE, GET, HEAD, OPTIONS"),
        ("/jobs/x/results/y", "GET, HEAD, OPTIONS"),
    ],
)
def test_the_methods_of_a_path_are_told(api: Any, path: str, methods: str) -> None:
    options, patch = api.http.options(path), api.http.patch(path)
    assert (options.status_code, options.headers["Allow"]) == (204, methods)
    assert (patch.status_code, patch.headers["Allow"]) == (405, methods)
    assert patch.json()["type"] == "urn:qanat:exception:method-not-allowed"


def test_an_unknown_path_is_a_problem_document(api: Any) -> None:
    for answer in (api.http.get("/collections"), api.http.options("/collections")):
        assert answer.status_code == 404
        assert answer.json()["status"] == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("/*", "application/problem+json"),
        ("application/*", "application/problem+json"),
        ("application/problem+json, application/json", "application/problem+json"),
        ("application/problem+json;q=0.1, application/json", "application/problem+json"),
        ("application/json, text/plain, */*", "application/problem+json"),
        ("image/tiff", "application/problem+json"),
        ("application/json", "application/json"),
        ("application/json, */*;q=0.1", "application/json"),
        ("application/json, application/javascript, text/json", "application/json"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/problem+json"),
    ],
)
def test_problems_have_a_type_of_their_own_for_those_who_do_not_like_plain_json_better(
    api: Any, accept: str | None, media_type: str
) -> None:
    request = api.http.build_request("GET", "/none", headers={"Accept": accept or ""})
    if accept is None:
        del request.headers["Accept"]
    answer = api.http.send(request)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, media_type)
    assert answer.json()["type"].endswith(":not-found")


@pytest.mark.parametrize(
    ("query", "accept", "version"),
    [
        ("", None, "3.0"),
        ("", "*/*", "3.0"),
        ("?f=json", "text/html", "3.0"),
        ("?f=openapi30", None, "3.0"),
        ("?f=openapi31", None, "3.1"),
        ("", "application/vnd.oai.openapi+json; version=3.1", "3.1"),
        ("", "application/vnd.oai.openapi+json;version=3.0, */*", "3.0"),
        ("", "application/vnd.oai.openapi+json", "3.0"),
    ],
)
def test_the_definition_is_openapi_3_0_unless_3_1_is_asked_for(
    api: Any, query: str, accept: str | None, version: str
) -> None:
    answer = api.http.get(f"/api{query}", headers={"Accept": accept} if accept else {})
    media_type = f"application/vnd.oai.openapi+json;version={version}"
    assert answer.headers["Content-Type"] == media_type
    assert answer.json()["openapi"].startswith(version)


def test_the_definition_cannot_be_had_in_other_formats(api: Any) -> None:
    answer = api.http.get("/api?f=yaml")
    assert answer.status_code == 400
    assert "openapi31" in answer.json()["detail"]


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "/*",
        "application/json",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "application/*;q=0.1",
        "text/html, application/json",
        "text/html;q=0.5, application/json;q=0.6",
    ],
)
def test_json_is_for_everyone_who_takes_it(api: Any, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    request = api.http.build_request("GET", "/processes", headers=headers)
    if accept is None:
        del request.headers["Accept"]
    answer = api.http.send(request)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0, text/plain"])
def test_who_takes_neither_json_nor_html_is_told_so(api: Any, accept: str) -> None:
    answer = api.http.get("/processes", headers={"Accept": accept})
    assert answer.status_code == 406
    assert api.http.get("/processes?f=json", headers={"Accept": accept}).status_code == 200


def test_an_unknown_format_is_refused_and_other_unknown_parameters_are_not(api: Any) -> None:
    answer = api.http.get("/processes?f=xml")
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-query-parameter-value")
    assert api.http.get("/processes?detail=false&_=1").status_code == 200


def test_links_follow_the_host_of_the_request_unless_there_is_a_public_address(
    make_api: Callable[..., Any],
) -> None:
    own = make_api().http.get("/", headers={"Host": "gis.example:8080"})
    assert rels(own.json())["self"] == "http://gis.example:8080/"
    public = make_api(public_url="https://example.org/gis/").http.get("/")
    assert rels(public.json())["self"] == "https://example.org/gis/"


@pytest.mark.parametrize("host", ["a/b", "a b", 'a"b', "a\\@b", "x" * 300, ""])
def test_a_host_that_is_none_never_gets_into_a_link(api: Any, host: str) -> None:
    answer = api.http.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "links" not in answer.json()


def test_a_mistake_of_ours_is_told_without_details(api: Any) -> None:
    api.worker.error = RuntimeError("secret in /srv/place at host db7")
    answer = api.execute(inputs={"text": "a"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "urn:qanat:exception:internal",
        "title": "Internal error",
        "status": 500,
    }


def test_nothing_says_what_the_server_is_made_of(api: Any) -> None:
    for path in (*PATHS, "/none"):
        headers = api.http.get(path).headers
        assert "Server" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_alive_and_ready_are_two_things(api: Any) -> None:
    assert api.http.get("/livez").json() == {"status": "ok"}
    assert api.http.get("/readyz").json() == {"status": "ok", "processes": 4}


def test_without_a_store_it_is_alive_and_not_ready(make_api: Callable[..., Any]) -> None:
    api = make_api()

    def away() -> None:
        raise Unavailable("The job store cannot be reached.", retry_after=5)

    object.__setattr__(api.http.app.state.parts, "check", away)
    assert api.http.get("/livez").status_code == 200
    answer = api.http.get("/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
