"""A wide table takes little memory from its first row to its judgement."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 100_000  # with 500 categories, 200 MB as a matrix; each copy of it would be as much again
MEASURED = """
import resource, sys
from pathlib import Path
import pyarrow.compute, pyarrow.parquet, scipy.linalg, sklearn.linear_model, sklearn.metrics, threadpoolctl
from chainrule.evaluation import describe, linear, regression
from chainrule.recipes import judging, tables
from chainrule.recipes.contract import Setting
from chainrule.recipes.mlp_regression import MlpRegression
from chainrule.runtime.devices import resolve_compute

recipe, model = MlpRegression(hidden_sizes=(17,)), Path(sys.argv[2])
setting = Setting(seed=0, steps=20, compute=resolve_compute("cpu", "fp32", 2), dataset=None, data=Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assembly = recipe.build(setting)
for step in range(20):
    assembly.learner.step(step)
assembly.learner.evaluate()
assembly.save_model(model)
judgement = recipe.judge(setting, model)
print(judgement.baseline.name)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_a_wide_table_is_learned_and_judged_in_little_memory(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    columns = {f"number {i}": random.normal(size=ROWS) for i in range(10)}
    columns["category"] = [f"c{code}" for code in random.integers(0, 500, ROWS)]
    columns["target"] = columns["number 0"] + random.normal(size=ROWS)
    path, model = tmp_path / "wide.parquet", tmp_path / "model"
    pq.write_table(pa.table(columns), path)
    model.mkdir()
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    command = [sys.executable, "-c", MEASURED, str(path), str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *_, baseline, mebibytes = done.stdout.splitlines()
    assert baseline.startswith("ridge regression (fitted to 16,448 of ")
    assert float(mebibytes) < 340
