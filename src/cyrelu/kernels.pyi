# Nothing for Python: the kernels are cimported (kernels.pxd) or linked.
