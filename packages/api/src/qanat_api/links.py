"""Addresses of our resources, and the links between them: absolute, whatever the client asked."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from starlette.types import Scope

from qanat_api.negotiation import HTML, OPENAPI
from qanat_common.errors import InvalidRequest
from qanat_common.ogc import JSON, PROFILE, REL, Link

_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


def base_url(scope: Scope, public_url: str | None) -> str:
    """Where the service's root is, without a slash at the end."""
    return public_url or f"{scope['scheme']}://{_host(scope)}{scope.get('root_path', '')}"


def _host(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1")
            if not _HOST.fullmatch(host):
                raise InvalidRequest("The header Host does not name a host.")
            return host
    server, port = scope.get("server") or ("localhost", None)
    return f"{server}:{port}" if port else server


@dataclass(frozen=True)
class Links:
    """The addresses below one base: the address of the root, without a slash at the end.

    Those of processes are within `project`, where there is one.
    """

    base: str
    project: str | None = None

    @property
    def path(self) -> str:
        """The path of the root, without a slash at the end."""
        return urlsplit(self.base).path

    @property
    def processes(self) -> str:
        """The list of processes."""
        return self._within(f"{self.base}/processes")

    @property
    def projects(self) -> str:
        """The list of published projects."""
        return f"{self.base}/projects"

    @property
    def jobs(self) -> str:
        """The list of jobs."""
        return f"{self.base}/jobs"

    def process(self, process_id: str) -> str:
        """A process description."""
        return self._within(self._process(process_id))

    def execution(self, process_id: str) -> str:
        """Where a process is run."""
        return self._within(f"{self._process(process_id)}/execution")

    def form(self, process_id: str) -> str:
        """Where the form of a process is sent to."""
        return self._within(f"{self._process(process_id)}/form")

    def sketch(self, process_id: str) -> str:
        """Where a form is sent to that is to be shown as code."""
        return self._within(f"{self._process(process_id)}/form/request")

    def check(self, process_id: str) -> str:
        """Where a form is sent to that is to be checked only."""
        return self._within(f"{self._process(process_id)}/form/check")

    def again(self, process_id: str, job_id: str) -> str:
        """The form of a process, filled in as for a job."""
        return with_query(self.process(process_id), {"again": job_id})

    def jobs_of(self, process_id: str) -> str:
        """The jobs of a process."""
        return with_query(self.jobs, {"processID": process_id})

    def start(self) -> str:
        """The landing page."""
        return self._within(f"{self.base}/")

    def search(self, words: str) -> str:
        """The processes in which words occur."""
        return with_query(self.processes, {"q": words})

    def in_project(self, name: str | None) -> "Links":
        """The same addresses within a project, or without one."""
        return Links(self.base, name)

    def _process(self, process_id: str) -> str:
        return f"{self.base}/processes/{quote(process_id, safe=':@')}"

    def _within(self, href: str) -> str:
        return with_query(href, {"project": self.project} if self.project else {})

    def described(self, name: str) -> str:
        """A published project."""
        return f"{self.projects}/{quote(name, safe='')}"

    @property
    def services(self) -> str:
        """The services whose workers run the processes."""
        return f"{self.base}/services"

    def service(self, name: str) -> str:
        """A service."""
        return f"{self.services}/{quote(name, safe='')}"

    def job(self, job_id: str) -> str:
        """The status of a job."""
        return f"{self.jobs}/{quote(job_id, safe='')}"

    def log(self, job_id: str) -> str:
        """What the algorithm of a job said."""
        return f"{self.job(job_id)}/log"

    def events(self, job_id: str) -> str:
        """A job as it goes on."""
        return f"{self.job(job_id)}/events"

    def inputs(self, job_id: str) -> str:
        """What a job was asked for."""
        return f"{self.job(job_id)}/inputs"

    def results(self, job_id: str) -> str:
        """The results of a job."""
        return f"{self.job(job_id)}/results"

    def output(self, job_id: str, name: str) -> str:
        """One output of a job."""
        return f"{self.results(job_id)}/{quote(name, safe='')}"

    def picture(self, job_id: str, name: str) -> str:
        """The picture of an output of a job."""
        return f"{self.output(job_id, name)}/picture"

    def upload(self, upload_id: str) -> str:
        """An uploaded file."""
        return f"{self.base}/uploads/{quote(upload_id, safe='')}"

    def landing(self) -> list[Link]:
        """The links of the landing page (/req/core/landingpage-success)."""
        api = f"{self.base}/api"
        return [
            *both(f"{self.base}/", "This document"),
            Link(href=api, rel="service-desc", type=OPENAPI, title="API definition"),
            html_link(api, "service-doc", "API documentation"),
            json_link(f"{self.base}/conformance", REL + "conformance", "Conformance classes"),
            json_link(self.processes, REL + "processes", "Processes"),
            json_link(self.jobs, REL + "job-list", "Jobs"),
            json_link(self.projects, "related", "Published projects"),
            json_link(self.services, "service-meta", "Services: who runs the processes"),
        ]

    def of_list(self) -> list[Link]:
        """The links of the list of all processes."""
        return both(self.processes, "All processes")

    def of_service(self, name: str) -> list[Link]:
        """The links of a service."""
        offered = with_query(self.processes, {"service": name})
        return [
            *both(self.service(name), "This service"),
            json_link(offered, REL + "processes", "Its processes"),
            json_link(self.services, "up", "All services"),
        ]

    def of_summary(self, process_id: str) -> list[Link]:
        """The links of a process within the list."""
        return both(self.process(process_id))

    def of_process(self, process_id: str) -> list[Link]:
        """The links of a process description."""
        href = self.process(process_id)
        return [
            *both(href, "This process"),
            json_link(self.execution(process_id), REL + "execute", "Run this process"),
            json_link(self.processes, "up", "All processes"),
            json_link(f"{self.base}/", "service", "This service"),
        ]


def profile(name: str) -> dict[str, str]:
    """The header that names the profile which a document follows, of those of the 2.0 draft."""
    return {"Link": header(PROFILE + name, "profile")}


def both(href: str, title: str | None = None) -> list[Link]:
    """The links of a document to itself, and to the same as HTML."""
    page = f"{title} as HTML" if title else None
    return [json_link(href, "self", title), html_link(href, "alternate", page)]


def html_link(href: str, rel: str, title: str | None = None) -> Link:
    """A link to the HTML of a resource, whatever else there is of it."""
    return Link(href=in_format(href, "html"), rel=rel, type=HTML, title=title)


def in_format(href: str, form: str) -> str:
    """An address with the parameter `f`."""
    return f"{href}{'&' if '?' in href else '?'}f={form}"


def json_link(href: str, rel: str, title: str | None = None) -> Link:
    """A link to a JSON document."""
    return Link(href=href, rel=rel, type=JSON, title=title)


def with_query(href: str, query: Mapping[str, str | list[str]]) -> str:
    """An address with a query, if there is one, behind that which it has."""
    between = "&" if "?" in href else "?"
    return f"{href}{between}{urlencode(query, doseq=True)}" if query else href


def header(href: str, rel: str, *, media_type: str | None = None, title: str | None = None) -> str:
    """The value of a Link header (RFC 8288)."""
    parts = [f"<{href}>", f'rel="{rel}"']
    if media_type:
        parts.append(f'type="{media_type}"')
    if title:
        parts.append(text_parameter("title", title))
    return "; ".join(parts)


def headers(links: Iterable[Mapping[str, str]]) -> str:
    """The links of a document as the value of a Link header (/rec/core/link-header)."""
    return ", ".join(
        header(link["href"], link["rel"], media_type=link.get("type"), title=link.get("title"))
        for link in links
    )


def text_parameter(name: str, text: str) -> str:
    """A header's parameter that may be any text (RFC 8187)."""
    if re.fullmatch(r"[ !#-\[\]-~]*", text):
        return f'{name}="{text}"'
    return f"{name}*=UTF-8''{quote(text, safe='')}"
