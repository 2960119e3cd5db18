"""Where training edits come from, and the data sets made of them."""
