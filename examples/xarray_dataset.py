# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "xarray"]
# ///
"""xarray: dimensions and coordinates are kept, and slopes per channel are matched by dimension."""

import numpy as np
import xarray as xr

import cyrelu

x = xr.DataArray(
    np.linspace(-1, 1, 6).reshape(2, 3),
    dims=("time", "channel"),
    coords={"channel": ["red", "green", "blue"]},
)
slopes = xr.DataArray([0.0, 0.1, 0.5], dims="channel", coords={"channel": x.channel})
y = cyrelu.leaky_relu(x, slopes)
print(y.dims, y.channel.values.tolist())
print(y.sel(channel="green").values)
