"""The configuration: `config.toml`, with an environment twin for every scalar.

`EXCHANGE_<SECTION>_<KEY>` beats the file, a command line option beats both. An unknown key of the file, or of a section
in the environment, refuses to start and names itself; other variables that begin with EXCHANGE_ are warned of.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import structlog

from exchange.addresses import LOOPBACK as LOOPBACK
from exchange.addresses import host_name, is_loopback, network_of, origin_of
from exchange.failure import Failure
from exchange.files import content_of

FILE_BYTES_MAX = 1 << 24  # of the configuration

log = structlog.get_logger(__name__)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file, with its defaults."""


class ServerConfig(Section, frozen=True, kw_only=True):
    """The addresses it listens on, and the hosts and origins that a browser may use. Port 0 picks a free one."""

    host: str = "127.0.0.1"
    port: int = 8080
    ws_port: int = 8081
    allowed_hosts: list[str] = []
    allowed_origins: list[str] = []
    body_max_bytes: int = 1 << 20
    stop_timeout_s: float = 10.0
    ping_s: float = 20.0  # an idle socket gets a ping this often; without a pong within half of it the socket is closed
    head_timeout_s: float = 10.0  # from the first byte of a request to the end of its headers
    body_timeout_s: float = 30.0  # from there to the end of its body
    idle_timeout_s: float = 75.0  # from a reply to the next request on the same connection
    write_timeout_s: float = 30.0  # without the client reading anything of what it is owed
    connections_max: int = 0  # 0: as many as open files allow, less a reserve
    owed_bytes_max: int = 256 << 20  # for all clients together; then those that are owed most are cut off
    tls_certificate: str = ""  # a PEM file; both ports then speak TLS
    tls_key: str = ""  # of its private key; empty: it is in the same file
    tls_handshakes_max: int = 512  # in progress; one more ends the oldest
    trusted_proxies: list[str] = []  # whose X-Forwarded-For is believed
    log_level: Literal["debug", "info", "warning", "error"] = "info"  # at the start; it can be changed while it runs


class DatabaseConfig(Section, frozen=True, kw_only=True):
    """Which PostgreSQL to use: the one at `url`, or an embedded one in `data_dir`.

    A commit that has not returned within `commit_timeout_s` is in doubt: a new connection finds out what became of it.
    While another exchange uses the database, a start waits `lock_timeout_s` for it to end.
    """

    url: str = ""
    data_dir: str = ".exchange"
    commit_timeout_s: float = 10.0
    lock_timeout_s: float = 30.0


class AuthConfig(Section, frozen=True, kw_only=True):
    """How users are authenticated. Mode `dev` does not, and is for loopback unless `dev_anywhere` is true.

    Mode `keys` takes signed requests. A signature counts once, and only within `window_s`; `signatures_max` are
    remembered at a time. The master key seals the secrets of keys: base64 of 32 bytes in `master_key`, which belongs in
    the environment, or the file `master_key_file`, by default master.key in the data directory.
    """

    mode: Literal["dev", "keys"] = "dev"
    dev_anywhere: bool = False
    window_s: float = 5.0
    signatures_max: int = 200_000
    master_key: str = ""
    master_key_file: str = ""

    def __repr__(self) -> str:
        """Without the master key."""
        return f"AuthConfig(mode={self.mode!r})"


class EngineConfig(Section, frozen=True, kw_only=True):
    """The bounds of the flow, in commands; how long a reply may wait for its commit; how far the clock may jump.

    The last `closed_orders_max` closed orders are kept in memory, for queries about them. While orders wait, reads get
    no more than `read_share` of the loop's time.
    """

    market_queue_max: int = 10_000
    backlog_max: int = 20_000
    batch_max: int = 4096
    reply_timeout_s: float = 5.0
    closed_orders_max: int = 100_000
    read_share: float = 0.25
    clock_jump_max_s: float = 3600.0  # a clock that jumps further ahead is not followed until the next start


class LimitsConfig(Section, frozen=True, kw_only=True):
    """Limits by address, by user and by socket. A burst is how many may come at once. In keys mode always `enabled`."""

    enabled: bool = False
    requests_per_s: float = 100.0
    requests_burst: int = 500
    user_requests_per_s: float = 50.0
    user_requests_burst: int = 200
    orders_per_s: float = 20.0
    orders_burst: int = 100
    frames_per_s: float = 100.0
    connections_per_address: int = 50
    sockets_per_user: int = 10
    channels_per_socket: int = 200


