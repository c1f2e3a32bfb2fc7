"""The peer: FastAPI on uvicorn, PyTorch on one thread, Pillow; the canonical network, one process."""

import io

import numpy as np
import torch
from fastapi import FastAPI, Request
from PIL import Image

torch.set_num_threads(1)
nn = torch.nn
model = nn.Sequential(
    nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(-1)
).eval()
app = FastAPI()


@app.post("/png")
async def png(request: Request):
    image = Image.open(io.BytesIO(await request.body())).convert("L").resize((28, 28))
    pixels = np.asarray(image, np.float32).reshape(1, 784) / 255
    with torch.inference_mode():
        probabilities = model(torch.from_numpy(pixels))[0].tolist()
    ranked = sorted(enumerate(probabilities), key=lambda one: -one[1])
    return {"predictions": [{"label": str(label), "probability": value} for label, value in ranked]}


@app.post("/json")
async def json(request: Request):
    instances = (await request.json())["instances"]
    with torch.inference_mode():
        return {"predictions": model(torch.tensor(instances, dtype=torch.float32) / 255).tolist()}
