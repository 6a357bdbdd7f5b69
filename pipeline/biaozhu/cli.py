"""The console command: assembles the commands and turns errors into one line and an exit status.

Exit status: 0 done, 1 done but something was lost or differs (each named), 2 bad input or usage; 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from biaozhu import __version__
from biaozhu.commands import register_all
from biaozhu.commands.console import say
from biaozhu.commands.help_pages import GroupedCommands, prepare_help
from biaozhu.data.errors import BiaozhuError, MissingExtraError, MissingFileError, UsageError, WriteError, extra_advice
from biaozhu.data.translation import choose_language

STOPPED = 128  # and the number of the signal, as a shell says it
EXTRA_OF = {"doccano_client": "doccano", "psutil": "doccano", "tenacity": "doccano"}
# A path that no file can have, whatever a command asks of it first.
UNUSABLE = {
    errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EPERM, errno.EROFS,
}  # fmt: skip
UNWRITABLE = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}
_stop_signals: list[int] = []


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: not a plain KeyboardInterrupt, which Python notes where it passes through an extension's import.

    It would then at the end kill itself with SIGINT instead of giving our status.
    """


app = typer.Typer(
    name="biaozhu",
    help="标注: Chinese NER annotation and evaluation, offline, offset-true.",
    cls=GroupedCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
register_all(app)


def list_all_commands() -> Any:
    """Return the commands as typer has them, with their help in the user's language."""
    command = typer.main.get_command(app)
    prepare_help(command)
    return command


def _show_version(wanted: bool) -> None:  # noqa: FBT001 — typer calls it with the flag's value
    if wanted:
        sys.stdout.write(f"biaozhu {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Language of help and messages; else that of LANG.")
    ] = None,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its status."""
    signal.signal(signal.SIGTERM, _terminated)
    # In the background a shell has Ctrl-C ignored, and so it stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # Our results are UTF-8 whatever the locale says; a terminal that cannot show them gets escapes.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:  # noqa: PLR0911 — each way to end has its own status
    """Run a command and return its exit status, with every known failure as a line on stderr."""
    try:
        result = _called(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _stopped()
    except SystemExit as stop:
        # Typer itself turns a closed pipe into exit status 1, which here would say that something was lost.
        if isinstance(stop.__context__, BrokenPipeError):
            return _reader_gone()
        raise
    except Exception as error:
        # An extension that is interrupted while it is imported makes an ImportError of it.
        if _stop_signals or isinstance(error, typer.Abort):
            return _stopped()
        if isinstance(error, BrokenPipeError):
            return _reader_gone()
        if isinstance(error, typer.Exit):
            return error.exit_code
        if type(error).__name__ == "NoArgsIsHelpError":
            # A group without a command: its help is what was asked for.
            sys.stdout.write(f"{error}\n")
            return 0
        known = _explain(error)
        if known is None:
            raise
        say(str(known))
        return _reader_gone(2) if isinstance(error, OSError) and isinstance(known, WriteError) else 2
    # Typer makes this status of Ctrl-C, without a word.
    return _stopped() if result == STOPPED + signal.SIGINT else result if isinstance(result, int) else 0


def _explain(error: BaseException) -> BiaozhuError | None:  # noqa: PLR0911 — as above
    """Return a known failure as an error of ours."""
    looping = error.__context__
    if isinstance(error, RuntimeError) and isinstance(looping, OSError) and looping.errno == errno.ELOOP:
        # What Path.resolve() makes, before Python 3.13, of a link that leads to itself.
        error = looping
    match error:
        case BiaozhuError():
            return error
        case typer.TyperException():
            # A line of ours has a full stop between what is wrong and what to do.
            what = " ".join(error.format_message().split()).removesuffix(".").replace(". ", "; ")
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "biaozhu"
            return UsageError(what, next_step=f"Try `{command} --help`")
        case OSError() if error.errno in UNUSABLE and error.filename is not None:
            return MissingFileError(f"cannot be used ({error.strerror})", where=error.filename)
        case OSError(errno=errno.ENOENT, filename=None):
            # What getcwd() says, whoever asks it.
            return MissingFileError("the current folder is gone", next_step="Go to a folder that is there")
        case OSError() if error.errno in UNWRITABLE:
            return WriteError(f"the results cannot be written ({error.strerror})", where="stdout")
        case ValueError() if str(error).endswith(" has an empty name"):
            # What pathlib says of `.` and `/` where a file's name is wanted.
            return UsageError("a folder is given where a file is needed", next_step="Give a file's name")
        case ModuleNotFoundError(name=str() as name) if name in EXTRA_OF:
            what = f"the package {name} is not installed"
            return MissingExtraError(what, next_step=extra_advice(EXTRA_OF[name]))
        case _:
            return None


def _called(arguments: list[str] | None) -> object:
    choose_language(_find_language(sys.argv[1:] if arguments is None else arguments))
    for one in arguments or ():
        # What no process is given on its command line, and no path and no name has.
        if "\0" in one:
            raise UsageError("an argument holds a NUL character", where=one)
    return list_all_commands()(arguments, prog_name="biaozhu", standalone_mode=False)


def _find_language(arguments: Sequence[str]) -> str:
    """Return the value of --lang before the command; a report has an option of this name too."""
    for position, one in enumerate(arguments):
        if not one.startswith("-"):
            break
        if one == "--lang":
            return next(iter(arguments[position + 1 :]), "")
        if one.startswith("--lang="):
            return one.partition("=")[2]
    return ""


def _stopped() -> int:
    say("stopped; nothing half-written was left")
    return STOPPED + next(iter(_stop_signals), signal.SIGINT)


def _reader_gone(status: int = 141) -> int:
    # The reader of our output has gone (`| head`): not an error, and Python must not complain at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return status


def _terminated(number: int, _frame: object) -> None:
    _stop_signals.append(number)
    # An exception, so that the `finally` blocks remove temporary files.
    raise Stopped
