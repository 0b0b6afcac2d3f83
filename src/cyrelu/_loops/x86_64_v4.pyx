# The loops at x86-64-v4 (AVX-512).

include "baseline.pyx"
