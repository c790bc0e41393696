"""The request that a form makes, as code in several languages, to be copied; pure.

All of it is made of the same values, so that the code does what the form does. Files are read where
the code runs, by their names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from qanat_api import forms
from qanat_api.catalog import Offered
from qanat_api.fields import Field, Filled, Unreadable
from qanat_api.layers import SUFFIXES, Layer
from qanat_api.links import Links
from qanat_api.natively import Native, native
from qanat_api.negotiation import media_range
from qanat_api.quoting import FromFile, Term, json, json_pieces, python, r, r_text, shell

LONGEST_WORD = 100_000
"""A longer body is none of a command's words: the kernel takes some 128 KiB."""

TOKEN = "QANAT_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable of which the code takes the token of who runs it."""

NO_QGIS = "qanat"
"""The provider of processes that are none of QGIS's."""


@dataclass(frozen=True)
class Sketch:
    """A request of which the files are known by their names alone; `local` None: QGIS has none such."""

    process_id: str
    links: Links
    body: Mapping[str, Term]
    secured: bool
    algorithm: str
    local: Native | None


@dataclass(frozen=True)
class Snippet:
    """Code in a language: `name` is for machines, `title` for people."""

    name: str
    title: str
    note: str
    code: str


class Language(Protocol):
    """A language in which a request can be written; `note` says what the code needs."""

    name: ClassVar[str]
    title: ClassVar[str]
    note: ClassVar[str]

    def write(self, asked: Sketch) -> str | None:
        """The code; None where there is none."""


def snippets(
    offered: Offered, shown: Sequence[Field], filled: Filled, links: Links, *, secured: bool
) -> list[Snippet]:
    """The request in all languages; `secured` says that a token must be shown."""
    asked = sketch(offered, shown, filled, links, secured=secured)
    written = [(each, each.write(asked)) for each in LANGUAGES]
    return [
        Snippet(each.name, each.title, each.note, code)
        for each, code in written
        if code is not None
    ]


def sketch(
    offered: Offered, shown: Sequence[Field], filled: Filled, links: Links, *, secured: bool
) -> Sketch:
    """The request; what is missing or cannot be read has a placeholder."""
    inputs: dict[str, Term] = {}
    for each in shown:
        value = _value(each, filled)
        if value is not None:
            inputs[each.name] = value
    body: dict[str, Any] = {"inputs": inputs}
    outputs = forms.outputs_of(offered.process, filled)
    if outputs:
        body["outputs"] = outputs
    body["response"] = "document"
    process = offered.process
    ours = process.id.startswith(f"{NO_QGIS}:")
    return Sketch(
        process_id=offered.id,
        links=links,
        body=body,
        secured=secured,
        algorithm=process.id,
        local=None if ours else native(process, shown, inputs, outputs),
    )


def _value(shown: Field, filled: Filled) -> Term:
    try:
        if isinstance(shown.kind, Layer):
            value = shown.kind.sketch(shown, filled)
        else:
            value = shown.kind.read(shown, filled)
    except Unreadable:
        return _placeholder(shown)
    return _placeholder(shown) if value is None and shown.required else value


def _placeholder(shown: Field) -> Term:
    if not isinstance(shown.kind, Layer):
        return f"<{shown.name}>"
    medium = shown.media[0].media_type
    ending = next((end for end, kind in SUFFIXES.items() if kind == media_range(medium)), "")
    file: Term = {
        "value": FromFile(f"{shown.name}{ending}"),
        "encoding": "base64",
        "mediaType": medium,
    }
    return [file] if shown.about.repeated else file


class Curl:
    """A command for a POSIX shell."""

    name: ClassVar[str] = "curl"
    title: ClassVar[str] = "cURL"
    note: ClassVar[str] = "For a shell, with curl."

    def write(self, asked: Sketch) -> str | None:
        """The body as a word of the command, or piped where files are part of it."""
        pieces = json_pieces(asked.body)
        inline = len(pieces) == 1 and len(str(pieces[0])) <= LONGEST_WORD
        body = shell(str(pieces[0])) if inline else "@-"
        lines = [
            f"curl -X POST {shell(asked.links.execution(asked.process_id))}",
            "-H 'Content-Type: application/json'",
            "-H 'Prefer: respond-async'",
            *([f'-H "Authorization: Bearer ${TOKEN}"'] if asked.secured else []),
            f"--data-binary {body}",
        ]
        command = " \\\n  ".join(lines)
        if inline:
            return command
        parts = "".join(f"  {self._piece(piece)}\n" for piece in pieces)
        return f"{{\n{parts}}} | {command}"

    def _piece(self, piece: str | FromFile) -> str:
        if isinstance(piece, FromFile):
            return f"base64 < {shell(piece.name)} | tr -d '\\n'"
        return f"printf %s {shell(piece)}"


