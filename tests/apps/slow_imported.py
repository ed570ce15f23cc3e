"""What takes the most of the time."""

import os
import time

time.sleep(float(os.environ.get("IMPORT_SECONDS", "0")))
