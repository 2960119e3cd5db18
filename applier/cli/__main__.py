"""`python -m applier.cli` is `samebytes`."""

from applier.cli.main import main

main()
