"""What the stories for the judge are about: the kinds of steps that they have, and the terms of their orders.

A story of everything has little of each thing, and two rare things seldom meet in it. A story of one theme leaves
most things out.
"""

EVERYTHING = "everything"

# The first is what hypothesis makes of a step that a failure does not need.
KINDS = (
    "nothing",
    *("order",) * 24,
    *("cancel", "cancel", "cancel name", "retry", "cancel all", "deposit", "rules", "status", "restart", "odd", "time"),
    *("administer", "tiers", "tiers", "money", "money", "exact", "exact"),
    *("amend", "amend", "amend", "amend again", "replace", "replace"),
    *("filters", "filters", "filters", "bounds", "timer", "timer", "socket", "socket"),
    *("list", "list", "list", "list", "pegged list", "cancel list"),
    *("peg", "peg", "peg", "better", "better"),
)
TERMS = (
    *("gtc",) * 14,
    *("ioc", "ioc", "fok", "fok", "post", "post", "market", "market", "worst", "sum", "sum"),
    *("gtd", "gtd", "gtd", "stop", "stop", "take", "stop limit", "stop limit", "take limit", "stop fok", "stop gtd"),
    *("trail", "trail", "trail", "trail limit"),
)
PLAIN = ("gtc", "gtc", "gtc", "gtc", "ioc", "fok", "post", "market", "worst", "sum", "gtd")

Theme = tuple[tuple[str, ...], tuple[str, ...]]
THEMES: dict[str, Theme] = {
    EVERYTHING: (KINDS, TERMS),
    "orders": (("nothing", *("order",) * 12, "cancel", "rules", "restart", "odd"), PLAIN),
    "names": (
        ("nothing", *("order",) * 4, *("cancel", "cancel name", "retry") * 2, "restart"),
        ("gtc", "gtc", "post", "ioc"),
    ),
    "amendments": (("nothing", *("order",) * 5, *("amend", "amend", "replace") * 2, "amend again", "cancel"), PLAIN),
    "waiting": (
        ("nothing", *("order",) * 12, "cancel", "restart", "status", "amend"),
        ("gtc", "gtc", "gtc", "ioc", "market", *TERMS[-15:]),
    ),
    "times": (
        ("nothing", *("order",) * 8, "time", "timer", "timer", "socket", "socket", "cancel", "restart"),
        ("gtc", "gtd", "gtd", "stop gtd", "stop", "ioc"),
    ),
    "lists": (
        ("nothing", *("order",) * 5, *("list",) * 4, "cancel list", "cancel", "amend", "replace", "status", "restart"),
        ("gtc", "gtc", "gtc", "market", "ioc", "trail"),
    ),
    "lists pegged": (
        ("nothing", *("order",) * 4, *("pegged list", "better") * 3, "list", "cancel", "amend", "replace", "restart"),
        ("gtc", "gtc", "gtc", "market", "ioc"),
    ),
    "lists amended": (("nothing", *("order",) * 2, *("list",) * 2, *("amend",) * 4, "deposit"), ("gtc", "gtc", "ioc")),
    "pegs": (
        ("nothing", *("order",) * 3, *("peg", "better") * 3, "cancel", "amend", "restart"),
        ("gtc", "gtc", "market", "ioc"),
    ),
    "fees": (("nothing", *("order",) * 6, "tiers", "tiers", "tiers", "rules", "exact", "list", "restart"), PLAIN),
    "filters": (("nothing", *("order",) * 9, *("filters",) * 3, "amend", "amend", "cancel", "restart"), PLAIN),
    "filters of what waits": (
        ("nothing", *("order",) * 9, *("filters",) * 3, "list", "list", "list", "amend", "restart"),
        ("gtc", "gtc", "gtc", "ioc", "market", *TERMS[-15:]),
    ),
    "filters of all markets": (
        ("nothing", *("order",) * 6, *("list",) * 3, *("bounds",) * 3, "replace", "cancel", "restart"),
        ("gtc", "gtc", "gtc", "ioc", *("stop", "take limit", "trail", "stop limit") * 2),
    ),
    "counts of lists": (
        ("nothing", *("order",) * 2, *("list",) * 8, "list counts", "list counts", "restart"),
        ("gtc", "gtc", "ioc"),
    ),
    "money": (
        ("nothing", *("order",) * 4, "money", "money", "deposit", "administer", "exact", "status", "restart"),
        PLAIN,
    ),
}
# Of so little that they only serve to catch one kind of error soon.
NARROW: dict[str, Theme] = {
    "market sizes": (
        ("nothing", *("order",) * 9, "market sizes", "market sizes", "cancel"),
        ("gtc", "gtc", "post", "market", "market", "worst"),
    ),
    "band": (("nothing", *("order",) * 9, "band", "band", "cancel"), ("gtc", "gtc", "gtc", "post", "ioc", "market")),
    "position": (
        ("nothing", *("order",) * 9, "position", "position", "cancel"),
        ("gtc", "gtc", "gtc", "market", "sum"),
    ),
    "amendments filtered": (("nothing", *("order",) * 4, *("amend",) * 5, "market sizes"), ("gtc", "gtc", "ioc")),
    "trails": (
        ("nothing", *("order",) * 12, "cancel", "restart"),
        ("gtc", "gtc", "gtc", "ioc", "market", "trail", "trail", "trail limit"),
    ),
    "lists followed": (
        ("nothing", *("order",) * 2, *("list",) * 4, *("peg",) * 3, "better", "time", "time", "restart"),
        ("gtc", "gtc", "gtc", "ioc"),
    ),
    "lists canceled": (
        ("nothing", *("order",) * 2, *("list",) * 3, "cancel", "cancel", "cancel", "replace", "cancel all"),
        ("gtc", "gtc", "ioc"),
    ),
}