class BinanceConfig(Section, frozen=True, kw_only=True):
    """Whether there is a Binance-compatible API, and the limits of its sockets, which are Binance's: of messages that a
    client sends to a stream's socket, of streams that a socket listens to, and how long a socket lives."""

    enabled: bool = True
    stream_messages_per_s: int = 5
    streams_per_socket: int = 1024
    socket_max_s: float = 86_400.0


class FaucetConfig(Section, frozen=True, kw_only=True):
    """Users may credit themselves with these amounts, by asset, once in each interval."""

    enabled: bool = False
    interval_s: int = 86_400
    amounts: dict[str, str] = {}


class FiltersConfig(Section, frozen=True, kw_only=True):
    """What a user may have open in all markets together; 0 is no bound. A market's own filters are in its table."""

    max_open_orders: int = 0
    max_open_stops: int = 0
    max_open_icebergs: int = 0
    max_open_lists: int = 0


class RetentionConfig(Section, frozen=True, kw_only=True):
    """How many days of history are kept; 0 keeps all of it."""

    journal_days: float = 0.0
    closed_orders_days: float = 0.0
    trades_days: float = 0.0
    minute_candles_days: float = 0.0  # 2 at least: a day is read at the start


class TracingConfig(Section, frozen=True, kw_only=True):
    """Where traces are sent, by OTLP over HTTP; empty: there are none. One command in `every` is traced."""

    endpoint: str = ""
    every: int = 100


class AssetConfig(Section, frozen=True, kw_only=True):
    """An asset: its symbol and how many decimals it has."""

    symbol: str
    decimals: int


SelfTradePrevention = Literal["expire_taker", "expire_maker", "expire_both", "decrement", "none"]


class MarketConfig(Section, frozen=True, kw_only=True):
    """A market's rules; sizes are decimal text, fees a fraction of what is received, or of the quote.

    With an empty `min_price` it is one tick. With an empty `status` a new market trades, and an existing one keeps its
    status.
    """

    symbol: str
    tick_size: str
    lot_size: str
    min_notional: str = "0"
    maker_fee: str = "0"
    taker_fee: str = "0"
    max_open_orders: int = 1000
    status: Literal["", "trading", "post_only", "cancel_only", "halted"] = ""
    fee_asset: Literal["received", "quote"] = "received"
    min_price: str = ""
    max_fills_per_order: int = 10_000
    min_notional_applies_to_market: bool = False
    avg_price_mins: int = 5
    self_trade_prevention: SelfTradePrevention = "expire_taker"
    allowed_self_trade_prevention: tuple[SelfTradePrevention, ...] = get_args(SelfTradePrevention)
    filters: dict[str, str | int | bool] = {}


class UserConfig(Section, frozen=True, kw_only=True):
    """A user, and the balances that are credited once."""

    id: str
    balances: dict[str, str] = {}


class Config(Section, frozen=True, kw_only=True):
    """The whole configuration."""

    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    auth: AuthConfig = AuthConfig()
    engine: EngineConfig = EngineConfig()
    limits: LimitsConfig = LimitsConfig()
    binance: BinanceConfig = BinanceConfig()
    faucet: FaucetConfig = FaucetConfig()
    filters: FiltersConfig = FiltersConfig()
    retention: RetentionConfig = RetentionConfig()
    tracing: TracingConfig = TracingConfig()
    assets: list[AssetConfig] = []
    markets: list[MarketConfig] = []
    users: list[UserConfig] = []


SECTIONS: dict[str, type[Section]] = {
    "server": ServerConfig,
    "database": DatabaseConfig,
    "auth": AuthConfig,
    "engine": EngineConfig,
    "limits": LimitsConfig,
    "binance": BinanceConfig,
    "faucet": FaucetConfig,
    "filters": FiltersConfig,
    "retention": RetentionConfig,
    "tracing": TracingConfig,
}


CONFIG_VARIABLE = "EXCHANGE_CONFIG"
MINUTES_MIN_DAYS = 2
# What Kubernetes sets for a service called "exchange-server": EXCHANGE_SERVER_PORT=tcp://10.0.0.1:80 and others.
_INJECTED = re.compile(r".*_SERVICE_(HOST|PORT(_.*)?)|.*_PORT_\d+_(TCP|UDP|SCTP)(_(PORT|PROTO|ADDR))?")
_INJECTED_PORT = re.compile(r"(tcp|udp|sctp)://")


