# Marks the package as one that other Cython projects can cimport from.
