"""From a chat reply or a wrapped edit to the lines that are meant for the file."""
