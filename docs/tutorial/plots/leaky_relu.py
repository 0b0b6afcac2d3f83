import matplotlib.pyplot as plt
from digits import draw_function

import cyrelu

figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
draw_function(*axes, "leaky_relu", cyrelu.leaky_relu, cyrelu.leaky_relu_grad)
