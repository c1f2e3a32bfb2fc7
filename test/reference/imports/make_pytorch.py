"""Makes the ONNX files that PyTorch writes, by its exporter and by the one before, and what PyTorch predicts. Run by hand:

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2
    python test/reference/imports/make_pytorch.py
"""

import json
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent


def main():
    torch.manual_seed(0)
    hidden = [nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 6), nn.LayerNorm(6), nn.GELU()]
    model = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(6, 5), nn.SiLU(), nn.Linear(5, 3), nn.Softmax(1))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    model.train()
    model(torch.randn(50, 1, 4, 3))  # moving means that are not 0
    model.eval()
    inputs = torch.randn(4, 1, 4, 3)
    batch = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    torch.onnx.export(model, (inputs,), HERE / "pytorch.onnx", opset_version=20, external_data=False, **batch)
    old = {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    torch.onnx.export(model, (inputs,), HERE / "pytorch-legacy.onnx", opset_version=17, **old)
    outputs = model(inputs).tolist()
    predictions = {"pytorch": torch.__version__, "inputs": inputs.flatten(1).tolist(), "outputs": outputs}
    (HERE / "pytorch.json").write_text(json.dumps(predictions))


if __name__ == "__main__":
    main()
