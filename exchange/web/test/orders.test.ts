import assert from "node:assert/strict";
import { test } from "node:test";
import type { Market, Order } from "../src/api/types";
import { decimal } from "../src/model/decimal";
import { type Draft, fieldsOf, listBody, orderBody } from "../src/model/draft";
import { FIELDS, type FieldName, NO_FIELDS } from "../src/model/fields";
import { outside } from "../src/model/filters";
import { GROUPS, ORDER_TYPES, PEGS, TRIGGERS, typesIn } from "../src/model/orderTypes";
import { grouped, percent, whole } from "../src/model/format";
import { expiry, marketWords, outcome, refusal, takes } from "../src/model/words";

const draft = (type: string, changes: Partial<Draft> = {}): Draft => ({
  market: "SOL_USDC",
  side: "buy",
  type: ORDER_TYPES.find((one) => one.id === type)!,
  trigger: "price",
  pegTo: "primary",
  pegAt: "best",
  pegFollows: false,
  fields: { ...NO_FIELDS, price: "150.02", worst: "151", quantity: " 2 ", amount: " 75.5 " },
  timeInForce: "gtc",
  expireAt: null,
  postOnly: false,
  selfTrade: "",
  ...changes,
});
const numbers = (typed: Partial<Record<FieldName, string>>) => ({ fields: { ...NO_FIELDS, quantity: "2", ...typed } });

test("a limit order says its time in force, and post-only where that goes together", () => {
  const all = { market: "SOL_USDC", side: "buy", order_type: "limit", price: "150.02", quantity: "2", time_in_force: "gtc" };
  assert.deepEqual(orderBody(draft("limit")), all);
  assert.deepEqual(orderBody(draft("limit", { postOnly: true })), { ...all, post_only: true });
  const ioc = orderBody(draft("limit", { postOnly: true, timeInForce: "ioc" }));
  assert.deepEqual(ioc, { ...all, time_in_force: "ioc" });
});

test("a market order leaves its time in force to the exchange, and a worst price that was left empty out", () => {
  const bare = { market: "SOL_USDC", side: "buy", order_type: "market", quantity: "2" };
  assert.deepEqual(orderBody(draft("market", numbers({}))), bare);
  assert.deepEqual(orderBody(draft("market", { timeInForce: "ioc" })), { ...bare, price: "151" });
});

test("an order by its amount is a market order without a quantity", () => {
  const bare = { market: "SOL_USDC", side: "buy", order_type: "market", quote_quantity: "75.5", price: "151" };
  assert.deepEqual(orderBody(draft("amount")), bare);
});

test("an order that waits says what for, and leaves out what another trigger would ask", () => {
  const typed = numbers({ stop: "90", delta: "125", distance: "1.5", activation: "95", price: "89", visible: "1" });
  const bare = { market: "SOL_USDC", side: "buy", quantity: "2" };
  assert.deepEqual(orderBody(draft("stop_loss", typed)), { ...bare, order_type: "stop_loss", stop_price: "90" });
  assert.deepEqual(orderBody(draft("take_profit", { ...typed, trigger: "delta" })), {
    ...bare,
    order_type: "take_profit",
    trailing_delta: 125,
    activation_price: "95",
  });
  assert.deepEqual(orderBody(draft("stop_loss_limit", { ...typed, trigger: "distance", timeInForce: "fok" })), {
    ...bare,
    order_type: "stop_loss_limit",
    trailing_amount: "1.5",
    activation_price: "95",
    price: "89",
    time_in_force: "fok",
  });
});

test("a time, a visible quantity and a mode of self-trade prevention are said where they go", () => {
  const dated = orderBody(draft("limit", { timeInForce: "gtd", expireAt: 1_800_000_000_000, ...numbers({ price: "1", visible: "0.5" }) }));
  assert.deepEqual([dated["time_in_force"], dated["expire_at"], dated["visible_quantity"]], ["gtd", 1_800_000_000_000, undefined]);
  const iceberg = orderBody(draft("limit", { expireAt: 1_800_000_000_000, selfTrade: "decrement", ...numbers({ price: "1", visible: "0.5" }) }));
  assert.deepEqual([iceberg["expire_at"], iceberg["visible_quantity"], iceberg["self_trade_prevention"]], [undefined, "0.5", "decrement"]);
});

