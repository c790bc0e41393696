"""Behind proxies: links say what the client asked, and only trusted proxies are believed."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qanat_api.proxies import FAMILIES, Hop, forwarded, outermost, x_forwarded
from qanat_api.settings import ApiSettings

PROXY, OUTER, CLIENT = "10.0.0.1", "10.0.0.2", "198.51.100.7"
PUBLIC = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "gis.example"}


def base(api: Any, path: str = "/", peer: str = PROXY, **headers: str) -> str:
    """The root, as the links of an answer have it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = TestClient(api.http.app, "http://inner:80", client=(peer, 4711))
    answer = client.get(path, headers=named)
    assert answer.status_code == 200, answer.text
    links = {link["rel"]: link["href"] for link in answer.json()["links"]}
    return str(links["self"])


@pytest.fixture
def make_trusting(make_api: Callable[..., Any]) -> Callable[..., Any]:
    def make(**own: Any) -> Any:
        return make_api(**{"trusted_proxies": ["10.0.0.0/30"], **own})

    return make


def test_without_settings_no_proxy_is_believed(api: Any) -> None:
    said = {"Forwarded": "host=evil;proto=https", "X_Forwarded_Prefix": "/x"}
    assert base(api, X_Forwarded_Host="evil", **said) == "http://inner/"


def test_a_trusted_proxy_is_believed_and_nobody_else(make_trusting: Callable[..., Any]) -> None:
    api = make_trusting()
    said = {name.replace("-", "_"): value for name, value in PUBLIC.items()}
    assert base(api, **said) == "https://gis.example/"
    assert base(api, peer=CLIENT, **said) == "http://inner/"
    assert base(api, peer="::ffff:10.0.0.1", **said) == "https://gis.example/"
    assert base(api, **said, X_Forwarded_Prefix="/gis/ogc/") == "https://gis.example/gis/ogc/"
    processes = base(api, "/processes", **said, X_Forwarded_Prefix="/processes")
    assert processes == "https://gis.example/processes/processes"


def test_the_family_that_is_not_set_is_passed_over(make_trusting: Callable[..., Any]) -> None:
    said = {"Forwarded": 'for=198.51.100.7;proto=https;host="gis.example:8443"'}
    assert base(make_trusting(), **said) == "http://inner/"
    api = make_trusting(proxy_headers="forwarded")
    assert base(api, **said) == "https://gis.example:8443/"
    assert base(api, X_Forwarded_Host="evil") == "http://inner/"


@pytest.mark.parametrize("said", ["ftp", "https, evil", "javascript", "h" * 3000])
def test_a_scheme_that_is_none_is_passed_over(make_trusting: Callable[..., Any], said: str) -> None:
    found = base(make_trusting(), X_Forwarded_For=CLIENT, X_Forwarded_Proto=said)
    assert found == "http://inner/"


@pytest.mark.parametrize("said", ["//evil", "/a/../b c", "/%2e", "x", "/a?b", '/"'])
def test_a_prefix_that_is_none_is_passed_over(make_trusting: Callable[..., Any], said: str) -> None:
    assert base(make_trusting(), X_Forwarded_Prefix=said) == "http://inner/"


def test_a_host_that_is_none_is_refused(make_trusting: Callable[..., Any]) -> None:
    api = make_trusting()
    client = TestClient(api.http.app, "http://inner", client=(PROXY, 1))
    answer = client.get("/", headers={"X-Forwarded-Host": "a/b"})
    assert answer.status_code == 400


def test_a_path_that_a_proxy_leaves_is_ours_too(make_api: Callable[..., Any]) -> None:
    api = make_api(path_prefix="/gis")
    for path in ("/gis/processes", "/processes"):
        listed = api.http.get(path).json()
        assert listed["links"][0]["href"] == "http://qanat.test/gis/processes"
        assert len(listed["processes"]) == 4
    assert api.http.get("/gis").json()["links"][0]["href"] == "http://qanat.test/gis/"
    assert api.http.get("/gisx/processes").status_code == 404
    allowed = api.http.options("/gis/processes").headers["Allow"]
    assert allowed == "GET, HEAD, OPTIONS"


def test_a_prefix_may_be_named_like_a_path_of_ours(make_api: Callable[..., Any]) -> None:
    api = make_api(path_prefix="/api", public_url="https://example.org/api")
    assert api.http.get("/api").json()["links"][0]["href"] == "https://example.org/api/"
    assert "openapi" in api.http.get("/api/api").json()


def test_the_public_address_goes_before_what_proxies_say(make_trusting: Callable[..., Any]) -> None:
    api = make_trusting(public_url="https://public.example/gis")
    assert base(api, X_Forwarded_Host="other.example") == "https://public.example/gis/"


@pytest.mark.parametrize(
    ("given_for", "host", "expected"),
    [
        (CLIENT, "real", Hop(CLIENT, "", "real")),
        (CLIENT, "evil, real", Hop(CLIENT, "", "real")),
        (f"{CLIENT}, {OUTER}", "real, inner", Hop(CLIENT, "", "real")),
        (f"{CLIENT}, {OUTER}", "evil, real, inner", Hop(CLIENT, "", "real")),
        (f"{CLIENT}, {OUTER}", "real", Hop(CLIENT, "", "real")),
        (f"{OUTER}, {CLIENT}", "evil, real", Hop(CLIENT, "", "real")),
        (f"{CLIENT}:4711", "real", Hop(CLIENT, "", "real")),
        ("[2001:db8::1]:80", "real", Hop("2001:db8::1", "", "real")),
        ("2001:db8::1", "real", Hop("2001:db8::1", "", "real")),
        ("unknown", "real", Hop("", "", "real")),
        ("", "evil, real", Hop("", "", "real")),
    ],
)
def test_what_the_outermost_trusted_proxy_says_counts(
    given_for: str, host: str, expected: Hop
) -> None:
    headers = [(b"x-forwarded-for", given_for.encode()), (b"x-forwarded-host", host.encode())]
    assert outermost(x_forwarded(headers), {PROXY, OUTER}.__contains__) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("host=evil, host=real", Hop("", "", "real")),
        (f"for={CLIENT};host=real, for={OUTER};host=inner", Hop(CLIENT, "", "real")),
        (f"for=6.6.6.6;host=evil, for={CLIENT};host=real", Hop(CLIENT, "", "real")),
        ('For="[2001:db8::1]:47";Proto=HTTPS', Hop("2001:db8::1", "HTTPS", "")),
        ('for="_hidden";host="a\\"b"', Hop("", "", 'a"b')),
    ],
)
def test_forwarded_is_read_by_rfc_7239(said: str, expected: Hop) -> None:
    hops = forwarded([(b"forwarded", said.encode())])
    assert outermost(hops, {PROXY, OUTER}.__contains__) == expected


@given(st.lists(st.tuples(st.sampled_from(["for", "proto", "host", "prefix"]), st.binary())))
def test_nothing_that_is_said_makes_it_fail(said: list[tuple[str, bytes]]) -> None:
    headers = [(f"x-forwarded-{name}".encode(), value) for name, value in said]
    headers += [(b"forwarded", value) for _, value in said]
    for read in FAMILIES.values():
        hops = read(headers)
        assert not hops or outermost(hops, lambda host: True)


@pytest.mark.parametrize("wrong", [{"trusted_proxies": ["nginx"]}, {"path_prefix": "gis"}])
def test_settings_that_name_no_network_or_path_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(**wrong)
