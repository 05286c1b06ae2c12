"""Does the page of `export --web` answer as Python does, and how fast?

python benchmarks/web.py RUN PHOTOS; PHOTOS is a folder, of which 200 photos are taken. Needs Chromium and
playwright.
"""

import functools
import http.server
import json
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from kimchi_vision.deploy.export import folders
from kimchi_vision.deploy.predictor import Predictor, find_photos
from kimchi_vision.results.run import Run

PHOTOS = 200


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *given):
        """Nothing."""


def main(run: Run, photos: list[Path]) -> None:
    """Print how many answers are the same, the largest difference, and the milliseconds of a photo."""
    predictor = Predictor(run)
    expected = np.concatenate([predictor.classify([predictor.prepare(photo)]) for photo in photos])
    with tempfile.TemporaryDirectory() as folder:
        folders.page(run, Path(folder) / "page")
        handler = functools.partial(Quiet, directory=f"{folder}/page")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers = answered(f"http://127.0.0.1:{server.server_port}/", photos)
        server.shutdown()
        server.server_close()
    found = np.array([answer["probabilities"] for answer in answers])
    same = int((found.argmax(axis=1) == expected.argmax(axis=1)).sum())
    gaps = np.abs(found - expected).max(axis=1)
    low, middle, high = np.percentile([answer["ms"] for answer in answers], [5, 50, 95])
    print(f"{same} of {len(photos)} the same; gap {gaps.max():.1e}, median {np.median(gaps):.1e}")
    print(f"{middle:.0f} ms a photo (5 % below {low:.0f}, 5 % above {high:.0f})")


def answered(address: str, photos: list[Path]) -> list[dict]:
    """What the page says about each photo."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(address)
        page.wait_for_selector("#main:not([hidden])", timeout=60_000)
        answers = []
        for photo in photos:
            page.evaluate("delete document.body.dataset.answer")
            page.set_input_files("#file", photo)
            page.wait_for_function("document.body.dataset.answer", timeout=60_000)
            answers.append(json.loads(page.evaluate("document.body.dataset.answer")))
        browser.close()
    return answers


if __name__ == "__main__":
    main(Run(Path(sys.argv[1])), find_photos([Path(sys.argv[2])])[:PHOTOS])
