"""A browser, a bare page for one widget, and one JupyterLab for all tests that need a real one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tlwidgets

STATIC = Path(tlwidgets.__file__).parent / "static"
LABEXTENSION = Path(tlwidgets.__file__).parent / "labextension"
AXE = Path(__file__).parents[2] / "tlwidgets/frontend/node_modules/axe-core/axe.min.js"
CHROMIUM = os.environ.get("TLW_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000  # a shared machine may be slow; nothing waits longer than it must


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium. Without one, tests skip, unless TLW_REQUIRE_BROWSER says that they must run."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).is_file():
        absent = pytest.fail if os.environ.get("TLW_REQUIRE_BROWSER") else pytest.skip
        absent(f"There is no Chromium at {CHROMIUM}; install it, or name one in TLW_CHROMIUM.")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def not_ours() -> tuple[str, ...]:
    """Script errors of Jupyter's own, which a test file may name; by default none is let pass."""
    return ()


@pytest.fixture
def page(chromium: Any, not_ours: tuple[str, ...]) -> Iterator[Any]:
    """A fresh page of notebook width; a script error in it fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert [error for error in errors if error not in not_ours] == []


@pytest.fixture(scope="session")
def screenshot(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], Path]:
    """Saves a picture of a page or an element, in the folder that TLW_SCREENSHOTS names or a temporary one."""
    folder = Path(os.environ.get("TLW_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def save(target: Any, name: str) -> Path:
        path = folder / f"{name}.png"
        target.screenshot(path=str(path))
        return path

    return save


FAKE_MODEL = """
async ({ esm, state }) => {
  const listeners = new Map();
  const all = (event) => [...(listeners.get(event) ?? [])];
  const model = {
    state, sent: [], saved: [],
    get: (key) => model.state[key],
    set: (key, value) => { model.state[key] = value; all(`change:${key}`).forEach((f) => f()); },
    save_changes: () => model.saved.push({ ...model.state }),
    send: (content) => model.sent.push(content),
    on: (event, listener) => listeners.set(event, [...all(event), listener]),
    off: (event, listener) => listeners.set(event, listener ? all(event).filter((f) => f !== listener) : []),
    receive: (content, buffers = []) => all("msg:custom").forEach((f) => f(content, buffers)),
    emit: (event) => all(event).forEach((f) => f()),
    count: () => [...listeners.values()].flat().length,
  };
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const module = await import(url);
  window.model = model;
  window.render = () => module.default.render({ model, el: document.querySelector("#widget") });
  window.cleanup = await window.render();
  window.rows = (rows, width) => new DataView(new Float32Array(rows.flat()).buffer);
}
"""


class BarePage:
    """One widget in a page without Jupyter, with a model that only remembers what it is told."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self._heard = 0

    def mount(self, stem: str, state: dict[str, Any], *, dark: bool = False, width: int = 900) -> Any:
        """Draws a widget.

        Args:
            stem: Which one, such as "picker".
            state: Its traits.
            dark: Whether in JupyterLab's dark theme.
            width: Of the widget, pixels.

        Returns:
            The locator of the widget's root.
        """
        if not (STATIC / f"{stem}.js").is_file():
            pytest.fail("The front end is not built: npm ci && npm run build in tlwidgets/frontend.")
        self.page.set_content(
            f'<!doctype html><body data-jp-theme-light="{str(not dark).lower()}" '
            'style="margin:0;background:var(--jp-layout-color1)">'
            f'<div id="widget" style="width:{width}px;padding:20px;box-sizing:border-box"></div></body>'
        )
        self.page.add_style_tag(content=theme_css(dark))
        self.page.add_style_tag(content=(STATIC / f"{stem}.css").read_text("utf-8"))
        module = (STATIC / f"{stem}.js").read_text("utf-8")
        self.page.evaluate(FAKE_MODEL, {"esm": module, "state": {"error_text": "", **state}})
        return self.page.locator("#widget .tlw-root")

    def show(self, widget: Any, *, dark: bool = False, width: int = 900) -> Any:
        """Draws a real widget of the kernel as it stands, whose channel is a ``FakeComm``; returns the root."""
        hidden = {"layout", "tabbable", "tooltip"}
        state = {key: value for key, value in widget.get_state().items() if key[0] != "_" and key not in hidden}
        self._heard = 0
        root = self.mount(type(widget).__module__.rpartition(".")[2], state, dark=dark, width=width)
        self.pass_on(widget)
        return root

    def pass_on(self, widget: Any) -> None:
        """Gives the kernel what the page has said since, and the page what the kernel answers."""
        before = len(widget.comm.messages)
        for state in self.page.evaluate("model.saved.splice(0)"):
            widget.set_state({key: value for key, value in state.items() if getattr(widget, key, value) != value})
        said = self.sent[self._heard :]
        self._heard += len(said)
        for content in said:
            widget._handle_custom_msg(content, [])
        for message in widget.comm.messages[before:]:
            if message.kind == "custom":
                self.receive_files(message.content, *message.buffers)
            for key, value in message.content.items() if message.kind == "update" else ():
                self.set(key, value)

    def receive_files(self, content: dict[str, Any], *files: bytes) -> None:
        """Delivers a message of the kernel with files, such as pictures."""
        values = [list(file) for file in files]
        deliver = (
            "([content, files]) => model.receive(content, files.map((f) => new DataView(new Uint8Array(f).buffer)))"
        )
        self.page.evaluate(deliver, [content, values])

    def set(self, key: str, value: Any) -> None:
        """Changes a trait from the kernel's side."""
        self.page.evaluate("([key, value]) => model.set(key, value)", [key, value])

    def receive(self, content: dict[str, Any], *tables: list[list[float]]) -> None:
        """Delivers a message of the kernel, each table as a float32 buffer."""
        self.page.evaluate("([content, tables]) => model.receive(content, tables.map(rows))", [content, list(tables)])

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Messages that the page sent to the kernel."""
        messages: list[dict[str, Any]] = self.page.evaluate("model.sent")
        return messages

    def answer(self, *, ok: bool = True, error: str = "") -> dict[str, Any]:
        """Acknowledges the latest command, and returns it."""
        command = next(message for message in reversed(self.sent) if message["t"] == "cmd")
        self.receive({"t": "ack", "id": command["id"], "ok": ok, "error": error})
        return command


def theme_css(dark: bool) -> str:
    """JupyterLab's own style variables."""
    name = f"theme-{'dark' if dark else 'light'}-extension"
    path = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab" / name / "index.css"
    return path.read_text("utf-8")


