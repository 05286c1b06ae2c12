"""The golden comparison: small runs by two states of the code, side by side, number by number."""
