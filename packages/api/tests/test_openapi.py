"""Our API definition is valid and complete."""

from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from qanat_api import openapi
from qanat_api.app import ROUTERS
from qanat_api.settings import ApiSettings
from qanat_common.errors import all_errors


def definition() -> dict[str, Any]:
    own = ApiSettings()
    return openapi.document(own.title, own.description, f"http://{own.host}:{own.port}")


def test_the_definition_is_valid_openapi_3_0(api: Any) -> None:
    served = api.http.get("/api").json()
    assert served["openapi"] == "3.0.3"
    validate(served, cls=OpenAPIV30SpecValidator)


def test_every_operation_is_described_and_every_description_is_an_operation() -> None:
    names = {"process_id": "processId", "job_id": "jobId", "output": "outputId"}
    names |= {"upload_id": "uploadId", "project_name": "projectName"}
    served = set()
    for route in (route for router in ROUTERS for route in router.routes):
        path: str = route.path
        for own, told in names.items():
            path = path.replace(f"{{{own}}}", f"{{{told}}}")
        served |= {(path, method.lower()) for method in route.methods}
    paths = definition()["paths"]
    described = {(path, method) for path, item in paths.items() for method in item}
    assert described - {(path, "parameters") for path in paths} == served


def test_every_status_of_an_error_is_described() -> None:
    elsewhere = {405}  # of no operation of the API: the framework's
    told = {error.status for error in all_errors().values()} - elsewhere
    assert told == set(openapi.ERRORS)
