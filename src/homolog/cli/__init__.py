"""The command line: the only place that prints. Results go to stdout, progress and errors to stderr.

Exit codes: 0 fine, 1 the networks differ, the proof failed, or a script was translated in part, 2 usage, 3 unreadable
or unsupported, 4 refused as unsafe. Everything but click is imported by the command that needs it, so that ``--help``
is instant.
"""

from __future__ import annotations

import sys

import click

from homolog.cli.copying import copy, match
from homolog.cli.looking import compare, inspect, members, weights
from homolog.cli.output import Output, fail
from homolog.cli.proving import verify
from homolog.cli.scripting import translate_script
from homolog.cli.translating import translate
from homolog.cli.trying import demo, doctor

INTERRUPTED = 130


def main() -> None:
    """Run the command line; every error that is meant for the user becomes a few lines and an exit code."""
    from homolog.errors import HomologError

    output = Output(
        as_json="--json" in sys.argv[1:], verbose=bool({"-v", "--verbose"} & set(sys.argv[1:]))
    )  # known before click has parsed anything, so that its own errors are reported alike
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except HomologError as error:
        fail(error, output)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:  # a bug of ours: no traceback reaches the user unless asked for
        if output.verbose:
            raise
        click.echo(f"error: a mistake in homolog: {type(error).__name__}: {error}", err=True)
        click.echo("help: run it again with -v and report what it prints", err=True)
        sys.exit(3)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="SRC is a file, package.module:factory, or FILE@package.module:factory.",
)
@click.version_option(package_name="homolog")
def cli() -> None:
    """Move trained networks between PyTorch and Keras, and prove that both are the same network."""


for _command in (inspect, members, weights, compare, match, copy, translate, translate_script, verify, demo, doctor):
    cli.add_command(_command)
