"""What a result must satisfy before it is given out."""
