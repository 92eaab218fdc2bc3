"""The Studio in a page of Jupyter, as a person reads and turns it."""

from __future__ import annotations

from typing import Any

TRAINING_MS = 240_000  # a kernel that imports torch, on a machine that has other things to do
STEPS = ("Data", "Backbone", "Stages", "Settings", "Train", "Results", "Code")


def step(page: Any, name: str) -> Any:
    """Goes to a step of the Studio by its title."""
    page.locator(".tlw-step").filter(has_text=name).click()
    return page.locator(".tlw-panel:visible")


def points(page: Any) -> int:
    """How many points the curves of the dashboard have."""
    return int(page.locator(".tlw-dashboard").get_attribute("data-points") or 0)


def wait_for_points(page: Any, more_than: int) -> int:
    """Waits until the curves have more points than that, and says how many."""
    from playwright.sync_api import TimeoutError as Late

    more = "(n) => Number(document.querySelector('.tlw-dashboard')?.dataset.points) > n"
    try:
        page.wait_for_function(more, arg=more_than, timeout=TRAINING_MS)
    except Late as late:
        shown = page.locator(".tlw-dashboard").inner_text()
        raise AssertionError(f"{points(page)} points, not more than {more_than}; the dashboard says: {shown}") from late
    return points(page)


def wait_for_status(page: Any, word: str) -> None:
    """Waits until the dashboard says how the run stands, such as "Paused"."""
    page.locator(".tlw-chip").get_by_text(word, exact=True).wait_for(timeout=TRAINING_MS)


def steps_done(page: Any) -> int:
    """Batches that the kernel has counted, asked of the kernel itself through the words beside the bar."""
    return int(page.locator(".tlw-bar[aria-label='Progress of the run']").get_attribute("aria-valuetext").split()[0])


def pause_and_hold(page: Any, dashboard: Any) -> int:
    """Pauses the run, and sees that its curves grow no more; returns their points."""
    dashboard.get_by_role("button", name="Pause").click()
    wait_for_status(page, "Paused")
    page.wait_for_timeout(500)
    held = points(page)
    page.wait_for_timeout(1500)
    assert points(page) == held
    return held
