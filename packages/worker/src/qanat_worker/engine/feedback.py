"""Progress and log of a job: from QGIS's feedback to the worker's, without paths of the server."""

import math
import re

from qgis.core import QgsProcessingFeedback

from qanat_common.protocol import LogLevel
from qanat_worker.port import Feedback

LAST_KEPT = 20
TRACE = "Traceback (most recent call last)"

_PATH = re.compile(r"(?<![\w:/.])(?:/[\w.+@%~-]+)+/([\w.+@%~-]*)")
_ADVICE = re.compile(r" or change the (?:Processing setting|“Invalid features filtering”)[^.]*\.")
"""What QGIS Desktop tells its user to do, and a client cannot."""


_CONNECTION = re.compile(
    r"\b(host|hostaddr|port|user|password|passfile|service|authcfg|dbname)"
    r"=('(?:[^'\\]|\\.)*'|[^\s'\"&]+)"
)
"""Parts of the address of a database, as tools of GDAL get them of a layer of a project."""

_LOGIN = re.compile(r"(\w://)[^\s/?#]*@[^\s/?#'\"]*")
"""Who asks which machine, in an address."""

_SERVER = re.compile(
    r"(\bconnection to server at|\btranslate host name|\bauthentication failed for user"
    r'|\brole(?= "[^"]*" does not exist))'
    r' "[^"]*"(?: \([^)]*\))?(?:, port \d+)?'
)
"""Where PostgreSQL says who asked which machine."""


def scrubbed(text: str) -> str:
    """A text in which a path of a file is only its name, and a database none of anybody's."""
    hidden = without_logins(text)
    return _PATH.sub(r"\1", _ADVICE.sub(" first (native:fixgeometries).", hidden))


def without_logins(text: str) -> str:
    """A text that tells nobody where a database is, nor how to enter it."""
    return _SERVER.sub(r"\1 …", _LOGIN.sub(r"\1…", _CONNECTION.sub(r"\1=…", text)))


class JobFeedback(QgsProcessingFeedback):
    """What an algorithm says, told to the worker. Native algorithms tell progress by signal only."""

    def __init__(self, told: Feedback) -> None:
        """Nothing is logged by QGIS itself. `trace` is where a script failed: never a client's to know."""
        super().__init__(False)
        self._told = told
        self._percent = 0.0
        self.errors: list[str] = []
        self.trace: str | None = None
        self.console: list[str] = []
        self.progressChanged.connect(self._progress)

    def _progress(self, percent: float) -> None:
        """Within 0 and 100, and never backwards."""
        if math.isfinite(percent) and percent > self._percent:
            self._percent = min(percent, 100.0)
            self._told.progress(self._percent)

    def _log(self, level: LogLevel, text: str | None) -> None:
        if text is not None and text.strip():
            self._told.log(level, scrubbed(text))

    def why(self) -> str:
        """What the algorithm said last before it failed; "" when it said nothing."""
        told = self.errors or [line for line in self.console if "ERROR" in line.upper()]
        return "\n".join(dict.fromkeys(told)).strip()

    def reportError(self, error: str | None, fatalError: bool = False) -> None:  # noqa: N802, N803
        """An error; not always the end."""
        text = _without_trace(scrubbed(error or "")).strip()
        if TRACE in (error or ""):
            self.trace = error
        self.errors = [*self.errors, text][-LAST_KEPT:] if text else self.errors
        self._log(LogLevel.ERROR, text)

    def pushWarning(self, warning: str | None) -> None:  # noqa: N802
        """A warning."""
        self._log(LogLevel.WARNING, warning)

    def pushInfo(self, info: str | None) -> None:  # noqa: N802
        """A line of information."""
        self._log(LogLevel.INFO, info)

    def setProgressText(self, text: str | None) -> None:  # noqa: N802
        """What is being done now."""
        self._log(LogLevel.INFO, text)

    def pushCommandInfo(self, info: str | None) -> None:  # noqa: N802
        """A command line."""
        self._log(LogLevel.DEBUG, info)

    def pushDebugInfo(self, info: str | None) -> None:  # noqa: N802
        """Details."""
        self._log(LogLevel.DEBUG, info)

    def pushConsoleInfo(self, info: str | None) -> None:  # noqa: N802
        """What a tool wrote."""
        if info:
            self.console = [*self.console, scrubbed(info)][-LAST_KEPT:]
        self._log(LogLevel.INFO, info)


def _without_trace(text: str) -> str:
    """Python's traceback, cut to its last line: what is wrong, and not where."""
    start = text.find(TRACE)
    if start < 0:
        return text
    lines = text[start:].strip().splitlines()
    return text[:start] + lines[-1]
