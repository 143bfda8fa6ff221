"""`GET` and `POST /demo/scenario`: what happens now, and what shall happen. Only the demo serves them."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from exchange.api.http.request import Request
from exchange.api.http.routes import Route
from exchange.api.native import models, replies
from exchange.api.native.decoding import body_of
from exchange.api.native.errors import ApiError
from exchange.api.native.rest import Rest
from exchange.demo.scenario import NAMES_MAX, SCENARIOS, Scenario
from exchange.service.principal import Permission

PATH = "/demo/scenario"


class ScenarioRequest(models.Request, kw_only=True):
    """Let a scenario begin."""

    name: Annotated[str, msgspec.Meta(max_length=NAMES_MAX)]


class ScenarioReply(replies.Reply):
    """The scenario that has begun last, and those there are, each with what happens in it."""

    name: str
    scenarios: dict[str, str]


class Control:
    """The routes. `begin` lets a scenario begin, and `current` is the one that did last."""

    def __init__(self, current: Callable[[], Scenario], begin: Callable[[Scenario], None]) -> None:
        self._current = current
        self._begin = begin

    def routes(self, rest: Rest) -> list[Route]:
        """What to serve beside the exchange's own routes."""

        name = f"POST {PATH}"

        def change(request: Request) -> replies.Reply:
            body = body_of(request, ScenarioRequest)
            # In any letters, and in the spelling of the API's other names too.
            scenario = SCENARIOS.get(body.name.lower().replace("_", "-").replace(" ", "-"))
            if scenario is None:
                raise ApiError("INVALID_FIELD", f"name must be one of {', '.join(SCENARIOS)}.")
            self._begin(scenario)
            return self._reply()

        return [
            Route("GET", PATH, rest.answering(lambda _: self._reply(), f"GET {PATH}"), False),
            Route("POST", PATH, rest.authenticated(rest.answering(change, name), Permission.ADMIN, name), True),
        ]

    def _reply(self) -> ScenarioReply:
        about = {scenario.name: scenario.about for scenario in SCENARIOS.values()}
        return ScenarioReply(self._current().name, about)
