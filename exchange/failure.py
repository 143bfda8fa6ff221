"""The one exception that ends a start, or a run, with a sentence and an exit code instead of a traceback."""


class Failure(Exception):
    """The process cannot go on, and it is not a bug.

    `str(failure)` is one sentence for the person at the terminal: what is wrong and, where there is one, the way out.
    `exit_code` is what the process exits with.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
