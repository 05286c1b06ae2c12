"""The pictures of the README, from a run of the quickstart: python docs/pictures.py [LANGUAGE...]"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from kimchi_vision.config.sections import Report
from kimchi_vision.results import report
from kimchi_vision.results.run import Run

DOCS = Path(__file__).parent
EXPERIMENT = "experiments/quickstart.yaml"
WIDTH, HEIGHT = 1280, 800


def main(languages: list[str]) -> None:
    """Run the quickstart in each language, in a folder that is deleted, and write console and report."""
    with tempfile.TemporaryDirectory() as folder:
        for language in languages:
            exports = Path(folder) / language
            lines = f"$ python -m kimchi_vision run {EXPERIMENT}\n{_run(exports, language)}"
            console_picture(lines.rstrip(), DOCS / f"console.{language}.svg")
            page = report.write(Run.open(exports / "quickstart"), Report(lang=language))
            report_picture(page, DOCS / f"report.{language}.webp")


def console_picture(said: str, file: Path) -> None:
    """What a terminal shows, as SVG."""
    console = Console(record=True, width=110, file=io.StringIO(), highlight=False)
    console.print(Text(said))
    drawn = console.export_svg(title="kimchi_vision")
    # Nothing is loaded from elsewhere: a reader's own font is good enough.
    file.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")


def report_picture(page: Path, file: Path) -> None:
    """The first screen of a page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("The picture of the report needs Chromium: apt install chromium")
    shot = page.with_name("shot.png")
    options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=4000"]
    size = f"--window-size={WIDTH},{HEIGHT}"
    profile = f"--user-data-dir={page.parent / 'profile'}"
    subprocess.run(
        [browser, *options, size, profile, f"--screenshot={shot}", page.resolve().as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with Image.open(shot) as image:
        image.convert("RGB").save(file, "WEBP", quality=80)


def _run(exports: Path, language: str) -> str:
    """What the command says while it works, and at its end."""
    words = ["-m", "kimchi_vision", "run", EXPERIMENT, "--exports", str(exports), "--lang", language]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    said = done.stderr + done.stdout
    return said.replace(str(exports), "exports").replace(str(Path.home()), "~")


if __name__ == "__main__":
    main(sys.argv[1:] or ["en"])
