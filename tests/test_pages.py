"""Every page in a browser: nothing for axe, the checker of accessibility, to find, in light and dark."""

import pytest
from browsers import CHROMIUM, needs_chromium, serving
from conftest import noise
from every_page import written
from small_models import facts, save

from kimchi_vision.base.files import write_text
from kimchi_vision.deploy.export import card, folders
from kimchi_vision.deploy.labelling.choose import choose
from kimchi_vision.deploy.labelling.page import application
from kimchi_vision.deploy.server import Access, build
from kimchi_vision.results.run import Run

pytestmark = [pytest.mark.slow, needs_chromium]

CLASSES = [f"국물이 많은 열무물김치 {number}" for number in range(6)]
"""So long that tables are wider than a phone."""
OPENED = """() => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  document.querySelector(".matrix button")?.click();
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def tabs(browser):
    """A phone by day and a desktop by night."""
    sizes = {"light": {"width": 390, "height": 844}, "dark": {"width": 1280, "height": 800}}
    contexts = [browser.new_context(color_scheme=scheme, viewport=size) for scheme, size in sizes.items()]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def findings(tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(tab).response["violations"]
    return [(each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for seed in range(72):
        noise(folder / "photos" / CLASSES[seed % 6] / f"{seed}.jpg", seed)
    return written(folder, folder / "photos", "ko")


@pytest.mark.parametrize("name", ["report", "bare", "compare", "three", "data", "drift"])
def test_a_page_in_a_file_is_accessible(name, pages, tabs):
    for tab in tabs:
        tab.goto(pages[name].as_uri())
        assert not findings(tab)
        tab.evaluate(OPENED)
        assert not findings(tab)


@pytest.fixture
def address(seven, tmp_path):
    for seed in range(3):
        noise(tmp_path / "inbox" / f"{seed}.jpg", seed)
    with serving(application(seven, choose(tmp_path / "inbox", seven, 10), Access())) as address:
        yield address


def test_the_card_of_a_model_is_accessible(pages, tabs):
    run = Run(pages["bare"].parent)
    save(run.files.onnx, facts(run.vocab))
    write_text(run.files.card, card.text(run))
    with serving(build([run.path])) as address:
        for tab in tabs:
            tab.goto(address)
            tab.locator("#about:not([hidden])").click()
            tab.locator("table").first.wait_for()
            assert not findings(tab)
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_of_label_is_accessible(address, tabs):
    for tab in tabs:
        tab.goto(f"{address}/label")
        tab.wait_for_selector("#classes button")
        assert not findings(tab)


def test_the_page_of_serve_is_accessible_before_and_after_an_answer(address, tabs, tmp_path):
    for tab in tabs:
        tab.goto(address)
        tab.wait_for_selector("#answer:not(:empty)")
        assert not findings(tab)
        tab.set_input_files("#file", tmp_path / "inbox" / "0.jpg")
        tab.wait_for_selector("#bars li")
        assert not findings(tab)


def test_the_page_of_export_web_is_accessible(tabs):
    """Without its script, which needs a model: with words where it puts them."""
    filled = """() => {
      for (const said of document.querySelectorAll("[data-says], #title, #answer")) said.textContent = "김치";
      document.getElementById("main").hidden = false;
    }"""
    for tab in tabs:
        tab.goto((folders.PAGE / "index.html").as_uri())
        tab.evaluate(filled)
        assert not findings(tab)
