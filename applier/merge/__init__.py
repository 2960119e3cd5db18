"""What the model is asked, how its answer is held to known lines, and how sure it is."""
