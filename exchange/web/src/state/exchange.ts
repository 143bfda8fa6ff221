// The connection, the markets and their tickers: what all parts of the page share.

import { computed, signal } from "@preact/signals";
import { get } from "../api/rest";
import { type Connection, Socket } from "../api/socket";
import { ApiError, type Candle, type Market, type Ticker } from "../api/types";
import { identity } from "./identity";
import { marketName } from "./settings";

export const connection = signal<Connection>("connecting");
/** How long the exchange takes to answer PING, which waits for no disk; null before the first. */
export const pingMs = signal<number | null>(null);
/** From sending an order or a cancel to its durable reply; the latest last. */
export const replyMs = signal<number[]>([]);
const REPLIES_KEPT = 50;

const scheme = location.protocol === "https:" ? "wss" : "ws";
export const socket = new Socket(
  `${scheme}://${location.host}/ws`,
  identity.peek(),
  (state) => (connection.value = state),
  (milliseconds) => (pingMs.value = milliseconds),
);

/** Send a command and measure how long its durable answer takes; a refusal counts too. */
export async function measured<Data>(messageType: string, fields: Record<string, unknown>): Promise<Data> {
  const begun = performance.now();
  const note = (): void => {
    replyMs.value = [...replyMs.peek().slice(1 - REPLIES_KEPT), performance.now() - begun];
  };
  try {
    const data = await socket.command<Data>(messageType, fields);
    note();
    return data;
  } catch (error) {
    if (error instanceof ApiError) note();
    throw error;
  }
}

export const markets = signal<Market[]>([]);
export const market = computed(
  () => markets.value.find((one) => one.market === marketName.value) ?? markets.value[0] ?? null,
);
export const tickers = signal<ReadonlyMap<string, Ticker>>(new Map());
/** What the chosen market takes now; the ticker is read more often than the rules. */
export const marketStatus = computed(() => {
  const rules = market.value;
  return rules === null ? "trading" : (tickers.value.get(rules.market)?.status ?? rules.status);
});
export const sparks = signal<ReadonlyMap<string, number[]>>(new Map());

const TICKERS_MS = 2_000;
const MARKETS_MS = 15_000;
const SPARKS_MS = 60_000;
const SPARK_POINTS = 96;

async function readMarkets(): Promise<void> {
  const reply = await get<{ markets: Market[] }>("/markets");
  if (JSON.stringify(reply.markets) !== JSON.stringify(markets.peek())) markets.value = reply.markets;
}

/** A reader who has chosen no market yet sees the busiest. */
async function begin(): Promise<void> {
  await readTickers();
  if (marketName.peek() === "") {
    const busiest = [...tickers.peek().values()].sort((a, b) => Number(b.quote_volume) - Number(a.quote_volume))[0];
    marketName.value = busiest?.market ?? "";
  }
  await readMarkets();
  await readSparks();
}

async function readTickers(): Promise<void> {
  const reply = await get<{ tickers: Ticker[] }>("/ticker");
  tickers.value = new Map(reply.tickers.map((ticker) => [ticker.market, ticker]));
}

/** Closes of the last 24 hours; of a market that is younger than some hours, those of its minutes. */
async function readSparks(): Promise<void> {
  const found = new Map<string, number[]>();
  for (const { market } of markets.peek()) {
    let closes: number[] = [];
    for (const interval of ["15m", "1m"]) {
      const query = { market, interval, limit: String(SPARK_POINTS) };
      const reply = await get<{ candles: Candle[] }>("/candles", query);
      closes = reply.candles.map((candle) => Number(candle.close));
      if (closes.length >= 8) break;
    }
    found.set(market, closes);
  }
  sparks.value = found;
}

/** Repeat a reading while the page is seen; one that fails is tried again at its next turn. */
function every(milliseconds: number, read: () => Promise<void>): void {
  const turn = (): void => {
    if (!document.hidden && connection.peek() === "open") read().catch(() => undefined);
  };
  setInterval(turn, milliseconds);
  document.addEventListener("visibilitychange", turn);
}

export function start(): void {
  every(TICKERS_MS, readTickers);
  every(MARKETS_MS, readMarkets);
  every(SPARKS_MS, readSparks);
  connection.subscribe((state) => {
    if (state === "open") begin().catch(() => undefined);
  });
  socket.start();
}
