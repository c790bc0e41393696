"""Published projects: listed, described, and processes within them."""

from collections.abc import Callable
from typing import Any

import pytest

from qanat_api.catalog import NOTHING, Snapshot, build
from qanat_common.ogc import Process
from qanat_common.protocol import (
    Catalog,
    Inline,
    Named,
    Offer,
    OfferEntry,
    Project,
    ProjectField,
    ProjectLayer,
    ProjectLayout,
    ServiceEntry,
)

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
TOWN = Project(
    name="town",
    title="The town & its roads",
    description="Towns, roads and districts.",
    crs="EPSG:25832",
    ellipsoid="EPSG:7019",
    layers=[
        ProjectLayer(
            name="towns",
            kind="vector",
            geometry="points",
            crs="EPSG:25832",
            extent=[0, 0, 1, 1],
            fields=[
                ProjectField(name="name", type="text"),
                ProjectField(name="people", type="integer"),
            ],
        ),
        ProjectLayer(
            name="roads",
            kind="vector",
            geometry="lines",
            fields=[ProjectField(name="kind", type="text")],
        ),
        ProjectLayer(
            name="mayors",
            kind="vector",
            geometry="none",
            fields=[ProjectField(name="mayor", type="text")],
        ),
        ProjectLayer(name="dem", kind="raster", bands=2),
    ],
    layouts=[
        ProjectLayout(name="Plan", items=["main map"]),
        ProjectLayout(name="Atlas", atlas=True, items=["main map", "overview"]),
    ],
    themes=["bright"],
)
EMPTY = Project(name="a b", title="")
VECTOR = {
    "title": "Layer",
    "oneOf": [
        {"type": "object", "contentMediaType": "application/geo+json"},
        {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "application/geopackage+sqlite3",
        },
        {"type": "string", "contentMediaType": "text/csv"},
    ],
}
RASTER = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/tiff"}


def about(schema: dict[str, Any], least: int = 1, **notes: str) -> dict[str, Any]:
    metadata = [{"role": role.replace("_", "-"), "title": text} for role, text in notes.items()]
    return {"schema": schema, "minOccurs": least, "metadata": metadata}


def process(name: str, **inputs: dict[str, Any]) -> Process:
    outputs = {"OUTPUT": {"schema": {"type": "string"}}}
    return Process.model_validate(
        {"id": name, "version": "1", "title": name, "inputs": inputs, "outputs": outputs}
    )


TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
PLAIN = process(
    "native:plain",
    POINTS=about(VECTOR, type="source", layers="vector", geometry="points"),
    TABLE=about(VECTOR, 0, type="source", layers="vector"),
    SHAPES=about(VECTOR, 0, type="source", layers="vector", geometry="any geometry"),
    DEM=about(RASTER, 0, type="raster", layers="raster"),
    MANY={**about(VECTOR, 0, type="multilayer", layers="vector"), "maxOccurs": "unbounded"},
    FIELD=about(TEXT, 0, type="field", parent="POINTS"),
    NUMBERS=about(TEXTS, 0, type="field", parent="POINTS", field_type="number"),
    BAND=about({"type": "integer"}, 0, type="band", parent="DEM"),
    CRS=about(TEXT, 0, type="crs", default="the CRS of the project"),
)
DRAWN = process(
    "native:drawn",
    LAYOUT=about(TEXT, type="layout"),
    THEME=about(TEXT, 0, type="maptheme"),
    MAP=about(TEXT, 0, type="layoutitem", parent="LAYOUT"),
)
ATLAS = process("native:atlas", LAYOUT=about(TEXT, type="layout", layouts="with an atlas"))
OWN = process("project:own", NAME=about(TEXT, type="string"))


def snapshot(**services: Offer) -> Snapshot:
    entries = [
        ServiceEntry(name=name, queue=name, qgis=f"3.{at}", digests=[name], workers=1, slots=1)
        for at, name in enumerate(services)
    ]
    return build(Catalog(complete=True, services=entries), services, (), NOTHING)


