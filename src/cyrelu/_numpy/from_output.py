"""Backward from the output of the forward pass: which slopes keep the sign of the input there."""

from __future__ import annotations

from typing import Any

import numpy as np


def refuse_slopes_that_lose_the_sign(function: str, negative_slope: Any) -> None:
    """Raise an error if a slope is not above 0, or infinite: 0 times that is NaN."""
    slopes = np.asarray(negative_slope)
    try:
        refused = slopes[~((slopes > 0) & (slopes < np.inf))]
    except TypeError:
        return  # of a dtype that the call will refuse
    if refused.size:
        raise ValueError(
            f"{function}: negative_slope is, or contains, {refused[0]}; expected finite numbers "
            "above 0 for from_output=True, since only these keep the sign of the input in the "
            "output"
        )
