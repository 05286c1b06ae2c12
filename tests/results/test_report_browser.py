"""The page in a browser: opened from a file, its cells pressed, nothing asked of the network."""

import numpy as np
import pytest
from browsers import needs_chromium, told
from fake_runs import fake_run

from kimchi_vision import data
from kimchi_vision.base.files import write_table
from kimchi_vision.config.sections import Data, Report
from kimchi_vision.data.audit import audit
from kimchi_vision.data.page import write as write_page
from kimchi_vision.results import embedding, report

pytestmark = [pytest.mark.slow, needs_chromium]

# Presses the first wrong cell, closes the photos, and goes one cell on with an arrow key.
VISITOR = """<script>
const cell = document.querySelector(".matrix td.wrong button");
cell.focus();
cell.click();
const opened = {
  cell: cell.textContent,
  title: document.getElementById("photos-title").textContent,
  photos: dialog.querySelectorAll("img").length,
};
dialog.close();
const start = document.querySelector(".matrix td.right button");
start.focus();
start.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
document.getElementById("shares").click();
const form = document.getElementById("filters");
const wrong = document.querySelectorAll("#gallery figure").length;
form.elements.sure.value = 95;
form.dispatchEvent(new Event("input"));
document.body.append(Object.assign(document.createElement("output"), { textContent: JSON.stringify({
  ...opened,
  moved: document.activeElement !== start && document.activeElement.closest("td") !== null,
  share: cell.textContent,
  wrong,
  sure: document.querySelectorAll("#gallery figure").length,
  beyond: document.documentElement.scrollWidth - innerWidth,
  asked: performance.getEntriesByType("resource").filter((entry) => !entry.name.startsWith("data:")).length,
}) }));
</script>"""


@pytest.fixture
def page(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"깍두기": 30, "배추김치": 30}), valid_pct=0.5), tmp_path)
    return report.write(fake_run(tmp_path / "run", photos, skill=0), Report(lang="ko"))


def test_cells_open_their_photos_and_a_phone_shows_the_page(page, tmp_path):
    visited = page.with_name("visited.html")
    visited.write_text(page.read_text("utf-8").replace("</body>", f"{VISITOR}</body>"), encoding="utf-8")
    seen = told(visited.as_uri(), tmp_path / "browser", "--window-size=500,900")
    assert seen["photos"] == int(seen["cell"]) > 0
    assert "실제" in seen["title"]
    assert seen["moved"]
    assert seen["share"].endswith("%")
    assert seen["wrong"] > seen["sure"]
    assert seen["beyond"] <= 0
    assert seen["asked"] == 0


def test_the_audit_page_opens_offline_in_korean(folder_of, tmp_path):
    root = folder_of({"깍두기": 4, "배추김치": 4})
    (root / "깍두기" / "empty.jpg").write_bytes(b"")
    write_page(audit(root, tmp_path), tmp_path / "page.html", lang="ko")
    script = """<script>document.body.append(Object.assign(document.createElement("output"), {
      textContent: JSON.stringify({
        drawn: [...document.images].every((image) => image.naturalWidth > 0),
        asked: performance.getEntriesByType("resource").filter((e) => !e.name.startsWith("data:")).length,
        shown: document.body.innerText,
      }) }));</script></body>"""
    visited = tmp_path / "visited.html"
    visited.write_text((tmp_path / "page.html").read_text("utf-8").replace("</body>", script), "utf-8")
    seen = told(visited.as_uri(), tmp_path / "browser")
    assert seen["drawn"]
    assert seen["asked"] == 0
    assert "읽을 수 없는 사진이 1장 있습니다(" in seen["shown"]
    assert "배추김치" in seen["shown"]


# Presses the map where a photo lies, goes on with an arrow key, and picks a class.
READER = """<script>
const dot = document.querySelector("#plane circle:not(.shown)");
const plane = document.getElementById("plane");
const box = dot.getBoundingClientRect();
const middle = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
plane.dispatchEvent(new MouseEvent("click", middle));
const pressed = dot.classList.contains("shown");
const similar = document.querySelectorAll("#beside .photos figure").length;
for (const key of ["ArrowLeft", "ArrowRight"]) plane.dispatchEvent(new KeyboardEvent("keydown", { key }));
const moved = document.querySelectorAll("#plane circle.shown").length;
document.querySelector("#legend button").click();
document.body.append(Object.assign(document.createElement("output"), { textContent: JSON.stringify({
  pressed, similar, moved, dim: document.querySelectorAll("#plane circle.dim").length,
  beyond: document.documentElement.scrollWidth - innerWidth,
}) }));
</script>"""


def test_the_map_shows_a_photo_with_those_most_like_it(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"깍두기": 24, "배추김치": 24}), valid_pct=0.5), tmp_path)
    run = fake_run(tmp_path / "run", photos, skill=1)
    paths = run.predictions.paths
    features = np.random.default_rng(0).normal(size=(len(paths), 8))
    write_table(run.files.embedding, embedding.laid_out(features, paths))
    page = report.write(run, Report(lang="ko"))
    page.write_text(page.read_text("utf-8").replace("</body>", f"{READER}</body>"), encoding="utf-8")
    seen = told(page.as_uri(), tmp_path / "browser", "--window-size=500,900")
    assert (seen["pressed"], seen["similar"], seen["moved"]) == (True, embedding.NEAR, 1)
    assert 0 < seen["dim"] < len(paths)
    assert seen["beyond"] <= 0