test("a pegged order says where its price comes from, and its limit only if there is one", () => {
  const bare = { market: "SOL_USDC", side: "buy", order_type: "limit", quantity: "2" };
  const typed = numbers({ pegLevels: "3", pegOffset: "0.5" });
  assert.deepEqual(orderBody(draft("pegged", typed)), { ...bare, peg: { to: "primary" } });
  assert.deepEqual(orderBody(draft("pegged", { ...typed, pegAt: "levels", postOnly: true })), {
    ...bare,
    peg: { to: "primary", levels: 3 },
    post_only: true,
  });
  assert.deepEqual(orderBody(draft("pegged", { ...typed, pegTo: "market", pegAt: "offset", timeInForce: "ioc", postOnly: true })), {
    ...bare,
    peg: { to: "market", offset: "0.5" },
    time_in_force: "ioc",
  });
  const follows = orderBody(draft("pegged", { ...numbers({ pegLimit: "120" }), pegTo: "market", pegFollows: true, timeInForce: "gtd" }));
  assert.deepEqual(follows, { ...bare, price: "120", peg: { to: "market", follow: true } });
  const asked = fieldsOf(draft("pegged", { pegFollows: true })).find(({ name }) => name === "pegLimit");
  assert.equal(asked?.required, true);
  const stop = orderBody(draft("stop_loss_pegged", numbers({ stop: "90", pegLimit: "91" })));
  assert.deepEqual(stop, { ...bare, order_type: "stop_loss_limit", stop_price: "90", price: "91", peg: { to: "primary" } });
});

test("a list has its orders in their order, and what depends on the first is of the other side", () => {
  const typed = numbers({ price: "100", target: "120", stop: "90", stopLimit: "89" });
  const leg = { market: "SOL_USDC", side: "sell", quantity: "2" };
  const limit = { ...leg, order_type: "limit", price: "120" };
  const stop = { ...leg, order_type: "stop_loss_limit", stop_price: "90", price: "89" };
  const first = { ...leg, side: "buy", order_type: "limit", price: "100" };
  assert.deepEqual(listBody(draft("oco", { ...typed, side: "sell" })), { type: "oco", orders: [limit, stop] });
  assert.deepEqual(listBody(draft("otoco", typed)), { type: "otoco", orders: [first, limit, stop] });
  assert.deepEqual(listBody(draft("oto_limit", typed)), { type: "oto", orders: [first, limit] });
  const atMarket = { ...leg, order_type: "stop_loss", stop_price: "90", self_trade_prevention: "none" };
  assert.deepEqual(listBody(draft("oto_stop", { ...numbers({ price: "100", stop: "90" }), selfTrade: "none" })), {
    type: "oto",
    orders: [{ ...first, self_trade_prevention: "none" }, atMarket],
  });
});

test("every row of the table names fields that there are, and every group has a type", () => {
  for (const { value } of GROUPS) assert.ok(typesIn(value).length > 0, value);
  for (const { fields } of [...TRIGGERS, ...PEGS]) for (const { name } of fields) assert.ok(FIELDS[name], name);
  for (const type of ORDER_TYPES) {
    const shown = fieldsOf({ type, trigger: "price", pegAt: "levels", pegFollows: false }).map(({ name }) => name);
    assert.equal(shown.includes("pegLevels"), type.pegs === true, type.id);
    if (type.list === undefined) assert.equal(shown.includes("stop"), type.waits, type.id);
    assert.equal(new Set(shown).size, shown.length, type.id);
    for (const name of shown) assert.ok(FIELDS[name], `${type.id}: ${name}`);
    assert.ok(type.limit === null || type.fields.some(({ name }) => name === type.limit), type.value);
    const known = type.timesInForce.map(({ value }) => value);
    assert.ok(known.length > 0 && type.postOnlyWith.every((value) => known.includes(value)), type.value);
  }
});

