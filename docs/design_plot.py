"""The rooms, from what users call to the formulas."""

import matplotlib.pyplot as plt

ROOMS = [  # what is there, its files
    [("Python user: cyrelu.relu(x, out=...)", "_numpy/api")],
    [
        ("fast path", "_numpy/call"),
        ("strided arrays", "_numpy/strided"),
        ("ufuncs", "_numpy/ufuncs"),
        ("C interface", "kernels"),
    ],
    [("loop flags, overlap, chunks", "_dispatch/dispatch"), ("threads", "_dispatch/threads")],
    [
        ("the loop, for x86-64-v2", "_loops/x86_64_v2"),
        ("-v3", "_loops/x86_64_v3"),
        ("-v4", "_loops/x86_64_v4"),
        ("elsewhere", "_loops/baseline"),
    ],
    [("formulas, each once", "scalar")],
]
SHADES = ["#fbe3d6", "#dceaf7", "#d9efe3", "#e8e1f4", "#f5efc9"]

figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
axes.set(xlim=(0, 12), ylim=(0, 1.25 * len(ROOMS) - 0.25))
axes.axis("off")
for row, (boxes, shade) in enumerate(zip(ROOMS, SHADES, strict=True)):
    bottom = 1.25 * (len(ROOMS) - 1 - row)
    width = 12 / len(boxes)
    for column, (name, file) in enumerate(boxes):
        left = column * width
        axes.add_patch(plt.Rectangle((left + 0.05, bottom), width - 0.1, 1, fc=shade, ec="#555555"))
        middle = left + width / 2
        axes.text(middle, bottom + 0.62, name, ha="center", va="center", color="#111111")
        axes.text(
            middle,
            bottom + 0.28,
            file,
            ha="center",
            va="center",
            color="#444444",
            family="monospace",
        )
    if row:
        axes.annotate(
            "",
            (6, bottom + 1),
            (6, bottom + 1.25),
            arrowprops={"arrowstyle": "->", "color": "#555555"},
        )
