"""The page in a browser: an example is pressed, and its answer appears."""

import pytest
from browsers import needs_chromium, serving, told
from fastapi.responses import HTMLResponse

from kimchi_vision.deploy.server import api, build

pytestmark = [pytest.mark.slow, needs_chromium]

VISITOR = """<script>
addEventListener("load", async () => {
  const until = async (found) => { while (!found()) await new Promise((next) => setTimeout(next, 50)); };
  await until(() => document.querySelector("#examples button"));
  document.querySelector("#examples button").click();
  await until(() => document.querySelector("#bars li"));
  document.getElementById("look").click();
  await until(() => document.querySelector("#view canvas"));
  document.documentElement.style.width = "360px";
  document.body.append(Object.assign(document.createElement("output"), { textContent: JSON.stringify({
    title: document.querySelector("h1").textContent,
    answer: document.getElementById("answer").textContent,
    looked: document.getElementById("looked").textContent,
    places: document.querySelector("#view canvas").width * document.querySelector("#view canvas").height,
    bars: document.querySelectorAll("#bars li").length,
    width: document.querySelector("main").scrollWidth,
  }) }));
});
</script>"""


@pytest.fixture
def address(exported):
    app = build([exported[0].path])
    page = api.page().replace("</body>", f"{VISITOR}</body>")
    app.add_api_route("/visit", lambda: HTMLResponse(page))
    with serving(app) as address:
        yield f"{address}/visit"


@pytest.mark.parametrize(("lang", "title"), [("ko", "무엇을 찍은"), ("en", "What is in")])
def test_an_example_is_answered(address, lang, title, tmp_path):
    seen = told(f"{address}?lang={lang}", tmp_path, "--virtual-time-budget=20000")
    assert seen["title"].startswith(title)
    assert seen["answer"] in ("김치", "깍두기", "A&B")
    assert seen["answer"] in seen["looked"]
    assert seen["places"] == 49
    assert seen["bars"] == 3
    assert seen["width"] <= 360
