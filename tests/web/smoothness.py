"""How smooth a page is and how large its heap, as the browser says."""

from dataclasses import dataclass

from playwright.async_api import CDPSession, Page

FRAMES = """(milliseconds) => new Promise((resolve) => {
  const gaps = [], long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const end = last + milliseconds;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(frame);
    else { observer.disconnect(); resolve({ gaps, long }); }
  };
  requestAnimationFrame(frame);
})"""


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of some seconds: how many a second, how long they took, and the tasks that took more than 50 ms."""

    a_second: float
    median_ms: float
    p99_ms: float
    longest_ms: float
    long_tasks: int
    long_tasks_ms: float

    def __str__(self) -> str:
        return (
            f"{self.a_second:.1f} frames/s; a frame: median {self.median_ms:.1f} ms, 99 % {self.p99_ms:.1f} ms, "
            f"longest {self.longest_ms:.1f} ms; tasks over 50 ms: {self.long_tasks}, {self.long_tasks_ms:.0f} ms in all"
        )


async def frames(page: Page, seconds: float) -> Frames:
    """Watch the frames of the page for so long."""
    found = await page.evaluate(FRAMES, seconds * 1000)
    gaps = sorted(found["gaps"][1:])
    median, late = (gaps[min(len(gaps) - 1, int(share * len(gaps)))] for share in (0.5, 0.99))
    return Frames(len(gaps) / seconds, median, late, gaps[-1], len(found["long"]), sum(found["long"]))


async def heap(session: CDPSession) -> float:
    """MB of the heap in use after a collection."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6