OFFER = Offer(
    processes=[PLAIN],
    projects=[TOWN.model_copy(update={"processes": [OWN]}), EMPTY],
    in_projects=[DRAWN, ATLAS],
)


@pytest.fixture
def town(api: Any) -> Any:
    api.catalogue.snapshot = snapshot(q=OFFER)
    return api


def inputs(api: Any, name: str = "native:plain", project: str = "town") -> dict[str, Any]:
    answer = api.http.get(f"/processes/{name}", params={"project": project})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["inputs"])


def layers(about: dict[str, Any]) -> list[str]:
    found = [each for each in about["schema"]["oneOf"] if each.get("format") == "project-layer"]
    return list(found[0]["enum"]) if found else []


def ids(api: Any, query: str = "") -> list[str]:
    return [each["id"] for each in api.http.get(f"/processes{query}").json()["processes"]]


def run(api: Any, inputs: dict[str, Any], name: str = "native:plain") -> Any:
    return api.http.post(
        f"/processes/{name}/execution?project=town",
        json={"inputs": inputs},
        headers={"Prefer": "respond-async"},
    )


def test_projects_are_listed_with_links_to_what_they_have(town: Any) -> None:
    listed = town.http.get("/projects").json()
    assert [each["name"] for each in listed["projects"]] == ["a b", "town"]
    (self_link,) = (e["href"] for e in listed["projects"][1]["links"] if e["rel"] == "self")
    told = town.http.get(self_link).json()
    assert told["layers"][0]["fields"][1] == {"name": "people", "type": "integer"}
    assert (told["crs"], told["themes"], len(told["layouts"])) == ("EPSG:25832", ["bright"], 2)
    (within,) = (e["href"] for e in told["links"] if e["rel"] == OGC + "processes")
    assert "native:drawn" in [each["id"] for each in town.http.get(within).json()["processes"]]


def test_inputs_list_the_layers_that_fit_beside_the_ways_by_value(town: Any) -> None:
    described = inputs(town)
    assert layers(described["POINTS"]) == ["towns"]
    assert layers(described["TABLE"]) == ["towns", "roads", "mayors"]
    assert layers(described["SHAPES"]) == ["towns", "roads"]
    assert layers(described["DEM"]) == ["dem"]
    assert layers(described["MANY"]) == ["towns", "roads", "mayors"]
    assert described["POINTS"]["schema"]["oneOf"][:3] == VECTOR["oneOf"]
    assert described["DEM"]["schema"]["oneOf"][0] == RASTER


def test_fields_are_listed_by_layer_and_by_what_they_hold(town: Any) -> None:
    described = inputs(town)
    assert described["FIELD"]["schema"]["anyOf"] == [
        {"enum": ["name", "people"], "title": "Fields of towns"},
        {"title": "A field of another layer"},
    ]
    assert described["NUMBERS"]["schema"]["items"]["anyOf"][0]["enum"] == ["people"]


def test_the_crs_of_the_project_is_a_default(town: Any) -> None:
    assert inputs(town)["CRS"]["schema"] == {"type": "string", "default": "EPSG:25832"}
    assert "default" not in inputs(town, project="a b")["CRS"]["schema"]


def test_layouts_themes_and_maps_are_choices(town: Any) -> None:
    described = inputs(town, "native:drawn")
    assert described["LAYOUT"]["schema"]["enum"] == ["Plan", "Atlas"]
    assert described["THEME"]["schema"]["enum"] == ["bright"]
    assert described["MAP"]["schema"]["enum"] == ["main map", "overview"]
    assert inputs(town, "native:atlas")["LAYOUT"]["schema"]["enum"] == ["Atlas"]


