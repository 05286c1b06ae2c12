"""The page in a browser: an example is pressed, and its answer appears."""

import json
import re
import shutil
import subprocess
import threading
import time

import pytest
import uvicorn
from fastapi.responses import HTMLResponse

from kimchi_vision.serve import build
from kimchi_vision.serve.api import PAGE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium"),
]

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
    page = PAGE.read_text(encoding="utf-8").replace("</body>", f"{VISITOR}</body>")
    app.add_api_route("/visit", lambda: HTMLResponse(page))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/visit"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(("lang", "title"), [("ko", "이 사진은"), ("en", "What is in")])
def test_an_example_is_answered(address, lang, title, tmp_path):
    options = ["--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000"]
    command = [CHROMIUM, *options, "--dump-dom", f"{address}?lang={lang}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told = json.loads(re.search(r"<output>(.*)</output>", done.stdout)[1])
    assert told["title"].startswith(title)
    assert told["answer"] in ("김치", "깍두기", "A&amp;B")
    assert told["answer"] in told["looked"]
    assert told["places"] == 49
    assert told["bars"] == 3
    assert told["width"] <= 360
