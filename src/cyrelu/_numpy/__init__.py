"""NumPy's side: Python objects come in here, and leave as operands for the dispatcher."""
