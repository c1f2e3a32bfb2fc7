"""Trains scikit-learn's MLPs on tables of export.py: scikit_learn.py < contest.json. Prints their scores as JSON.

Inputs are standardised, and so are the targets of a regression; both by the training rows. Without penalty and without
early stopping, so that every epoch is trained.
"""

import csv
import json
import sys
import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CONTEST = json.load(sys.stdin)
TRAINING = CONTEST["training"]


def read(file, task):
    with open(file, newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    features = np.array([row[:-1] for row in rows], dtype=np.float64)
    return features, np.array([row[-1] for row in rows], dtype=float if task == "regression" else str)


def options(seed):
    return {
        "hidden_layer_sizes": CONTEST["hidden"],
        "activation": "relu",
        "solver": "adam",
        "alpha": 0,
        "batch_size": TRAINING["batchSize"],
        "learning_rate_init": TRAINING["learningRate"],
        "max_iter": TRAINING["epochs"],
        "n_iter_no_change": TRAINING["epochs"],
        "tol": 0,
        "random_state": seed,
    }


def score(table):
    features, targets = read(table["train"], table["task"])
    test_features, test_targets = read(table["test"], table["task"])
    if table["task"] == "classification":
        model = make_pipeline(StandardScaler(), MLPClassifier(**options(table["seed"])))
        return model.fit(features, targets).score(test_features, test_targets)
    network = make_pipeline(StandardScaler(), MLPRegressor(**options(table["seed"])))
    model = TransformedTargetRegressor(network, transformer=StandardScaler()).fit(features, targets)
    return float(np.sqrt(np.mean((model.predict(test_features) - test_targets) ** 2)))


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    json.dump([score(table) for table in CONTEST["tables"]], sys.stdout)
