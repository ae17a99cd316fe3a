"""A headless Chromium, driven by chromedriver over the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

BROWSER, DRIVER = "chromium", "chromedriver"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's reference, by the standard


class Browser:
    """One window of a running browser."""

    def __init__(self, session: str) -> None:
        self.session = session

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        """One command; returns its value, and fails with the driver's words."""
        sent = body if method == "POST" else None
        answer = requests.request(method, f"{self.session}/{path}", json=sent, timeout=60)
        assert answer.ok, answer.text
        return answer.json()["value"]

    def chrome(self, command: str, **parameters: Any) -> Any:
        """A command of Chrome's own protocol (https://chromedevtools.github.io/devtools-protocol/)."""
        return self("POST", "goog/cdp/execute", cmd=command, params=parameters)

    def open(self, url: str) -> None:
        self("POST", "url", url=url)

    def show(self, width: int, height: int = 900, dark: bool = False) -> None:
        """Give the page that many CSS pixels, and the light or the dark scheme."""
        self.chrome(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, script: str, *arguments: Any) -> Any:
        """What a JavaScript function's body returns in the page."""
        return self("POST", "execute/sync", script=script, args=list(arguments))

    def click(self, text: str) -> None:
        """Click on the link of that text."""
        found = self("POST", "element", using="link text", value=text)
        self("POST", f"element/{found[ELEMENT]}/click")

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.run("return document.body.innerText"))

    def complaints(self) -> list[str]:
        """What the browser's console says since the last look."""
        return [entry["message"] for entry in self("POST", "se/log", type="browser")]

    def photograph(self, path: Path) -> None:
        """Save the whole page as a picture."""
        shot = self.chrome("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in that folder. It ends with the block."""
    driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        address = f"http://127.0.0.1:{_port(driver)}/session"
        options = {"binary": shutil.which(BROWSER), "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        answer = requests.post(address, json={"capabilities": {"alwaysMatch": wanted}}, timeout=60).json()["value"]
        assert "sessionId" in answer, answer
        session = f"{address}/{answer['sessionId']}"
        try:
            yield Browser(session)
        finally:
            requests.delete(session, timeout=60)
    finally:
        driver.terminate()
        driver.wait(timeout=30)


def _port(driver: "subprocess.Popen[str]") -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        found = re.search(r"started successfully on port (\d+)", line)
        if found:
            return int(found[1])
    raise AssertionError("chromedriver did not start")
