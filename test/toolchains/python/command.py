"""What the tests ask of a command: see ../command.test.ts."""

import os
import sys

from wit_world import exports


class Run(exports.Run):
    def run(self) -> None:
        args = sys.argv[1:]
        for arg in args:
            print("arg", arg)
        print("env", os.environ.get("GREETING", "none"))

        data = sys.stdin.buffer.read()
        try:
            with open("/data/copy.txt", "wb") as copy:
                copy.write(data)
        except OSError as error:
            # What nobody catches is a trap of the runtime, not an exit.
            print(error, file=sys.stderr)
            sys.exit(1)
        print("copied", len(data))
        print("bye", file=sys.stderr)
        sys.exit(int(args[0]) if args else 0)
