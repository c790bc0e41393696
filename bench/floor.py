"""The floor of a job: plain `processing.run` of the same buffer in a warm QGIS, in this process.

`python -m bench.floor TIMES` prints the times in milliseconds as JSON; a buffer each 100 ms, as the jobs
are asked for: what is left in the caches of the processor by then is the same.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from bench.figures import PAUSE_SECONDS, points, timed

FOLDERS = (
    "/usr/lib/python3/dist-packages",
    "/usr/share/qgis/python",
    "/usr/share/qgis/python/plugins",
)


def main(times: int) -> None:
    """Start QGIS, run the buffer so often."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.extend(FOLDERS)
    from qgis.core import QgsApplication  # noqa: PLC0415  # found only now

    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    import processing  # noqa: PLC0415  # needs a started QGIS
    from processing.core.Processing import Processing  # noqa: PLC0415

    Processing.initialize()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.geojson"
        path.write_text(json.dumps(points(10)), "utf-8")

        def run() -> None:
            processing.run(
                "native:buffer",
                {"INPUT": str(path), "DISTANCE": 0.5, "OUTPUT": f"{folder}/out.geojson"},
            )

        print(json.dumps(timed(run, times, pause=PAUSE_SECONDS).values), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
