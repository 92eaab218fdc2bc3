"""One run and two pages: a second tab shows the same points, and one whose connection was cut catches up."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
START_MS = 240_000  # a kernel imports everything first
CUT = 4000  # JupyterLab connects again unless the code says that the server went away on purpose (1000, 1001)
POINTS = "() => Number(document.querySelector('.tlw-dashboard')?.dataset.points)"
MORE = "(n) => Number(document.querySelector('.tlw-dashboard')?.dataset.points) > n"
CODE = f"""
    import sys; sys.path.insert(0, {str(ROOT / "benchmarks")!r})
    import tlwidgets as tlw
    from page.firehose import Firehose
    hose = Firehose(rate=100)
    dashboard = tlw.TrainingDashboard(hose)
    dashboard
"""


class Wire:
    """Every connection of a page to a kernel; can be cut, as by a laptop that is closed."""

    def __init__(self, page: Any) -> None:
        self.open: list[Any] = []
        self.is_cut = False
        page.route_web_socket("**/channels*", self._connect)

    def _connect(self, socket: Any) -> None:
        if self.is_cut:
            socket.close(code=CUT)
            return
        socket.connect_to_server()
        self.open.append(socket)

    def cut(self) -> None:
        """Ends every connection, and refuses new ones."""
        self.is_cut = True
        while self.open:
            self.open.pop().close(code=CUT)

    def mend(self) -> None:
        """Lets new connections through."""
        self.is_cut = False


def test_a_second_tab_shows_the_run_and_a_cut_connection_catches_up(lab: Any, page: Any) -> None:
    wire = Wire(page)
    lab.open(page, lab.write_notebook("tabs.ipynb", dedent(CODE), "_ = hose.start()"))
    lab.run_all(page)
    page.wait_for_function(MORE, arg=200, timeout=START_MS)
    lab.save(page)

    second = page.context.new_page()
    lab.open(second, "tabs.ipynb")
    second.wait_for_function(MORE, arg=page.evaluate(POINTS))

    wire.cut()
    page.wait_for_timeout(4000)
    asleep = page.evaluate(POINTS)
    second.wait_for_function(MORE, arg=asleep)
    wire.mend()
    page.wait_for_function(MORE, arg=second.evaluate(POINTS))

    second.locator(".tlw-dashboard").get_by_role("button", name="Stop").click()
    for each in (second, page):
        each.locator(".tlw-chip").get_by_text("Stopped", exact=True).wait_for()
        each.wait_for_timeout(500)
        told = each.locator(".tlw-bar[aria-label='Progress of the run']").get_attribute("aria-valuetext").split()[0]
        assert each.evaluate(POINTS) == int(told) > 600
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
    second.close()
