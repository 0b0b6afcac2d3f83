"""A backend of thinc: NumPy's, with cyrelu's rectifier."""

from thinc.backends import NumpyOps

import cyrelu


class CyreluOps(NumpyOps):
    name = "cyrelu"

    def relu(self, X, inplace=False):
        return cyrelu.relu(X, out=X if inplace else None)

    def backprop_relu(self, dY, Y, inplace=False):
        # thinc keeps the output of a layer, and its gradient is 0 where that is 0.
        return cyrelu.relu_backward(dY, Y, out=dY if inplace else None, from_output=True)
