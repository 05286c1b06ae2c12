"""Run on a Mac beside model.mlpackage: does Core ML answer as the trained network did?

pip install coremltools pillow
"""

import coremltools
import numpy as np
from PIL import Image

LARGEST_GAP = 0.02  # half precision

model = coremltools.models.MLModel("model.mlpackage")
asked = np.load("check.npz")
classes = list(asked["classes"])
answers = []
for square in asked["squares"]:
    said = next(
        value
        for value in model.predict({"image": Image.fromarray(square)}).values()
        if isinstance(value, dict)
    )
    answers.append([said[name] for name in classes])
same = np.argmax(answers, axis=1) == asked["probabilities"].argmax(axis=1)
gap = np.abs(np.array(answers) - asked["probabilities"]).max()
print(f"{same.sum()} of {len(same)} answers are the same; no probability differs by more than {gap:.1e}.")
raise SystemExit(0 if same.all() and gap <= LARGEST_GAP else 1)
