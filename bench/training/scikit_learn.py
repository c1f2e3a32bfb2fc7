"""scikit-learn's MLPClassifier; `partial_fit` is one epoch and keeps Adam's moments. It has no dropout."""

import numpy as np
import sklearn
from contest import JOB, Clock, read_split, report
from sklearn.neural_network import MLPClassifier

features, labels = read_split("train")
test = read_split("t10k")
model = MLPClassifier(
    JOB["hidden"],
    alpha=0,
    batch_size=JOB["batchSize"],
    learning_rate_init=JOB["learningRate"],
    random_state=JOB["seed"],
)
clock = Clock()
for epoch in range(JOB["epochs"]):
    clock.start_epoch()
    model.partial_fit(features, labels, classes=np.arange(10) if epoch == 0 else None)
    clock.end_epoch(model.score(*test))
report({"scikit-learn": sklearn.__version__}, clock)
