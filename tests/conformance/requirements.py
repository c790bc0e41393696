"""Every requirement of OGC API - Processes, Part 1, and of Common, Part 1, once: what it asks, in a line.

The ids are those of the standards (OGC 18-062r2 and 19-072), with a mark where both have one; a recommendation begins with /rec/. A test names the ids that it
proves by the marker `proves`; `evidence` finds the tests, and `test_requirements` compares.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conformance:
    """A conformance class: whether this server declares it, and what it asks.

    `condition` says when a server declares it that does not by default, `about` why it does not.
    """

    name: str
    declared: bool
    requirements: dict[str, str]
    recommendations: dict[str, str]
    condition: str | None = None
    version: str = "1.0"
    about: str = ""
    standard: str = "ogcapi-processes-1"
    of: str = ""

    @property
    def uri(self) -> str:
        return f"http://www.opengis.net/spec/{self.standard}/{self.version}/conf/{self.name}"


def _ids(prefix: str, asked: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}/{name}": text for name, text in asked.items()}


CORE = {
    "http": "The server speaks HTTP/1.1.",
    "landingpage-op": "GET at the root is supported.",
    "landingpage-success": "It answers 200 with links to the API definition, conformance and processes.",
    "api-definition-op": "GET at each address of the API definition is supported.",
    "api-definition-success": "It answers 200 with the API definition.",
    "conformance-op": "GET /conformance is supported.",
    "conformance-success": "It answers 200 with the classes that the server conforms to.",
    "process-list": "GET /processes is supported.",
    "pl-limit-definition": "The list takes the parameter limit, an integer from 1 on.",
    "pl-limit-response": "The list never holds more than limit processes.",
    "process-list-success": "It answers 200 with a summary of each process.",
    "pl-links": "The list links to itself, and to its other encodings.",
    "process": "GET /processes/{id} is supported.",
    "process-success": "It answers 200 with the description of the process.",
    "process-exception/no-such-process": "An unknown process is a 404 of the type no-such-process.",
    "process-execute-op": "POST /processes/{id}/execution is supported.",
    "process-execute-request": "The body is an execute request (execute.yaml) in JSON.",
    "process-execute-inputs": "Inputs are taken by value and by reference.",
    "process-execute-input-array": "An input that may occur several times takes an array, of one too.",
    "process-execute-input-inline-object": "An object is taken as a qualified value.",
    "process-execute-input-mixed-type": "The format of a qualified value chooses among several types.",
    "process-execute-input-inline-binary": "Binary values are taken as base64 text.",
    "process-execute-input-inline-bbox": "Bounding boxes are taken, with and without a CRS.",
    "process-execute-input-validation": "Inputs are checked against their schemas, fetched ones too.",
    "process-execute-default-execution-mode": "Without Prefer: synchronous, unless only asynchronous is offered.",
    "process-execute-auto-execution-mode": "With respond-async: asynchronous, unless only synchronous is offered.",
    "process-execute-default-outputs": "Without outputs all outputs are asked for.",
    "process-execute-sync-raw-value-one": "One output, raw, by value: 200 with the value itself.",
    "process-execute-sync-raw-value-multi": "Several, raw, by value: 200 with multipart/related.",
    "process-execute-sync-raw-ref": "Raw, by reference: 204 with a Link header for each output.",
    "process-execute-sync-raw-mixed-multi": "Several, raw, mixed: multipart with Content-Location for references.",
    "process-execute-sync-document": "document: 200 with the results document in JSON.",
    "process-execute-success-async": "Asynchronous: 201 with Location and the status of the job.",
    "job-results-success-sync": "A synchronous answer with a job links to it (rel=monitor).",
    "job": "GET /jobs/{id} is supported.",
    "job-success": "It answers 200 with the status of the job.",
    "job-exception-no-such-job": "An unknown job is a 404 of the type no-such-job.",
    "job-results": "GET /jobs/{id}/results is supported.",
    "job-results-async-raw-value-one": "Results of one output, raw, by value: the value itself.",
    "job-results-async-raw-value-multi": "Results of several, raw, by value: multipart/related.",
    "job-results-async-raw-ref": "Results, raw, by reference: 204 with Link headers.",
    "job-results-async-raw-mixed-multi": "Results of several, raw, mixed: multipart with Content-Location.",
    "job-results-async-document": "Results as a document: JSON.",
    "job-results-exception/no-such-job": "Results of an unknown job: a 404 of the type no-such-job.",
    "job-results-exception/results-not-ready": "Results before the end: a 404 of the type result-not-ready.",
    "job-results-failed": "Results of a failed job: an error that fits the reason.",
    "test-process": "A process is offered that the test suite can run.",
}

CORE_RECOMMENDED = {
    "api_definition-oas": "The API definition is an OpenAPI document.",
    "problem-details": "Errors are problem documents.",
    "html": "HTML is supported.",
    "cross-origin": "Access from other origins is supported.",
    "access-control-expose-headers": "Location is exposed to scripts of other origins.",
    "link-header": "Links of a body stand in Link headers too.",
    "ogc-process-description": "Processes are described by the OGC process description.",
    "next-1": "A part of the process list links to the next one.",
    "next-2": "Following next gives processes that were not given yet.",
    "next-3": "The next part links to its next in turn.",
    "process-execute-honor-prefer": "The preferences wait and respond-async are honoured.",
    "process-execute-handle-prefer": "respond-async with wait answers at once when the job is done in time.",
    "process-execute-mode-auto": "Where the server may choose, respond-async is followed.",
    "process-execute-preference-applied": "Preference-Applied says what was honoured.",
    "process-execute-sync-document-ref": "A plain value by reference is a link to text.",
    "job-status": "The status has its process, times and progress.",
    "test-process": "The test process echoes its inputs, and can be told to pause.",
}

DESCRIPTION = {
    "json-encoding": "Descriptions are valid by process.yaml.",
    "inputs-def": "Inputs stand in the member inputs, by their ids.",
    "input-def": "Each has a schema, which is valid by schema.yaml and used to validate.",
    "input-mixed-type": "Several types of an input are a oneOf.",
    "input-binary": "Binary inputs are text with an encoding.",
    "outputs-def": "Outputs stand in the member outputs, by their ids.",
    "output-def": "Each has a schema that is valid by schema.yaml.",
    "output-mixed-type": "Several types of an output are a oneOf.",
}

DESCRIPTION_RECOMMENDED = {
    "format-key": "The key format says what a value means.",
    "format-short-code": "Its value may be a short code such as ogc-bbox.",
    "format-value-registration": "New values are registered with OGC.",
}

JOB_LIST = {
    "job-list-op": "GET /jobs is supported.",
    "type-definition": "The list takes the parameter type, a list.",
    "type-response": "Only jobs of these types are listed.",
    "processID-definition": "The list takes the parameter processID, a list.",
    "processID-mandatory": "Each job of the list names its process.",
    "processID-response": "Only jobs of these processes are listed.",
    "status-definition": "The list takes the parameter status, a list.",
    "status-response": "Only jobs in these states are listed.",
    "datetime-definition": "The list takes the parameter datetime, an instant or an interval.",
    "datetime-response": "Only jobs created then are listed.",
    "duration-definition": "The list takes minDuration and maxDuration, in seconds.",
    "duration-response": "Only jobs that ran so long are listed.",
    "limit-definition": "The list takes the parameter limit, an integer from 1 on.",
    "limit-response": "The list never holds more than limit jobs.",
    "job-list-success": "It answers 200 with the status of each job.",
    "links": "The list links to itself, and to its other encodings.",
}

JOB_LIST_RECOMMENDED = {
    "job-list-landing-page": "The landing page links to the list.",
    "next-1": "A part of the list links to the next one.",
    "next-2": "Following next gives jobs that were not given yet.",
    "next-3": "The next part links to its next in turn.",
    "access-control-job-list": "Access to the list is controlled.",
}


def _class(
    name: str,
    asked: dict[str, str],
    recommended: dict[str, str] | None = None,
    *,
    condition: str | None = None,
) -> Conformance:
    return Conformance(
        name,
        condition is None,
        _ids(f"/req/{name}", asked),
        _ids(f"/rec/{name}", recommended or {}),
        condition,
    )


DRAFT = "2.0"

DRAFT_CORE = {
    "process-summary-links": "A summary links to its description, and to other encodings of it.",
    "process-execute-sync-one": "One output: 200 with the value itself, as negotiated.",
    "process-execute-sync-one-default-content": "Without negotiation in its default format.",
    "process-execute-sync-many-json": "Several outputs: 200 with the results document in JSON.",
    "process-execute-sync-outputs-omitted": "Without outputs all outputs are given.",
    "process-execute-sync-outputs-empty": "Of empty outputs: 204.",
    "process-execute-success-async-outputs-empty": "Of empty outputs a job has no results.",
    "job-success": "The status of a job has id, status and processingEntityType.",
    "job-results-param-outputs": "Results take the parameter outputs, a list.",
    "job-results-param-outputs-response": "Only these outputs are given then.",
    "job-results-profile": "By the profile ogc-results they are a document, and say so.",
    "job-result-op": "GET /jobs/{id}/results/{output} is supported.",
    "job-results-async-one": "It answers 200 with the value itself.",
    "job-results-async-many": "Results of several outputs are a document in JSON.",
    "job-results-exception/invalid-query-parameter-value": "A wrong parameter is a 400 of this type.",
    "job-results-exception/no-such-output": "An unknown output is an error of this type.",
    "job-results-exception/results-not-available": "No outputs asked for: a 404 of this type.",
}

DRAFT_CORE_RECOMMENDED = {
    "process-execute-honor-return-preference": "The preference return is honoured.",
    "process-execute-sync-many-json-prefer-minimal": "return=minimal: large values by links.",
    "process-execute-sync-many-json-prefer-representation": "return=representation: all in place.",
    "job-links": "The status links to itself, to results and to the log.",
}

KVP = {
    "process-execute-op": "GET /processes/{id}/execution is supported.",
    "f-definition": "response[f] is taken.",
    "f-response": "It stands for Accept.",
    "prefer-definition": "response[prefer] is taken.",
    "prefer-response": "It stands for Prefer.",
    "input-query-parameters": "Each input is a parameter, in large or small letters.",
    "input-query-parameter-values": "By value and by reference.",
    "input-cardinality": "Several values are a list.",
    "string-input-value": "A text is written as it is.",
    "numeric-input-value": "So is a number.",
    "boolean-input-value": "So is true or false.",
    "complex-input-value": "An object is written as JSON.",
    "array-input-value": "An array is a list, or JSON.",
    "binary-input-value": "Bytes are base64.",
    "binary-input-value-qualified": "Their format stands in members of the parameter.",
    "bbox-input-value": "A bounding box is four or six numbers.",
    "bbox-crs-input-value": "Its CRS stands in the member crs.",
    "input-by-reference": "A link stands in members of the parameter.",
    "output": "An output is asked for by its member include.",
}

NOT_OF_THE_DRAFT = (
    "It holds where a request speaks the words of the draft (`Prefer: return=`, `profile=`). One that"
    " says nothing is answered by 1.0, which asks for multipart where the draft asks for a document:"
    " both cannot be declared."
)
INHERITS = (
    "All of it holds; it inherits the draft's core, and is not declared as long as that is not."
)


def _drafted(
    name: str, asked: dict[str, str], recommended: dict[str, str] | None = None, *, about: str
) -> Conformance:
    """A class of the 2.0 draft; ids that 1.0 has too end with the version."""
    mark = f"@{DRAFT}" if name == "core" else ""
    required = {f"{id_}{mark}": text for id_, text in _ids(f"/req/{name}", asked).items()}
    wished = {f"{id_}{mark}": text for id_, text in _ids(f"/rec/{name}", recommended or {}).items()}
    return Conformance(
        name, False, required, wished, None, DRAFT, about, of=f", of the {DRAFT} draft"
    )


COMMON_CORE = {
    "http": "The server speaks HTTP/1.1.",
    "query-param-name-unknown": "An unknown parameter is a 400, unless the definition takes any.",
    "query-param-value-invalid": "A wrong value of a parameter is a 400.",
    "query-param-capitalization": "Names and values of parameters are case-sensitive.",
    "query-param-list-delimiter": "Lists are separated by commas.",
    "query-param-list-escape": "A comma or blank within an item of a list is escaped.",
    "query-param-list-empty": "An empty item of a list is the empty text.",
    "query-param-value-boolean": "A boolean is true or false.",
    "query-param-value-integer": "An integer is decimal digits, with a sign or without.",
    "query-param-value-decimal": "A decimal has a period before its fraction.",
    "query-param-value-double": "A double may have an exponent after the letter e.",
}

COMMON_CORE_RECOMMENDED = {
    "link-header": "Links of a body stand in Link headers too.",
    "problem-details": "Errors are problem documents.",
    "query-param-capitalization": "Names of parameters are in kebab case.",
    "query-param-value-special": "Infinity and not-a-number are inf, -inf and nan.",
    "etag": "Answers have an ETag, and may be asked for by it.",
    "cross-origin": "Access from other origins is supported.",
    "string-i18n": "Texts say their language where the encoding can.",
    "html": "HTML is supported.",
    "json": "JSON is supported.",
}

COMMON_LANDING_PAGE = {
    "root-op": "GET at the root is supported.",
    "root-success": "It answers 200 with links to the API definition and to conformance.",
    "api-definition-op": "GET at each address of the API definition is supported.",
    "api-definition-success": "It answers 200 with a document of the type that was asked for.",
    "conformance-op": "GET /conformance is supported.",
    "conformance-success": "It answers 200 with all classes that the server conforms to.",
}

COMMON_LANDING_PAGE_RECOMMENDED = {
    "api-definition-op": "The API definition is at /api.",
    "api-definition-oas": "It is an OpenAPI document.",
}


def _common(
    name: str, asked: dict[str, str], recommended: dict[str, str] | None = None
) -> Conformance:
    """A class of Common, Part 1."""
    required = {f"{id_}@common": text for id_, text in _ids(f"/req/{name}", asked).items()}
    wished = {
        f"{id_}@common": text for id_, text in _ids(f"/rec/{name}", recommended or {}).items()
    }
    return Conformance(
        name,
        True,
        required,
        wished,
        standard="ogcapi-common-1",
        of=", of OGC API - Common, Part 1",
    )


OAS30 = {
    "oas-definition-1": "The API definition is given as OpenAPI 3.0 in JSON, and as HTML.",
    "oas-definition-2": "The JSON is a valid OpenAPI 3.0 document.",
    "oas-impl": "What it describes is implemented.",
    "completeness": "It lists every answer of every operation.",
    "exceptions-codes": "It lists every error of every operation.",
    "security": "It names the security schemes.",
}


CLASSES = (
    _class("core", CORE, CORE_RECOMMENDED),
    _class("ogc-process-description", DESCRIPTION, DESCRIPTION_RECOMMENDED),
    _class("json", {"definition": "JSON is given at every resource of core."}),
    _class("job-list", JOB_LIST, JOB_LIST_RECOMMENDED),
    _class(
        "dismiss",
        {
            "job-dismiss-op": "DELETE /jobs/{id} is supported.",
            "job-dismiss-success": "It answers 200 with the status dismissed.",
        },
    ),
    _class(
        "html",
        {
            "definition": "HTML is given with every 200.",
            "content": "It is HTML 5, shows all of the answer, and has every link as an anchor.",
        },
    ),
    _class("oas30", OAS30),
    _class(
        "callback",
        {"job-callback": "The subscriber of an execute request is called."},
        condition="the settings name hosts that may be called (`api.callbacks`)",
    ),
    _common("core", COMMON_CORE, COMMON_CORE_RECOMMENDED),
    _common("landing-page", COMMON_LANDING_PAGE, COMMON_LANDING_PAGE_RECOMMENDED),
    _common(
        "json",
        {
            "definition": "Every 200 can be had as JSON.",
            "content": "Landing page and conformance are valid by their schemas.",
        },
        {"problem-details": "Errors are problem documents."},
    ),
    _common(
        "html",
        {
            "definition": "HTML is given with every 200.",
            "content": "It is HTML 5, shows all of the answer, and has every link as an anchor.",
        },
        {"schema-org": "Pages have annotations of schema.org."},
    ),
    _common("oas30", OAS30),
    _drafted("core", DRAFT_CORE, DRAFT_CORE_RECOMMENDED, about=NOT_OF_THE_DRAFT),
    _drafted(
        "query-param-profile",
        {
            "definition": "GET takes the parameter profile.",
            "response": "Answers name the profile that they follow.",
        },
        about=INHERITS,
    ),
    _drafted("kvp-execute", KVP, about=f"There where `api.kvp_execute` says so. {INHERITS}"),
)

ALL = {
    id_: text
    for known in CLASSES
    for asked in (known.requirements, known.recommendations)
    for id_, text in asked.items()
}
