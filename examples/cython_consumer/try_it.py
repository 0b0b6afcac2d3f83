"""Uses layers.pyx: python -m pip install . && python try_it.py"""

import layers
import numpy as np

x = np.array([[1, -2], [3, 4]], np.float32)
weights = np.array([[1, -1], [1, 1]], np.float32)
out = np.empty((2, 2), np.float32)

layers.dense_relu(x, weights, out)
print(out.tolist())
layers.rectified(x, out, 0.5)
print(out.tolist())
grad = np.ones(4, np.float32)
layers.backward(grad, x.ravel())
print(grad.tolist())
