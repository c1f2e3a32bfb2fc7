"""PyTorch, eager: the data in one tensor, the fused Adam, as many threads as the job says."""

import torch
from contest import JOB, Clock, read_split, report

torch.set_num_threads(JOB["threads"])
torch.manual_seed(JOB["seed"])
features, labels = map(torch.from_numpy, read_split("train"))
test_features, test_labels = map(torch.from_numpy, read_split("t10k"))
labels, test_labels = labels.long(), test_labels.long()

layers, size = [], 784
for units in JOB["hidden"]:
    layers += [torch.nn.Linear(size, units), torch.nn.ReLU()]
    if JOB["dropout"] > 0:
        layers.append(torch.nn.Dropout(JOB["dropout"]))
    size = units
model = torch.nn.Sequential(*layers, torch.nn.Linear(size, 10))
optimizer = torch.optim.Adam(model.parameters(), JOB["learningRate"], fused=True)
loss_of = torch.nn.CrossEntropyLoss()

clock = Clock()
for _ in range(JOB["epochs"]):
    clock.start_epoch()
    model.train()
    for batch in torch.randperm(len(features)).split(JOB["batchSize"]):
        optimizer.zero_grad()
        loss_of(model(features[batch]), labels[batch]).backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        accuracy = (model(test_features).argmax(1) == test_labels).float().mean().item()
    clock.end_epoch(accuracy)
report({"torch": torch.__version__}, clock)
