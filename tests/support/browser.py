"""The installed Chromium, with or without Playwright."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright import async_api
from playwright.sync_api import Browser, sync_playwright

from tests.support.tools import tool

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"

_SCHEMES: tuple[Literal["light", "dark"], ...] = ("dark", "light")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # HeadlessChrome would be a bot.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/150.0.0.0 Safari/537.36",
]


def names(hosts: Mapping[str, int]) -> list[str]:
    """Return options that map host names to local ports, as secure origins."""
    rules = ",".join(f"MAP {host}:80 127.0.0.1:{port}" for host, port in hosts.items())
    secure = ",".join(f"http://{host}" for host in hosts)
    return [
        f"--host-resolver-rules={rules}",
        f"--unsafely-treat-insecure-origin-as-secure={secure}",
    ]


async def axe_violations(page: async_api.Page) -> list[tuple[str, str]]:
    """Return the rules that a page violates in light or dark colours, each with an element.

    The context of the page must bypass its policy, which would block the injected script.
    """
    await page.evaluate(AXE.read_text())
    violations = []
    for scheme in _SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        report = await page.evaluate("axe.run()")
        assert report["passes"]
        violations += [(each["id"], each["nodes"][0]["html"]) for each in report["violations"]]
    return violations


@contextmanager
def driven(hosts: Mapping[str, int]) -> Iterator[Browser]:
    """Run Chromium under Playwright; each context is a reader with separate storage."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=tool("chromium"),
            # Readers do not say navigator.webdriver.
            args=[*QUIET, "--disable-blink-features=AutomationControlled", *names(hosts)],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def alone(hosts: Mapping[str, int], address: str, profile: Path) -> Iterator[None]:
    """Open an address in Chromium without Playwright.

    Under the DevTools protocol Chromium prerenders nothing, and no tab is ever hidden.
    """
    command = [
        tool("chromium"),
        "--headless",
        "--disable-popup-blocking",
        f"--user-data-dir={profile}",
        *QUIET,
        *names(hosts),
        address,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
