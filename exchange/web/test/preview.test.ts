import assert from "node:assert/strict";
import { test } from "node:test";
import type { Market } from "../src/api/types";
import { Book } from "../src/model/book";
import { decimal, text } from "../src/model/decimal";
import { affordable, preview, quantityFor, type Terms } from "../src/model/preview";

const MARKET: Market = {
  market: "SOL_USDC",
  base: "SOL",
  quote: "USDC",
  base_decimals: 9,
  quote_decimals: 6,
  tick_size: "0.01",
  lot_size: "0.0001",
  min_notional: "0.1",
  maker_fee: "0.001",
  taker_fee: "0.002",
  max_open_orders: 1000,
  status: "trading",
  fee_asset: "received",
  min_price: "0.01",
  max_fills_per_order: 10000,
  min_notional_applies_to_market: false,
  avg_price_mins: 5,
  self_trade_prevention: "expire_taker",
  allowed_self_trade_prevention: ["expire_taker", "expire_maker"],
};

const book = new Book(4, () => undefined);
book.take({
  type: "snapshot",
  last_sequence: 1,
  bids: [["99", "2"], ["98", "10"]],
  asks: [["100", "1"], ["101", "2"], ["105", "1"]],
});

const terms = (changes: Partial<Terms>): Terms => ({
  side: "buy",
  quantity: decimal("2"),
  limit: decimal("101"),
  covered: "at-limit",
  amount: null,
  timeInForce: "gtc",
  postOnly: false,
  waits: false,
  ...changes,
});

function seen(changes: Partial<Terms>): Record<string, string | null> {
  const asked = terms(changes);
  const found = preview(MARKET, asked.side === "buy" ? book.asks : book.bids, asked);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, value === null ? null : text(value)]));
}

test("a limit buy takes the makers' prices and is covered at its own", () => {
  assert.deepEqual(seen({}), {
    takes: "2",
    takesFor: "201",
    rests: "0",
    expires: "0",
    needs: "202",
    fee: "0.004",
    receives: "1.996",
    average: "100.5",
  });
});

test("what is beyond its price rests, or expires with ioc, or all of it with fok", () => {
  const beyond = { quantity: decimal("5"), limit: decimal("101") };
  assert.deepEqual([seen(beyond)["takes"], seen(beyond)["rests"]], ["3", "2"]);
  const ioc = seen({ ...beyond, timeInForce: "ioc" });
  assert.deepEqual([ioc["takes"], ioc["rests"], ioc["expires"]], ["3", "0", "2"]);
  const fok = seen({ ...beyond, timeInForce: "fok" });
  assert.deepEqual([fok["takes"], fok["rests"], fok["expires"], fok["average"]], ["0", "0", "5", null]);
});

test("a post-only order takes nothing", () => {
  const found = seen({ postOnly: true, limit: decimal("99.5") });
  assert.deepEqual([found["takes"], found["rests"], found["needs"], found["fee"]], ["0", "2", "199", "0"]);
});

test("a market buy is covered by what walking the book costs, up to its worst price", () => {
  const market: Partial<Terms> = { covered: "by-walk", timeInForce: "ioc", limit: null, quantity: decimal("3.5") };
  assert.equal(seen(market)["needs"], "354.5");
  const bounded = seen({ ...market, limit: decimal("101") });
  assert.deepEqual([bounded["needs"], bounded["expires"]], ["302", "0.5"]);
});

test("a sell needs its quantity and pays its fee in the quote, rounded up", () => {
  const found = seen({ side: "sell", limit: decimal("98"), quantity: decimal("2.0001") });
  assert.deepEqual([found["needs"], found["takesFor"], found["fee"]], ["2.0001", "198.0098", "0.39602"]);
  const tiny = seen({ side: "sell", limit: decimal("99"), quantity: decimal("0.0001") });
  assert.equal(tiny["fee"], "0.00002"); // 0.0000198 rounded up to six decimals
});

test("an order that waits trades nothing now and locks what a limit order locks, or nothing to buy at market", () => {
  const waiting = (changes: Partial<Terms>) => seen({ waits: true, ...changes });
  const limit = waiting({});
  assert.deepEqual([limit["needs"], limit["takes"], limit["rests"], limit["average"]], ["202", "0", "0", null]);
  const atMarket = { covered: "by-walk", limit: null, timeInForce: "ioc" } as const;
  assert.equal(waiting(atMarket)["needs"], "0");
  assert.equal(waiting({ ...atMarket, side: "sell" })["needs"], "2");
});

test("the largest quantity that a balance covers, in whole lots", () => {
  const most = (side: "buy" | "sell", limit: string | null, available: string): string =>
    text(affordable(MARKET, book.asks, side, limit === null ? null : decimal(limit), decimal(available)));
  assert.equal(most("sell", null, "1.00019"), "1.0001");
  assert.equal(most("buy", "3", "100"), "33.3333");
  assert.equal(most("buy", "0", "100"), "0");
  assert.equal(most("buy", null, "150.5"), "1.5"); // 1 at 100, then 0.5 at 101
  assert.equal(most("buy", null, "100000"), "4");
});

test("where fees are in the quote, a buy covers them too and receives all of the base", () => {
  const market: Market = { ...MARKET, fee_asset: "quote", maker_fee: "-0.001" };
  const found = preview(market, book.asks, terms({}));
  assert.deepEqual([found.needs, found.fee, found.receives].map(text), ["202.42", "0.402", "2"]); // 0.0000202 a lot, rounded up for each
  const walked = preview(market, book.asks, terms({ limit: null, timeInForce: "ioc" }));
  assert.equal(text(walked.needs), "201.402");
  const most = (limit: string | null): string =>
    text(affordable(market, book.asks, "buy", limit === null ? null : decimal(limit), decimal("100.2")));
  assert.deepEqual([most("100"), most(null)], ["1", "1"]);
});

test("an amount of the quote is as many whole lots as it takes, at each price", () => {
  const by = (side: "buy" | "sell", amount: string, limit: string | null = null): string =>
    text(quantityFor(MARKET, side === "buy" ? book.asks : book.bids, side, limit === null ? null : decimal(limit), decimal(amount)));
  assert.equal(by("buy", "150"), "1.495"); // 1 at 100, and 50 / 101 in whole lots
  assert.equal(by("buy", "10000"), "4");
  assert.equal(by("buy", "10000", "101"), "3");
  assert.equal(by("buy", "0.009"), "0");
  assert.equal(by("sell", "247"), "2.5"); // 2 at 99, and 49 / 98
});

test("a limit order until a date rests like one without", () => {
  const resting = seen({ quantity: decimal("5") });
  assert.equal(resting["rests"], "2");
  assert.deepEqual(seen({ quantity: decimal("5"), timeInForce: "gtd" }), resting);
  const behind = seen({ limit: decimal("98"), timeInForce: "gtd", postOnly: true });
  assert.deepEqual([behind["rests"], behind["expires"]], ["2", "0"]);
});
