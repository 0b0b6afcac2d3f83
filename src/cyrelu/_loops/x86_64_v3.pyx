# The loops at x86-64-v3 (AVX2).

include "baseline.pyx"
