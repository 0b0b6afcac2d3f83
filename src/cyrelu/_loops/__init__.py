"""The loops, compiled once for each instruction set: serial, without Python."""
