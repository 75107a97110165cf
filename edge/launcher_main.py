"""The program that `edge run` becomes: the launcher. The interpreter compiles what it runs, so this file is small."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(__file__)))

from edge.launcher import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
