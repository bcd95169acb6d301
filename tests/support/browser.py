"""A headless Chromium to open reports in, over the DevTools protocol through two pipes: no package, no port.

    def test_it(tmp_path):
        with browser.session() as chromium:  # skips the test where there is none
            page = chromium.open(tmp_path / "report.html", width=400, dark=True)
            assert page.problems == [] and page.overflow() == []

Protocol: https://chromedevtools.github.io/devtools-protocol/; with `--remote-debugging-pipe` Chromium reads
JSON messages, each with a zero byte at its end, from file descriptor 3 and writes them to 4.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
#: Seconds for any answer; a machine that is busy with other things takes its time.
PATIENCE_S = 60


@contextlib.contextmanager
def session() -> Iterator[Browser]:
    """A browser with a fresh profile; skips the test where no Chromium is installed or none starts."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser to open the report in: none of {', '.join(NAMES)} is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            try:
                browser.call("Browser.getVersion")
            except (OSError, EOFError, TimeoutError) as error:
                pytest.skip(f"{program} does not start here: {error or type(error).__name__}")
            yield browser
        finally:
            browser.close()


class Browser:
    """A running Chromium."""

    def __init__(self, program: str, profile: str) -> None:
        its_read, self.write = os.pipe()
        self.read, its_write = os.pipe()
        # Out of the way of 3 and 4, which the ends are copied to in the child.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (its_read, its_write)]
        null = os.devnull
        self.pid = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            os.environ | {"HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, ends[0], 3),
                (os.POSIX_SPAWN_DUP2, ends[1], 4),
            ],
            setsid=True,
        )
        for end in (its_read, its_write, *ends):
            os.close(end)
        self.buffer, self.number = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """What the browser answers to one command; what else it says meanwhile goes to `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        os.write(
            self.write, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        )
        while (answer := self.receive()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def receive(self) -> dict[str, Any]:
        """The next message. Raises TimeoutError, or EOFError where the browser is gone."""
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self.buffer:
            if not select.select([self.read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError(f"the browser said nothing for {PATIENCE_S} s")
            if not (part := os.read(self.read, 1 << 20)):
                raise EOFError("the browser has ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def wait_for(self, method: str, session: str) -> None:
        """Until the event `method` of a page has come."""
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self.receive())

    def open(self, path: Path, width: int = 1400, dark: bool = False, printed: bool = False) -> Page:
        """A file in a page of its own, `width` pixels wide, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        page = Page(self, session)
        page.show(width, dark, printed)
        self.call("Page.navigate", session, url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired", session)
        return page

    def close(self) -> None:
        """End the browser and all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.read)
        os.close(self.write)


class Page:
    """One file that is open in the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def show(self, width: int, dark: bool = False, printed: bool = False) -> None:
        """Show it at another width, in the dark, or as it is printed."""
        self.browser.call(
            "Emulation.setDeviceMetricsOverride", self.session,
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.call(
            "Emulation.setEmulatedMedia",
            self.session,
            media="print" if printed else "screen",
            features=[scheme],
        )

    def run(self, script: str, wait: bool = False) -> Any:
        """The value of a JavaScript expression, as JSON has it; `wait` for what it promises.

        Raises RuntimeError if it throws.
        """
        answer = self.browser.call(
            "Runtime.evaluate", self.session, expression=script, returnByValue=True, awaitPromise=wait
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, such as "ArrowRight" or "Tab"."""
        codes = {
            "Tab": 9,
            "Escape": 27,
            "Enter": 13,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
        }
        for kind in ("keyDown", "keyUp"):
            self.browser.call(
                "Input.dispatchKeyEvent", self.session,
                type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key],
                text="\r" if key == "Enter" and kind == "keyDown" else "",
            )  # fmt: skip

    def point_at(self, selector: str) -> None:
        """Scroll the first element that the CSS selector finds into view and rest the pointer on it."""
        place = self.run(f"""(() => {{
          const e = document.querySelector({json.dumps(selector)});
          e.scrollIntoView({{ block: "center", behavior: "instant" }});
          const box = e.getClientRects()[0];  // of a name that takes two lines, the first of them
          return [box.left + box.width / 2, box.top + box.height / 2];
        }})()""")
        self.run("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))", wait=True)
        for x, y in ((0, 0), place):
            self.browser.call("Input.dispatchMouseEvent", self.session, type="mouseMoved", x=x, y=y)

    @property
    def problems(self) -> list[str]:
        """What is wrong so far: what the console was told, exceptions, and every request but for the file."""
        self.run("0")  # what was said before this has come when this is answered
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            elif method in ("Runtime.consoleAPICalled", "Log.entryAdded"):
                found.append(str(params.get("entry", params)))
            elif method == "Network.requestWillBeSent" and params["request"]["url"].startswith(
                ("http", "ws")
            ):
                found.append(f"request: {params['request']['url']}")
            elif method == "Page.javascriptDialogOpening":
                found.append(f"dialog: {params['message']}")
        return found

    def overflow(self) -> list[str]:
        """What reaches over the right edge of the page, unless it scrolls in a box of its own."""
        return self.run("""(() => {
          const width = document.documentElement.clientWidth;
          const inBox = (e) => /auto|scroll|hidden/.test(getComputedStyle(e).overflowX)
            && e.getBoundingClientRect().right <= width + 1;
          const scrolls = (e) => e && (inBox(e) || scrolls(e.parentElement));
          const over = (e) => e.getBoundingClientRect().right > width + 1;
          const wide = [...document.body.querySelectorAll("*")].filter((e) =>
            over(e) && !e.closest("svg svg") && !scrolls(e.parentElement));
          if (document.documentElement.scrollWidth > width) wide.unshift(document.documentElement);
          return wide.map((e) => `${e.tagName} ${e.getAttribute("class")} ${e.textContent.slice(0, 60)}`);
        })()""")

    def broken_words(self) -> list[str]:
        """The words that begin on one line and go on in the next; code and pictures are left out."""
        return self.run("""(() => {
          const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const node = walker.currentNode, parent = node.parentElement;
            if (parent.closest("pre, code, script, svg, .hidden, .theme legend")) continue;
            for (const word of node.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
              const range = document.createRange();
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              const drawn = [...range.getClientRects()].filter((box) => box.width);
              if (new Set(drawn.map((box) => Math.round(box.top))).size > 1) found.push(word[0]);
            }
          }
          return found;
        })()""")

    def screenshot(self, path: Path, most: int = 12000) -> Path:
        """The whole page, up to `most` pixels high, as the PNG `path`."""
        size = self.browser.call("Page.getLayoutMetrics", self.session)["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], most), "scale": 1}
        shot = self.browser.call(
            "Page.captureScreenshot", self.session, format="png", captureBeyondViewport=True, clip=clip
        )
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
