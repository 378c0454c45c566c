"""Settings of the test run: how Hypothesis searches."""

import os

from hypothesis import settings

# The same examples on every run, so that a red build is red for everyone; HYPOTHESIS_PROFILE=search
# looks for new ones. No deadline in either: nothing here is true or false by the clock.
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("search", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
