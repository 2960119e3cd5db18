"""What a parser says of a file: languages, errors, scopes."""
