"""A web page and a JSON API over the model.onnx in this folder."""

import os
from pathlib import Path

import uvicorn

from kimchi_vision.deploy.server import build

app = build([Path(__file__).with_name("model.onnx")])

if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "7860")))
