"""`python -m toolchain.language_host RUNNER ENGINE_ADDRESS`, started by the engine through `launch.sh`."""

import signal
import sys


def main() -> int:
    # The engine stops its plugins with SIGINT, also before gRPC is imported: then the process should end
    # without a traceback of Python's KeyboardInterrupt, for the engine prints that into a preview.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from toolchain.language_host.server import serve

    runner, *others = sys.argv[1:]
    # The engine adds flags of its own (-tracing and the like); its address is the one positional argument.
    engine = next(argument for argument in others if not argument.startswith("-"))
    return serve(runner, engine)


if __name__ == "__main__":
    sys.exit(main())
