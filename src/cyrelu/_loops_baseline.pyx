# The loops at the instruction set that the compiler targets by default.

include "_loops.pxi"
