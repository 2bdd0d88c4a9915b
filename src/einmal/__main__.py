"""`python -m einmal` is the command `einmal`."""

import sys

from einmal.entrypoints.cli.main import main

sys.exit(main())
