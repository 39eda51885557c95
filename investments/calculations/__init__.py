"""Pure calculations of lots, gains and returns: plain values in, plain values out."""