def test_what_needs_a_project_is_listed_within_one_that_has_what_it_needs(town: Any) -> None:
    assert ids(town) == ["native:plain"]
    within = ["native:atlas", "native:drawn", "native:plain", "project:own"]
    assert ids(town, "?project=town") == within
    assert ids(town, "?project=town&q=plain") == ["native:plain"]
    assert ids(town, "?project=a+b") == ["native:plain"]


def test_what_needs_a_project_says_so_without_one(town: Any) -> None:
    answer = town.http.get("/processes/native:drawn")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("It is offered within a project: ?project=town")


def test_links_within_a_project_stay_in_it(town: Any) -> None:
    listed = town.http.get("/processes?project=town&limit=1").json()
    assert all("project=town" in link["href"] for link in listed["links"])
    described = town.http.get("/processes/native:plain?project=town").json()
    (execute,) = (e["href"] for e in described["links"] if e["rel"] == OGC + "execute")
    assert execute.endswith("/processes/native:plain/execution?project=town")
    (page,) = (e["href"] for e in described["links"] if e["rel"] == "alternate")
    assert page.endswith("?project=town&f=html")


@pytest.mark.parametrize(
    "path",
    ["/processes?project=x", "/processes/native:plain?project=x", "/projects/x"],
)
def test_an_unknown_project_is_none_and_named(town: Any, path: str) -> None:
    answer = town.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:qanat:exception:no-such-project"
    assert "'x'" in answer.json()["detail"]


def test_nothing_is_run_in_an_unknown_project(town: Any) -> None:
    answer = town.http.post("/processes/native:plain/execution?project=x", json={"inputs": {}})
    assert answer.status_code == 404
    assert "there are: a b, town" in answer.json()["detail"]
    assert town.worker.sent == []


def test_an_empty_project_is_none(town: Any) -> None:
    assert ids(town, "?project=") == ["native:plain"]


def test_a_job_has_its_project_and_its_layers_by_name(town: Any) -> None:
    table = {"value": "a,b\n1,2\n", "mediaType": "text/csv"}
    answer = run(town, {"POINTS": "towns", "FIELD": "name", "MANY": ["roads", table]})
    assert answer.status_code == 201, answer.text
    (job,) = town.worker.sent
    assert job.project == "town"
    assert job.inputs["POINTS"] == Named(name="towns")
    assert job.inputs["MANY"][0] == Named(name="roads")
    assert isinstance(job.inputs["MANY"][1], Inline)


def test_a_name_may_be_a_qualified_value_that_says_what_it_is(town: Any) -> None:
    given = {"value": "dG93bnM=", "mediaType": "application/geopackage+sqlite3"}
    assert run(town, {"POINTS": {**given, "encoding": "base64"}}).status_code == 201
    assert isinstance(town.worker.sent[0].inputs["POINTS"], Inline)


def test_without_a_project_a_text_is_no_name(town: Any) -> None:
    answer = town.execute("native:plain", inputs={"POINTS": "towns"})
    assert answer.status_code == 400
    assert town.worker.sent == []


@pytest.mark.parametrize(
    ("given", "pointer", "message"),
    [
        ({"POINTS": "roads"}, "/inputs/POINTS", "'roads' is no layer of the project, which has: t"),
        ({"POINTS": "towns", "FIELD": "color"}, "/inputs/FIELD",
         "towns has no field 'color'; it has: name, people"),
        ({"POINTS": "towns", "NUMBERS": ["people", "x"]}, "/inputs/NUMBERS/1", "no field 'x'"),
        ({"POINTS": "towns", "DEM": "dem", "BAND": 3}, "/inputs/BAND", "it has 2"),
        ({"POINTS": "towns", "MANY": ["towns", "x"]}, "/inputs/MANY/1", "'x' is no layer"),
    ],
)  # fmt: skip
def test_what_the_project_lacks_is_refused(
    town: Any, given: dict[str, Any], pointer: str, message: str
) -> None:
    answer = run(town, given)
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert message in fault["message"]
    assert town.worker.sent == []


