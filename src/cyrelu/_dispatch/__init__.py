"""From operands to loops: which instruction set, how many threads, streaming stores or not."""
