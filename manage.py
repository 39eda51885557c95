#!/usr/bin/env python
"""Django's command line for Strata."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
    from strata.command_line import execute

    execute(sys.argv)
