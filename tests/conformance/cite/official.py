"""Run the official suite's own jar against pyqgiswps, and tell what failed: `./dev cite JAR`.

The jar (ets-ogcapi-processes10, the one with its dependencies) needs Java 17, and the internet: it
fetches the schemas of the standard while it runs. Its exit status says nothing, its report does.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from xml.etree import ElementTree

ECHO = "echo"
START_SECONDS = 180.0
RUN_SECONDS = 600.0
PASSED = "PASS"

PROPERTIES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE properties SYSTEM "http://java.sun.com/dtd/properties.dtd">
<properties version="1.0">
  <entry key="iut">{url}</entry>
  <entry key="echoprocessid">{echo}</entry>
</properties>
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The all-in-one with data of its own; its synchronous executions leave no job."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environ = {
        "QANAT_SERVER__DATA_FOLDER": str(folder / "data"),
        "QANAT_API__PORT": str(port),
        "QANAT_API__KEEP_SYNC_JOBS": "false",
        "QANAT_REGISTRY__PORT": "0",
    }
    command = [str(Path(sys.executable).with_name("pyqgiswps"))]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environ, stdout=log, stderr=log)
    try:
        await_echo(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def await_echo(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/processes/{ECHO}", timeout=5):  # noqa: S310 - ours
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit("pyqgiswps did not start")


def run(jar: Path, url: str, folder: Path) -> Path:
    """Run the jar; returns its report."""
    properties = folder / "test-run-props.xml"
    properties.write_text(PROPERTIES.format(url=url, echo=ECHO), "utf-8")
    command = ["java", "-jar", str(jar), "-o", str(folder), str(properties)]
    with (folder / "suite.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log, timeout=RUN_SECONDS, check=False)
    reports = sorted(folder.rglob("testng-results.xml"))
    if not reports:
        sys.exit(f"the suite wrote no report: {(folder / 'suite.log').read_text('utf-8')[-2000:]}")
    return reports[-1]


def outcomes(report: Path) -> dict[str, tuple[str, str]]:
    """Class.method → status and, of what did not pass, why."""
    found = {}
    tree = ElementTree.parse(report)  # noqa: S314 - written by the program just run
    for suite_class in tree.iter("class"):
        for method in suite_class.iter("test-method"):
            if method.get("is-config") != "true":
                name = f"{suite_class.get('name', '').rpartition('.')[2]}.{method.get('name')}"
                why = " ".join((method.findtext(".//message") or "").split())
                found[name] = (method.get("status", ""), why)
    return found


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: ./dev cite JAR")
    with tempfile.TemporaryDirectory(prefix="qcite") as name:
        folder = Path(name)
        with server(folder) as url:
            found = outcomes(run(Path(sys.argv[1]).resolve(), url, folder))
    others = {name: told for name, told in found.items() if told[0] != PASSED}
    for test, (status, why) in sorted(others.items()):
        sys.stdout.write(f"{status}  {test}  {why[:300]}\n")
    sys.stdout.write(f"{len(found) - len(others)} of {len(found)} passed\n")
    sys.exit(1 if others or not found else 0)


if __name__ == "__main__":
    main()