class Python:
    """A script for OWSLib."""

    name: ClassVar[str] = "python"
    title: ClassVar[str] = "Python"
    note: ClassVar[str] = "For Python, with OWSLib."

    def write(self, asked: Sketch) -> str | None:
        """The inputs as Python's own values."""
        reads = "base64_of(" in (inputs := python(asked.body["inputs"]))
        imports = ["import base64"] if reads else []
        imports += ["import os"] if asked.secured else []
        imports += ["from pathlib import Path"] if reads else []
        head = "\n".join(imports) + "\n\n" if imports else ""
        own = f'headers={{"Authorization": f"Bearer {{os.environ[{TOKEN!r}]}}"}}'
        service = ", ".join([repr(asked.links.start()), *([own] if asked.secured else [])])
        named = ["inputs", *(["outputs"] if "outputs" in asked.body else []), "async_=True"]
        lines = [
            f"{head}from owslib.ogcapi.processes import Processes\n",
            *([_PYTHON_READS] if reads else []),
            f"service = Processes({service})",
            f"inputs = {inputs}",
            *([f"outputs = {python(asked.body['outputs'])}"] if "outputs" in asked.body else []),
            f"job = service.execute({asked.process_id!r}, {', '.join(named)})",
            'print(job["jobID"], job["status"])',
        ]
        return "\n".join(lines)


_PYTHON_READS = """
def base64_of(path):
    return base64.b64encode(Path(path).read_bytes()).decode()

"""


class R:
    """A script for httr2."""

    name: ClassVar[str] = "r"
    title: ClassVar[str] = "R"
    note: ClassVar[str] = "For R 4.1 or newer, with httr2."

    def write(self, asked: Sketch) -> str | None:
        """The body as R's own lists."""
        body = r(asked.body)
        steps = [
            f"request({r_text(asked.links.execution(asked.process_id))})",
            'req_headers(Prefer = "respond-async")',
            *([f'req_auth_bearer_token(Sys.getenv("{TOKEN}"))'] if asked.secured else []),
            "req_body_json(body)",
            "req_perform()",
        ]
        lines = [
            "library(httr2)\n",
            *([_R_READS] if "base64_of(" in body else []),
            f"body <- {body}",
            "answer <- " + " |>\n  ".join(steps),
            "job <- resp_body_json(answer)",
            'print(job[c("jobID", "status")])',
        ]
        return "\n".join(lines)


_R_READS = """base64_of <- function(path) {
  openssl::base64_encode(readBin(path, "raw", file.size(path)))
}
"""


class QgisProcess:
    """A command that runs the algorithm by the QGIS of who reads it, not by this service."""

    name: ClassVar[str] = "qgis_process"
    title: ClassVar[str] = "QGIS"
    note: ClassVar[str] = "For a shell: runs the algorithm on your own machine, with its QGIS."

    def write(self, asked: Sketch) -> str | None:
        """Texts as arguments; JSON where a text cannot say a value (QGIS 3.24 or newer)."""
        if asked.local is None:
            return None
        files = [
            f"printf %s {shell(text)} > {shell(name)}" for name, text in asked.local.files.items()
        ]
        texts = asked.local.texts()
        project = f"{asked.links.project}.qgz" if asked.links.project else None
        command = f"qgis_process run {shell(asked.algorithm)}"
        if texts is None:
            own = {"project_path": project} if project else {}
            body = json({"inputs": asked.local.values, **own})
            return "\n".join([*files, f"printf %s {shell(body)} |\n  {command} -"])
        first = [f"--PROJECT_PATH={shell(project)}"] if project else []
        words = [f"{shell(name)}={shell(text)}" for name, text in texts]
        return "\n".join([*files, " \\\n  ".join([" ".join([command, *first, "--"]), *words])])


class Json:
    """The body of the request alone."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "JSON"
    note: ClassVar[str] = "The body of the request."

    def write(self, asked: Sketch) -> str | None:
        """As it is sent."""
        return json(asked.body)


LANGUAGES: Sequence[Language] = (Curl(), Python(), R(), QgisProcess(), Json())
"""In the order in which they are shown."""
