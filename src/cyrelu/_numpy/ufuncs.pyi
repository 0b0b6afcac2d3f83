import numpy as np

by_name: dict[str, np.ufunc]
