"""The images of compose.yaml, from base images that are made by debootstrap.

`python -m tests.compose.images [--newest]` makes them before the tests want them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose"
BASES = {"BASE_IMAGE": "trixie", "OLD_BASE_IMAGE": "bookworm"}
OLD = ("qgis-322",)
"""The services that are built from the older Debian."""

TAG = "test"
ALL_IN_ONE = f"qanat:{TAG}"
CANNOT = 3
"""The exit status that says that images cannot be made here, for which nobody is to blame."""

BUILD_SECONDS = 1500
FREE_BYTES = 8 << 30
"""What two images with QGIS, and what they are made of, need on the disk."""

DRIVERS = frozenset({"overlay2", "overlayfs", "fuse-overlayfs", "btrfs", "zfs"})
"""Drivers that do not copy all of an image for each of its layers."""


POINT = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Point", "coordinates": [51.67, 32.66]},
        }
    ],
}
"""A layer for a job."""


class Missing(Exception):
    """The cluster cannot be built here; the text says why."""


class Broken(Exception):
    """A command failed that should not; the text is what it said."""


def done(
    *command: str, seconds: float = BUILD_SECONDS, environ: Mapping[str, str] | None = None
) -> str:
    """What a command prints, at the root of the repository. Raises Broken with its complaint."""
    found = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=ROOT,
        env=os.environ | (environ or {}),
    )
    if found.returncode:
        raise Broken(f"{' '.join(command)}:\n{(found.stdout + found.stderr)[-3000:]}")
    return found.stdout


def answers(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def check_engine() -> None:
    """Raises Missing where no Docker engine is that could hold the images."""
    if not shutil.which("docker") or not answers("docker", "info"):
        raise Missing("no Docker engine answers (./dev compose tries to start one)")
    driver, root = done("docker", "info", "-f", "{{.Driver}} {{.DockerRootDir}}").split()
    if driver not in DRIVERS:
        raise Missing(f"the Docker engine stores images by {driver!r}, which copies each layer")
    if Path(root).exists() and shutil.disk_usage(root).free < FREE_BYTES:
        raise Missing(f"images need {FREE_BYTES >> 30} GiB on the disk, and there are not as many")


def bases(newest: bool) -> dict[str, str]:
    """The base images: those that the environment names, else made by debootstrap. Raises Missing."""
    found = {}
    for name, suite in BASES.items():
        image = os.environ.get(name) or f"qanat-base:{suite}"
        if newest and name != "BASE_IMAGE":
            continue
        if not answers("docker", "image", "inspect", image):
            _make(suite, image)
        found[name] = image
        try:
            done("docker", "run", "--rm", "--network", "none", image, "true", seconds=60)
        except Broken as error:
            raise Missing(f"the Docker engine can start no container: {error}") from None
    return found


def _make(suite: str, image: str) -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise Missing(f"the base image {image} is made by debootstrap, as root")
    try:
        done(str(COMPOSE / "base-image.sh"), suite, image, seconds=600)
    except Broken as error:
        raise Missing(f"debootstrap makes no {suite} here: {error}") from None


def compose() -> str:
    """The command of Compose, of either kind. Raises Missing."""
    if answers("docker", "compose", "version"):
        return "docker compose"
    if shutil.which("docker-compose") and answers("docker-compose", "version"):
        return "docker-compose"
    raise Missing("neither `docker compose` nor `docker-compose` is installed")


def environ(made: Mapping[str, str]) -> dict[str, str]:
    """What compose.yaml is told about images."""
    return {**made, "BUILD_NETWORK": "host", "TAG": TAG}


def build(command: str, given: Mapping[str, str], *, newest: bool) -> None:
    """Build the images of all services, or of those of the newest Debian, and pyqgiswps's. Raises Broken."""
    done(str(COMPOSE / "secrets.sh"))
    words = [*command.split(), "-f", str(COMPOSE / "compose.yaml")]
    services = done(*words, "config", "--services", environ=given).split()
    chosen = [name for name in sorted(services) if not (newest and name in OLD)]
    done(*words, "build", *chosen, environ=given)
    base = f"BASE_IMAGE={given['BASE_IMAGE']}"
    whole = ["docker", "build", "-q", "-f", "packages/server/Dockerfile", "-t", ALL_IN_ONE]
    done(*whole, "--build-arg", base, "--network", "host", ".")


def main(words: list[str]) -> None:
    """Make base images and images."""
    newest = "--newest" in words
    try:
        check_engine()
        command = compose()
        build(command, environ(bases(newest)), newest=newest)
    except Missing as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(CANNOT)
    except Broken as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
