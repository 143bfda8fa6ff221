import assert from "node:assert/strict";
import { test } from "node:test";
import type { Candle, Trade } from "../src/api/types";
import { joinCandles, joinTrades } from "../src/model/series";

const trade = (trade_id: string): Trade => ({ trade_id, price: "1", quantity: "1", taker_side: "buy", timestamp: 0 });
const candle = (open_at: number, close: string): Candle => ({ open_at, open: "1", high: "9", low: "1", close, volume: "1" });
const ids = (trades: Trade[]): string[] => trades.map((one) => one.trade_id);
const closes = (candles: Candle[]): [number, string][] => candles.map((one) => [one.open_at, one.close]);

test("a page of trades that is older than the first events stays, and each trade is there once", () => {
  assert.deepEqual(ids(joinTrades([trade("11"), trade("10")], [trade("9"), trade("8")], 60)), ["11", "10", "9", "8"]);
  assert.deepEqual(ids(joinTrades([trade("11"), trade("10")], [trade("10"), trade("9")], 3)), ["11", "10", "9"]);
  assert.deepEqual(ids(joinTrades([], [trade("10"), trade("9")], 60)), ["10", "9"]);
  assert.deepEqual(ids(joinTrades([trade("9")], [trade("10"), trade("9")], 60)), ["10", "9"]);
  assert.deepEqual(joinTrades([], [], 60), []);
});

test("a page of candles goes before what events have told, which is newer", () => {
  const page = [candle(1, "1"), candle(2, "2")];
  assert.deepEqual(closes(joinCandles(page, [candle(2, "2.5")])), [[1, "1"], [2, "2.5"]]);
  assert.deepEqual(closes(joinCandles(page, [candle(3, "3")])), [[1, "1"], [2, "2"], [3, "3"]]);
  assert.deepEqual(closes(joinCandles(page, [candle(2, "2.5"), candle(3, "3")])), [[1, "1"], [2, "2.5"], [3, "3"]]);
  assert.deepEqual(closes(joinCandles(page, [candle(1, "0")])), [[1, "1"], [2, "2"]]);
  assert.deepEqual(closes(joinCandles([], [candle(3, "3")])), [[3, "3"]]);
  assert.deepEqual(joinCandles(page, []), page);
});
