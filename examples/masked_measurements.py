# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "numpy"]
# ///
"""Masked arrays: masked elements stay masked."""

import numpy as np

import cyrelu

measured = np.ma.masked_equal([3.0, -1.0, -999.0, 0.5], -999.0)
rectified = cyrelu.relu(measured)
print(rectified)
print(f"mean of what was measured: {rectified.mean():.3f}")
