"""``python -m whycold.sources.proxy``: a line of configuration on standard input, which stays open
for as long as the proxy is wanted."""

import sys

from whycold.errors import UserError
from whycold.sources.proxy.process import decode_config, run

if __name__ == "__main__":
    try:
        run(decode_config(sys.stdin.buffer.readline()), watch=sys.stdin.fileno())
    except UserError as error:
        sys.stderr.write(f"whycold proxy: {error}\n")
        sys.exit(2)
