# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "pandas"]
# ///
"""pandas: the result is a Series or DataFrame like the input, with its labels."""

import pandas as pd

import cyrelu

frame = pd.DataFrame(
    {"unit 1": [0.5, -1.0, 2.0], "unit 2": [-3.0, -0.5, 1.5]}, index=["cat", "dog", "owl"]
)
print(cyrelu.leaky_relu(frame, 0.1))

active = cyrelu.relu(frame["unit 1"])
print(f"\nStill a {type(active).__name__}, still named {active.name!r}; dog: {active['dog']}")
