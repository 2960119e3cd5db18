"""From the whole file to the windows that an edit touches."""
