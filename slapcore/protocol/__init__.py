"""Wire forms of SLAP: bytes in, values out, and back; no input or output of their own."""
