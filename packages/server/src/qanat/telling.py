"""What a person at the terminal sees of the all-in-one, or a log."""

import json
import logging
from contextlib import suppress

import typer

logger = logging.getLogger(__name__)

EXAMPLE = {
    "inputs": {
        "INPUT": {
            "value": {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"name": "Isfahan"},
                        "geometry": {"type": "Point", "coordinates": [51.67, 32.66]},
                    }
                ],
            }
        },
        "DISTANCE": 0.5,
    }
}
"""A first job: a circle around a point."""


def first_command(url: str) -> str:
    """A command to paste into a shell, that runs a first job and prints its result."""
    body = json.dumps(EXAMPLE)
    return (
        f"curl -s {url}/processes/native:buffer/execution \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )


class OnTerminal:
    """Lines for a person."""

    def __init__(self, url: str, stop_seconds: float) -> None:
        """`url` is where the api answers; running jobs have `stop_seconds` to end."""
        self._url = url
        self._stop_seconds = stop_seconds
        self._serves = False

    def ready(self, name: str, seconds: float) -> None:
        """A part does its work."""
        _say(f"  {name:<10} ready {'again ' if self._serves else ''}after {seconds:5.2f} s")

    def serving(self, seconds: float) -> None:
        """All parts do: where, and a first job."""
        self._serves = True
        _say(
            f"\nQanat serves {self._url}/ (started in {seconds:.1f} s; Ctrl-C stops it)."
            f" A first job:\n\n{first_command(self._url)}\n"
        )

    def died(self, name: str, how: str, pause: float) -> None:
        """A part is started again."""
        _say(f"  {name:<10} ended with {how}: starting it again in {pause:g} s")

    def stopping(self) -> None:
        """We were told to stop."""
        _say(
            f"\nStopping: running jobs have {self._stop_seconds:g} s to end, then wait for the next"
            " start (Ctrl-C again: at once)."
        )

    def killed(self, name: str, seconds: float) -> None:
        """A part did not stop in time."""
        _say(f"  {name:<10} did not stop within {seconds:g} s: killed")


def _say(text: str) -> None:
    """Print; a terminal that was closed hears no more, and stops nothing."""
    with suppress(OSError):
        typer.echo(text)


class InLog:
    """Lines for a log."""

    def __init__(self, url: str) -> None:
        """`url` is where the api answers."""
        self._url = url

    def ready(self, name: str, seconds: float) -> None:
        """A part does its work."""
        logger.info("the %s is ready after %.2f s", name, seconds)

    def serving(self, seconds: float) -> None:
        """All parts do."""
        logger.info("serving %s/ after %.2f s", self._url, seconds)

    def died(self, name: str, how: str, pause: float) -> None:
        """A part is started again."""
        logger.warning("the %s ended with %s: starting it again in %g s", name, how, pause)

    def stopping(self) -> None:
        """We were told to stop."""
        logger.info("stopping")

    def killed(self, name: str, seconds: float) -> None:
        """A part did not stop in time."""
        logger.warning("the %s did not stop within %g s: killed", name, seconds)
