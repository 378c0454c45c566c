"""Settings of the test run: how Hypothesis searches, and that Ctrl-C reaches programs."""

import os
import signal
import threading

from hypothesis import settings

# A shell starts what runs in its background with SIGINT ignored, and programs that tests start
# would inherit that: Ctrl-C is tried with some of them.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run, so that a red build is red for everyone; HYPOTHESIS_PROFILE=search
# looks for new ones. No deadline in either: nothing here is true or false by the clock.
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("search", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
