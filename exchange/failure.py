"""The one exception that ends a start, or a run, with a sentence and an exit code instead of a traceback."""


class Failure(Exception):
    """The process cannot continue, for a reason that is not a bug in it.

    `str(failure)` is one sentence for the person at the terminal: what is wrong and, where there is one, the way out.
    `exit_code` is what the process exits with.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks: PostgreSQL adds details and hints in lines of their own."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line) or type(error).__name__
