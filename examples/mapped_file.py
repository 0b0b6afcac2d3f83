# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "numpy"]
# ///
"""A memory-mapped file is rectified in place; it may be larger than memory."""

import tempfile
from pathlib import Path

import numpy as np

import cyrelu

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "activations.npy")
    np.save(path, np.random.default_rng(0).standard_normal(3_000_000, dtype=np.float32))

    mapped = np.load(path, mmap_mode="r+")
    print(f"before: {(mapped < 0).mean():.1%} of {mapped.size:,} numbers are below zero")
    cyrelu.relu(mapped, out=mapped)
    mapped.flush()
    del mapped

    again = np.load(path, mmap_mode="r")
    print(f"after:  {(again < 0).mean():.1%}")
    del again