test("a refusal is a sentence with the figures, and an unknown code the exchange's own", () => {
  assert.equal(
    refusal("INSUFFICIENT_BALANCE", "", { needs: "300", available: "20", asset: "USDC" }),
    "Not enough USDC: the order needs 300, and 20 is available.",
  );
  assert.equal(refusal("SOMETHING_NEW", "It says so."), "It says so.");
  assert.match(refusal("SOMETHING_NEW", ""), /SOMETHING_NEW/);
});

test("a filter of the market is said with its figure", () => {
  const market = { filters: { max_quantity: "5", max_open_stops: 3, max_price: null } } as unknown as Market;
  assert.equal(refusal("MAX_QUANTITY", "", { market }), "The quantity must be at most 5.");
  assert.equal(refusal("TOO_MANY_OPEN_STOPS", "", { market }), "In this market you may have so many orders that wait for a price: 3.");
  assert.equal(refusal("MAX_PRICE", "The exchange's own.", { market }), "The exchange's own.");
  assert.equal(refusal("MAX_PRICE", ""), "The order is outside of a bound of its market (max_price).");
});

test("an order that expired without a trade says why", () => {
  const order = { status: "expired", executed_quantity: "0", quantity: "2", expire_reason: "fok_unfillable" } as Order;
  assert.equal(outcome(order, "SOL"), "Order expired: it could not be filled whole. Nothing traded.");
  assert.equal(
    outcome({ ...order, executed_quantity: "0.5", expire_reason: "unfilled" }, "SOL"),
    "0.5 of 2 SOL filled, the rest expired: nothing more was there at its price.",
  );
});

test("a market says what it takes", () => {
  assert.equal(marketWords("trading"), null);
  assert.equal(marketWords("halted")?.name, "Halted");
  assert.equal(marketWords("another")?.what, "This market is another.");
  assert.ok(takes("trading", "ioc", false) && takes("post_only", "gtc", false) && takes("post_only", "ioc", true));
  assert.ok(!takes("post_only", "ioc", false) && !takes("cancel_only", "gtc", false) && !takes("halted", "gtc", true));
});

test("figures keep their digits", () => {
  assert.equal(grouped("1234567.5", 2), "1,234,567.50");
  assert.equal(grouped("0.00001996", 8), "0.00001996");
  assert.equal(whole("12345678901234567890.1000"), "12,345,678,901,234,567,890.1");
  assert.equal(percent("-0.23", "150.09"), "−0.15 %");
  assert.equal(percent(null, null), "–");
});

test("every reason for which an order expires is said in words", () => {
  for (const reason of ["unfilled", "fok_unfillable", "self_trade", "max_fills", "refused_at_trigger", "expire_at"]) assert.notEqual(expiry(reason), reason);
  assert.equal(expiry("a_later_one"), "a_later_one");
  assert.equal(expiry(null), "");
});

test("a number outside of a filter of its market is said while it is typed", () => {
  const filters = { max_price: "200", min_quantity: "0.5", max_quantity: "9", market_min_quantity: "1", market_max_quantity: "5" };
  const market = { filters: { ...filters, max_open_stops: 3 } } as unknown as Market;
  const said = (name: FieldName, number: string, atMarket = false): string | null => outside(name, decimal(number), market, atMarket);
  assert.deepEqual([said("price", "200"), said("stop", "200.01")], [null, "This market takes at most 200."]);
  assert.deepEqual([said("quantity", "0.4"), said("quantity", "9.1")], ["This market takes at least 0.5.", "This market takes at most 9."]);
  assert.deepEqual([said("quantity", "0.5"), said("quantity", "9")], [null, null]);
  assert.deepEqual([said("quantity", "0.9", true), said("quantity", "6", true)], ["This market takes at least 1.", "This market takes at most 5."]);
  assert.deepEqual([said("quantity", "1", true), said("amount", "900", true), said("visible", "0.1")], [null, null, null]);
  assert.equal(outside("price", decimal("999"), { filters: { max_price: null } } as unknown as Market, false), null);
});