def packaged_config() -> Path:
    """The configuration that comes with the exchange: in a built package, or beside the package in a checkout."""
    packaged = Path(__file__).parent / "config.toml"
    return packaged if packaged.is_file() else packaged.parent.parent / "config.toml"


def load(
    path: Path | None, environment: Mapping[str, str], options: Mapping[tuple[str, str], str | int | None]
) -> Config:
    """The configuration of `path`, else the one that EXCHANGE_CONFIG names, else that of the working directory, else
    the packaged one.

    `options` are the values of the command line by (section, key); None means not given. Raises Failure.
    """
    named = environment.get(CONFIG_VARIABLE)
    path = path or (Path(_at_home(named, CONFIG_VARIABLE)) if named else None)
    path = path or (Path("config.toml") if Path("config.toml").is_file() else packaged_config())
    try:
        # utf-8-sig: some editors begin a file with a byte order mark.
        tables: dict[str, Any] = tomllib.loads(content_of(path, FILE_BYTES_MAX).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"The configuration {path} cannot be read: {error}.", 2) from error
    except ValueError as error:  # also of a number with thousands of digits, which is no TOMLDecodeError
        raise Failure(f"The configuration {path} is not TOML: {error}.", 2) from error
    except RecursionError as error:
        raise Failure(f"The configuration {path} nests lists or tables too deeply.", 2) from error
    said = {name: value for name, value in options.items() if value is not None}
    for (section, key), value in (_environment(environment) | said).items():
        if isinstance(tables.setdefault(section, {}), dict):
            tables[section][key] = value
    try:
        config = msgspec.convert(tables, Config, strict=False)
    except msgspec.ValidationError as error:
        raise Failure(f"{_source(str(error), path, environment, said)} is invalid: {error}.", 2) from error
    _check(config)
    return _normal(config)


def _source(error: str, path: Path, environment: Mapping[str, str], said: Mapping[tuple[str, str], object]) -> str:
    """The source of the value that a converter refused. Its error ends with the place, "at `$.server.port`"."""
    section, _, key = error.rpartition("`$.")[2].rstrip("`").partition(".")
    name = f"EXCHANGE_{section}_{key}".upper()
    if name in environment and (section, key) not in said:
        return f"The environment variable {name}"
    return f"The configuration {path}"


def _environment(environment: Mapping[str, str]) -> dict[tuple[str, str], str | int]:
    found: dict[tuple[str, str], str | int] = {}
    for name, value in environment.items():
        if not name.startswith("EXCHANGE_") or name == CONFIG_VARIABLE:
            continue
        section, _, key = name.removeprefix("EXCHANGE_").lower().partition("_")
        if section not in SECTIONS or _INJECTED.fullmatch(name) or _INJECTED_PORT.match(value):
            # The value may be a secret.
            log.warning("environment variable ignored: it names no setting", name=name)
            continue
        keys = SECTIONS[section].__struct_fields__
        if key not in keys:
            raise Failure(
                f"The environment variable {name} names no setting: [{section}] has {', '.join(sorted(keys))}.", 2
            )
        found[section, key] = value
    return found


def _normal(config: Config) -> Config:
    """Addresses and paths as the rest of the exchange compares and opens them."""
    hosts = _each(config.server.allowed_hosts, host_name, "allowed_hosts", "a host name such as bot.example")
    origins = _each(
        config.server.allowed_origins, origin_of, "allowed_origins", "an origin such as http://localhost:3000"
    )
    proxies = _each(
        config.server.trusted_proxies, network_of, "trusted_proxies", "an address or network such as 10.0.0.0/8"
    )
    server = msgspec.structs.replace(
        config.server,
        allowed_hosts=hosts,
        allowed_origins=origins,
        trusted_proxies=proxies,
        tls_certificate=_at_home(config.server.tls_certificate, "[server] tls_certificate"),
        tls_key=_at_home(config.server.tls_key, "[server] tls_key"),
    )
    data_dir = _at_home(config.database.data_dir, "[database] data_dir")
    return msgspec.structs.replace(
        config, server=server, database=msgspec.structs.replace(config.database, data_dir=data_dir)
    )


def _at_home(path: str, setting: str) -> str:
    try:
        return str(Path(path).expanduser()) if path else path
    except RuntimeError as error:
        raise Failure(f"{setting} {path!r} has no such home directory.", 2) from error


