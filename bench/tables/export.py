"""Writes scikit-learn's own datasets as CSV files, split anew for each seed: export.py FOLDER SEEDS

A quarter of the rows is for testing, by class as in the whole. Prints what was written as JSON.
"""

import csv
import json
import pathlib
import sys

from sklearn import datasets
from sklearn.model_selection import train_test_split

LOADERS = {
    "breast cancer": ("classification", datasets.load_breast_cancer, {}),
    "wine": ("classification", datasets.load_wine, {}),
    "iris": ("classification", datasets.load_iris, {}),
    "digits": ("classification", datasets.load_digits, {}),
    "diabetes": ("regression", datasets.load_diabetes, {"scaled": False}),
}
TARGET = "target"


def write(file, names, features, targets):
    with open(file, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*names, TARGET])
        for row, target in zip(features.tolist(), targets):
            writer.writerow([*row, target])


def export(folder, name, seed):
    task, load, options = LOADERS[name]
    data = load(**options)
    is_classes = task == "classification"
    targets = [f"class {data.target_names[one]}" for one in data.target] if is_classes else data.target.tolist()
    parts = train_test_split(
        data.data, targets, test_size=0.25, random_state=seed, stratify=targets if is_classes else None
    )
    files = {part: folder / f"{name.replace(' ', '-')}-{seed}-{part}.csv" for part in ("train", "test")}
    write(files["train"], data.feature_names, parts[0], parts[2])
    write(files["test"], data.feature_names, parts[1], parts[3])
    return {
        "name": name,
        "task": task,
        "seed": seed,
        "classes": len(data.target_names) if is_classes else 0,
        "rows": len(targets),
        "features": len(data.feature_names),
        **{part: str(file) for part, file in files.items()},
    }


if __name__ == "__main__":
    _, place, seeds = sys.argv
    tables = [
        export(pathlib.Path(place), name, seed) for name in LOADERS for seed in range(1, int(seeds) + 1)
    ]
    json.dump(tables, sys.stdout)
