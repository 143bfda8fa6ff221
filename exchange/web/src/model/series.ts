// Puts together what a page of history and the events that came meanwhile say. Either may be ahead of the other.

import type { Candle, Trade } from "../api/types";

/** The newest trades, newest first: those that came as events, and those of a page. */
export function joinTrades(held: readonly Trade[], page: readonly Trade[], most: number): Trade[] {
  const found = new Map<string, Trade>();
  for (const trade of [...held, ...page]) found.set(trade.trade_id, trade);
  const newestFirst = (a: Trade, b: Trade): number => (BigInt(a.trade_id) < BigInt(b.trade_id) ? 1 : -1);
  return [...found.values()].sort(newestFirst).slice(0, most);
}

/** The candles of the newest page, oldest first, then those that events have told since; of one minute the event's. */
export function joinCandles(page: readonly Candle[], held: readonly Candle[]): Candle[] {
  const last = page.at(-1);
  if (last === undefined) return [...held];
  const newer = held.filter((candle) => candle.open_at >= last.open_at);
  return [...page.filter((candle) => candle.open_at !== newer[0]?.open_at), ...newer];
}
