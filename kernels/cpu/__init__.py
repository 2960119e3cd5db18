"""The CPU backend: a small C engine built at first use, and a numpy path where there is no compiler."""