# JupyterLab's body hides what overflows and has no height of its own: axe takes all that it holds for hidden, and would
# measure the contrast of nothing but form fields.
AXE_RUN = """async (selector) => {
  const before = document.body.style.minHeight;
  document.body.style.minHeight = "100vh";
  try {
    return await axe.run(selector, { resultTypes: ["violations", "passes"] });
  } finally {
    document.body.style.minHeight = before;
  }
}"""


@pytest.fixture(scope="session")
def audit() -> Callable[..., None]:
    """Judges a part of a page with axe-core; what is serious or critical fails the test."""
    if not AXE.is_file():
        pytest.fail("axe-core is not installed: npm ci in tlwidgets/frontend.")
    source = AXE.read_text("utf-8")

    def judge(page: Any, selector: str) -> None:
        page.evaluate(source)
        found = page.evaluate(AXE_RUN, selector)
        # Unless the contrast of some text was really measured, no fault means nothing.
        measured = [node for rule in found["passes"] if rule["id"] == "color-contrast" for node in rule["nodes"]]
        assert any(not node["html"].startswith(("<input", "<select", "<textarea")) for node in measured)
        serious = [rule for rule in found["violations"] if rule["impact"] in {"serious", "critical"}]
        faults = [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in serious for node in rule["nodes"]
        ]
        assert not faults, "\n".join(faults)

    return judge


@pytest.fixture
def bare(page: Any) -> BarePage:
    """A page without Jupyter for one widget."""
    return BarePage(page)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Attributes:
        url: Its address, without a slash at the end.
        root: The folder that it serves; put notebooks there.
    """

    url: str
    root: Path

    def write_notebook(self, name: str, *cells: str) -> str:
        """Writes a notebook of code cells and returns its name."""
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{i}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": cell,
                }
                for i, cell in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.root / name).write_text(json.dumps(content), "utf-8")
        return name

    def open(self, page: Any, name: str, *, reset: bool = True) -> None:
        """Opens a notebook and waits until its kernel answers."""
        page.goto(f"{self.url}/lab/tree/{name}{'?reset' if reset else ''}")
        page.wait_for_selector(".jp-Notebook", state="visible")
        dialog = page.locator(".jp-Dialog button.jp-mod-accept")
        if dialog.count():
            dialog.first.click()
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )

    def open_in_notebook(self, page: Any, name: str) -> None:
        """Opens a notebook in Notebook 7, which the same server offers, and waits until its kernel answers."""
        page.goto(f"{self.url}/notebooks/{name}")
        page.wait_for_selector(".jp-Notebook", state="visible")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )

    def run_all(self, page: Any) -> None:
        """Runs all cells; does not wait for their end."""
        page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells') }")

    def save(self, page: Any) -> None:
        """Saves the notebook in front."""
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def set_theme(self, page: Any, name: str) -> None:
        """Changes the theme: "JupyterLab Light" or "JupyterLab Dark"."""
        page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        light = str(name.endswith("Light")).lower()
        page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all browser tests, with settings and data of its own."""
    home = tmp_path_factory.mktemp("lab")
    root = home / "notebooks"
    root.mkdir()
    _write_settings(home / "config")
    if not LABEXTENSION.is_dir():
        pytest.fail("The extension of JupyterLab is not built: python hatch_build.py.")
    (home / "labextensions").mkdir()
    (home / "labextensions" / "tlwidgets").symlink_to(LABEXTENSION)  # this one, before any that is installed
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (home / "lab.log").open("w") as log:
        process = subprocess.Popen(_command(port, root, home), env=_environment(home), stdout=log, stderr=log, cwd=root)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(url, process, home / "lab.log")
            yield Lab(url, root)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends JupyterLab, which ends every kernel first; a kernel may be busy."""
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        # Where a kernel was just being shut down, jupyter_server stops half way ("Kernel does not exist") and stays.
        process.kill()
        process.wait(timeout=60)


def _command(port: int, root: Path, home: Path) -> list[str]:
    return [
        sys.executable,
        *("-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.extra_labextensions_path={home / 'labextensions'}",
        f"--JupyterNotebookApp.extra_labextensions_path={home / 'labextensions'}",
    ]


def _environment(home: Path) -> dict[str, str]:
    folders = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "config/lab/user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    return {**os.environ, **{name: str(folder) for name, folder in folders.items()}, "OMP_NUM_THREADS": "1"}


def _write_settings(config: Path) -> None:
    extension = config / "lab/user-settings/@jupyterlab/apputils-extension"
    extension.mkdir(parents=True)
    (extension / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api/status", timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
