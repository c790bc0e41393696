"""A browser: Debian's Chromium without a window, driven over its DevTools protocol."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.sync.client import ClientConnection, connect

ASSETS = Path(__file__).parents[1] / "assets"
SECONDS = 20.0
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

KEYS: dict[str, tuple[str, int, str]] = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "Home": ("Home", 36, ""),
    "End": ("End", 35, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "Escape": ("Escape", 27, ""),
    "a": ("KeyA", 65, "a"),
}
"""Key → its code, its number, the text that it writes."""

FOCUSED = """(() => {
  const e = document.activeElement;
  return {tag: e.tagName.toLowerCase(), id: e.id, name: e.name ?? "", text: e.textContent.trim(),
          href: e.href ?? "", type: e.type ?? "", role: e.getAttribute("role") ?? ""};
})()"""


@dataclass
class Browser:
    """One tab. What it fetched, logged and asked is kept."""

    socket: ClientConnection
    until: Callable[..., Any]
    numbers: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.numbers += 1
        self.socket.send(json.dumps({"id": self.numbers, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(SECONDS))
            if message.get("id") == self.numbers:
                assert "error" not in message, (method, message)
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    def of(self, method: str) -> list[dict[str, Any]]:
        """What happened of a kind, up to now."""
        with suppress(TimeoutError):
            while True:
                self.events.append(json.loads(self.socket.recv(0.02)))
        return [event["params"] for event in self.events if event["method"] == method]

    def clear(self) -> None:
        self.events.clear()

    def goto(self, url: str) -> None:
        self.clear()
        self.call("Page.navigate", url=url)
        self.loaded()

    def loaded(self) -> None:
        """Wait until a page has been loaded since the last look."""
        self.until(lambda: self.of("Page.loadEventFired"), SECONDS)

    def evaluate(self, expression: str) -> Any:
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    @property
    def url(self) -> str:
        history = self.call("Page.getNavigationHistory")
        return str(history["entries"][history["currentIndex"]]["url"])

    @property
    def text(self) -> str:
        return str(self.evaluate("document.body?.innerText ?? ''"))

    # The keyboard ----------------------------------------------------------------------------

    def press(self, key: str, modifiers: int = 0) -> None:
        code, number, text = KEYS[key]
        own = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="" if modifiers else text, **own)
        self.call("Input.dispatchKeyEvent", type="keyUp", **own)

    def write(self, text: str) -> None:
        """Write over what a control holds."""
        control = 2
        self.call(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key="a",
            code="KeyA",
            windowsVirtualKeyCode=65,
            modifiers=control,
            commands=["selectAll"],
        )
        self.call("Input.insertText", text=text)

    def tab_to(self, wanted: Callable[[dict[str, str]], bool], most: int = 400) -> None:
        """Press Tab until the focus is where it is wanted; each stop must be visible."""
        for _ in range(most):
            self.press("Tab")
            focused = self.evaluate(FOCUSED)
            if wanted(focused):
                assert self.evaluate(
                    "(() => { const s = getComputedStyle(document.activeElement);"
                    " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; })()"
                ), f"the focus is not to be seen on {focused}"
                return
        pytest.fail(f"not reached by Tab; the last was {focused}")

    def choose_file(self, path: Path) -> None:
        """Open the file chooser of the focused control by the keyboard, and choose."""
        self.call("Page.setInterceptFileChooserDialog", enabled=True)
        self.clear()
        self.press(" ")
        (opened,) = self.until(lambda: self.of("Page.fileChooserOpened"))
        self.call("DOM.setFileInputFiles", files=[str(path)], backendNodeId=opened["backendNodeId"])

    def press_and_load(self, key: str = "Enter") -> None:
        self.clear()
        self.press(key)
        self.loaded()

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            own = {"x": x, "y": y, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, **own)

    # What is seen ----------------------------------------------------------------------------

    def scripts(self, *, on: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def wide(self, width: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, name: str) -> None:
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": name}],
        )

    def speak(self, language: str) -> None:
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA."""
        self.evaluate((ASSETS / "axe.min.js").read_text("utf-8") + "; undefined")
        options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
        found = self.evaluate(f"axe.run(document, {json.dumps(options)})")
        assert len(found["passes"]) > 10
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def check(self, host: str) -> None:
        """Nothing was fetched from elsewhere, refused by the policy, broken, or asked by a dialog."""
        urls = [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]
        foreign = [url for url in urls if urlsplit(url).netloc not in (host, "")]
        assert not foreign
        assert not self.of("Page.javascriptDialogOpening")
        assert not self.of("Runtime.exceptionThrown")
        entries = [event["entry"] for event in self.of("Log.entryAdded")]
        assert not [entry for entry in entries if entry["source"] in ("security", "javascript")]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, until: Callable[..., Any]) -> Iterator[int]:
    """A running Chromium; the port of its DevTools."""
    binary = shutil.which("chromium")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("chromium")
    options = "--headless=new --no-sandbox --disable-gpu --no-first-run --remote-debugging-port=0"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *options.split(), f"--user-data-dir={folder}", "about:blank"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    port = folder / "DevToolsActivePort"
    until(lambda: port.exists() and port.read_text("utf-8").count("\n"), 30)
    yield int(port.read_text("utf-8").splitlines()[0])
    process.terminate()
    process.wait(20)


@pytest.fixture
def browser(chromium: int, until: Callable[..., Any]) -> Iterator[Browser]:
    """A tab of its own."""
    made = httpx2.put(f"http://127.0.0.1:{chromium}/json/new?about:blank").json()
    with connect(made["webSocketDebuggerUrl"], max_size=None) as socket:
        tab = Browser(socket, until)
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.call(f"{domain}.enable")
        tab.wide(1280)
        yield tab
    httpx2.get(f"http://127.0.0.1:{chromium}/json/close/{made['id']}")


@pytest.fixture(scope="session")
def assets() -> Path:
    return ASSETS