def _each(texts: list[str], form: Callable[[str], str], key: str, what: str) -> list[str]:
    forms = []
    for text in texts:
        try:
            forms.append(form(text))
        except ValueError:
            raise Failure(f"[server] {key} {text!r} must be {what}; there are no wildcards.", 2) from None
    return forms


def _check_retention(retention: RetentionConfig) -> None:
    for name in RetentionConfig.__struct_fields__:
        days = getattr(retention, name)
        least = MINUTES_MIN_DAYS if name == "minute_candles_days" else 0
        if not (days == 0 or max(least, 1 / 1440) <= days < 100_000):
            more = f"{least} or more days" if least else "a number of days"
            raise Failure(f"[retention] {name} = {days} must be 0, which keeps everything, or {more}.", 2)


def _check_endpoint(endpoint: str) -> None:
    scheme, _, rest = endpoint.partition("://")
    try:
        if endpoint and scheme in ("http", "https"):
            host_name(rest.partition("/")[0])
        elif endpoint:
            raise ValueError
    except ValueError:
        raise Failure(
            f"[tracing] endpoint = {endpoint!r} must be an address such as http://127.0.0.1:4318/v1/traces.", 2
        ) from None


def _check(config: Config) -> None:
    """Check what the types do not express. Raises Failure."""
    server, engine = config.server, config.engine
    for name, port in (("port", server.port), ("ws_port", server.ws_port)):
        if not 0 <= port <= 65535:
            raise Failure(f"[server] {name} = {port} must be 0 to 65535.", 2)
    if server.port == server.ws_port != 0:
        raise Failure(f"[server] port and ws_port are both {server.port}; they must differ.", 2)
    if server.tls_key and not server.tls_certificate:
        raise Failure("[server] tls_key needs tls_certificate, the file of its certificate.", 2)
    positive = {
        "[server] body_max_bytes": server.body_max_bytes,
        "[server] stop_timeout_s": server.stop_timeout_s,
        "[database] commit_timeout_s": config.database.commit_timeout_s,
        "[database] lock_timeout_s": config.database.lock_timeout_s,
        "[server] ping_s": server.ping_s,
        "[server] head_timeout_s": server.head_timeout_s,
        "[server] body_timeout_s": server.body_timeout_s,
        "[server] idle_timeout_s": server.idle_timeout_s,
        "[server] write_timeout_s": server.write_timeout_s,
        "[server] owed_bytes_max": server.owed_bytes_max,
        "[server] tls_handshakes_max": server.tls_handshakes_max,
        "[engine] market_queue_max": engine.market_queue_max,
        "[engine] backlog_max": engine.backlog_max,
        "[engine] batch_max": engine.batch_max,
        "[engine] reply_timeout_s": engine.reply_timeout_s,
        "[engine] closed_orders_max": engine.closed_orders_max,
        "[engine] clock_jump_max_s": engine.clock_jump_max_s,
        "[auth] window_s": config.auth.window_s,
        "[auth] signatures_max": config.auth.signatures_max,
        "[faucet] interval_s": config.faucet.interval_s,
        "[tracing] every": config.tracing.every,
    }
    for section, limits in (("limits", config.limits), ("binance", config.binance)):
        names = [name for name in limits.__struct_fields__ if name != "enabled"]
        positive |= {f"[{section}] {name}": getattr(limits, name) for name in names}
    for setting, value in positive.items():
        if not 0 < value < math.inf:  # which nan is not either
            raise Failure(f"{setting} = {value} must be a number greater than zero.", 2)
    if not 0 < engine.read_share < 1:
        raise Failure(f"[engine] read_share = {engine.read_share} must be greater than 0 and less than 1.", 2)
    _check_retention(config.retention)
    _check_endpoint(config.tracing.endpoint)
    for table, names in (
        ("assets", [asset.symbol for asset in config.assets]),
        ("markets", [market.symbol for market in config.markets]),
        ("users", [user.id for user in config.users]),
    ):
        for name, times in Counter(names).items():
            if times > 1:
                raise Failure(f"[[{table}]] {name} is defined {times} times.", 2)
    if config.auth.mode == "dev" and not is_loopback(server.host) and not config.auth.dev_anywhere:
        raise Failure(
            f'[auth] mode = "dev" authenticates nobody, so [server] host must be loopback, not {server.host!r}; '
            '[auth] mode = "keys" takes signed requests. In a network where anybody may trade as any user, [auth] '
            "dev_anywhere = true allows it.",
            2,
        )
