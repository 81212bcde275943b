"""`python -m splitbrain` is `splitbrain`."""

import sys

from splitbrain.main import main

sys.exit(main())