def test_an_unknown_layout_is_refused(town: Any) -> None:
    answer = run(town, {"LAYOUT": "Map"}, "native:drawn")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/inputs/LAYOUT"


def test_a_job_goes_to_a_service_that_has_the_project(api: Any) -> None:
    api.catalogue.snapshot = snapshot(old=OFFER, new=Offer(processes=[PLAIN, DRAWN]))
    assert run(api, {"POINTS": "towns"}).status_code == 201
    assert api.worker.sent[0].service == "old"
    assert run(api, {"POINTS": "towns"}, "native:plain@old").status_code == 201
    assert run(api, {"POINTS": "towns"}, "native:plain@new").status_code == 404


def test_a_project_that_one_worker_has_is_run_by_that_one(api: Any) -> None:
    both = [
        OfferEntry(digest="1", queue="qanat.q.1", protocol=1, slots=1),
        OfferEntry(digest="2", queue="qanat.q.2", protocol=1, slots=5),
    ]
    entry = ServiceEntry(
        name="q", queue="qanat.q", digests=["1", "2"], offers=both, workers=2, slots=6
    )
    offers = {"1": OFFER, "2": Offer(processes=[PLAIN])}
    catalog = Catalog(complete=True, services=[entry])
    api.catalogue.snapshot = build(catalog, offers, (), NOTHING)
    assert run(api, {"POINTS": "towns"}).status_code == 201
    assert api.worker.sent[0].queue == "qanat.q.1"


def test_before_the_registry_was_heard_no_project_is_denied(api: Any) -> None:
    api.catalogue.snapshot = NOTHING
    for path in ("/processes?project=town", "/projects/town"):
        assert api.http.get(path).status_code == 503


def test_the_pages_show_what_a_project_has(town: Any, page: Callable[..., Any]) -> None:
    assert "The town & its roads" in page("/projects").text
    shown = page("/projects/town")
    assert {"towns", "dem", "Plan", "bright"} <= set(shown.text.split())
    assert any(href.endswith("/processes?project=town") for href in shown.hrefs)
    assert any(href.endswith("/projects") for href in page("/").hrefs)


def test_a_form_has_the_layers_of_its_project_as_choices(
    town: Any, page: Callable[..., Any]
) -> None:
    shown = page("/processes/native:plain?project=town")
    (choice,) = shown.find("select", name="inputs/POINTS/layer")
    assert choice.text.split() == ["none", "of", "them", "towns"]
    ticks = shown.find("input", name="inputs/MANY/layer")
    assert [tick.attributes["value"] for tick in ticks] == ["towns", "roads", "mayors"]
    assert [each.text for each in shown.find("option", value="people")] == ["Fields of towns"]
    (form,) = shown.find("form", method="post")
    assert form.attributes["action"].endswith("/processes/native:plain/form?project=town")
    assert not page("/processes/native:plain").find("select", name="inputs/POINTS/layer")


def test_a_form_runs_in_its_project(town: Any) -> None:
    filled = {
        "inputs/POINTS/layer": "towns",
        "inputs/MANY/layer": ["towns", "roads"],
        "inputs/FIELD": "name",
    }
    answer = town.http.post(
        "/processes/native:plain/form?project=town",
        data=filled,
        files={"none": ("", b"")},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    (job,) = town.worker.sent
    assert job.project == "town"
    assert job.inputs["MANY"] == [Named(name="towns"), Named(name="roads")]
    shown = town.http.get(answer.headers["Location"], headers={"Accept": "text/html"}).text
    assert "/processes/native:plain?project=town" in shown


def test_one_may_choose_a_project_on_the_page_of_a_process(
    town: Any, page: Callable[..., Any]
) -> None:
    (choice,) = page("/processes/native:plain").find("select", name="project")
    assert choice.text.split() == ["none", "a", "b", "town"]
