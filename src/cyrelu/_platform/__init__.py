"""What the machine, the compiler and the environment decide, once, at import."""
