"""Code that makes other libraries start their OpenMP runtimes or thread pools; it reads x."""

OPENMP_LIBRARIES = {
    "torch": "import torch; torch.ones(4_000_000).relu_().sum()",
    "sklearn": """
from sklearn.ensemble import HistGradientBoostingClassifier
HistGradientBoostingClassifier(max_iter=2).fit(x[:20_000].reshape(-1, 10), x[:2_000] > 0)
""",
    "numba": """
import numba
@numba.njit(parallel=True)
def total(x):
    s = 0.0
    for i in numba.prange(x.size):
        s += x[i]
    return s
total(x)
""",
}
