"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# A loaded machine must not fail a test, and the same commit must be tested in the same way everywhere.
settings.register_profile("samebytes", deadline=None, derandomize=True)
settings.load_profile("samebytes")
