# The loops at x86-64-v2 (SSE4.2), the least that NumPy itself asks of an x86-64 processor.

include "baseline.pyx"
