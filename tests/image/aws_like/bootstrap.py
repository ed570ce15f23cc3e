"""Stands where AWS's client is: whoever starts it has not started everloop."""

import sys

sys.exit("this is AWS's client")
