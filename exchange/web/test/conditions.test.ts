import assert from "node:assert/strict";
import { test } from "node:test";
import type { Market, Order, OrderList } from "../src/api/types";
import { amendBody, consequence } from "../src/model/amend";
import { details, peggedTo, progress, reached, waitsFor, whyEnded } from "../src/model/conditions";
import { decimal, text, ZERO } from "../src/model/decimal";
import { grouped, otherLeg } from "../src/model/lists";
import { pegPrice } from "../src/model/peg";

const RULES = { tick_size: "0.01" } as Market;
const order = (changes: Partial<Order>): Order => ({
  order_id: "1",
  client_order_id: null,
  market: "SOL_USDC",
  side: "buy",
  order_type: "limit",
  time_in_force: "gtc",
  post_only: false,
  price: "100",
  quantity: "5",
  executed_quantity: "0",
  executed_quote_quantity: "0",
  status: "open",
  expire_reason: null,
  cancel_reason: null,
  created_at: 0,
  updated_at: 0,
  self_trade_prevention: "expire_taker",
  prevented_quantity: null,
  visible_quantity: null,
  stop_price: null,
  trailing_delta: null,
  trailing_amount: null,
  activation_price: null,
  expire_at: null,
  pending_for: null,
  tracking_at: null,
  trigger_price: null,
  triggered_at: null,
  refused_code: null,
  peg: null,
  pegged_price: null,
  list_id: null,
  ...changes,
});

/** Without the spaces at which a line may not break. */
const plain = (words: string | null): string | undefined => words?.replaceAll("\u00a0", " ");

test("a stop-loss waits for the price to move against it, a take-profit for the other way", () => {
  const words = (order_type: string, side: "buy" | "sell") => plain(waitsFor(order({ order_type, side, stop_price: "1234.5" }), RULES));
  assert.equal(words("stop_loss", "buy"), "last ≥ 1,234.50");
  assert.equal(words("stop_loss_limit", "sell"), "last ≤ 1,234.50");
  assert.equal(words("take_profit", "buy"), "last ≤ 1,234.50");
  assert.equal(words("take_profit_limit", "sell"), "last ≥ 1,234.50");
  assert.equal(waitsFor(order({}), RULES), null);
  const at = decimal("100");
  assert.ok(reached("stop_loss", "sell", at, decimal("100")) && reached("stop_loss", "sell", at, decimal("99.99")));
  assert.ok(!reached("stop_loss", "sell", at, decimal("100.01")) && reached("take_profit", "sell", at, decimal("101")));
});

test("a trailing order says how far behind which price, and from where on", () => {
  const trails = { order_type: "stop_loss", side: "sell", trailing_delta: 125 } as const;
  assert.equal(waitsFor(order(trails), RULES), "last 1.25 % below its highest");
  assert.equal(
    plain(waitsFor(order({ order_type: "take_profit", side: "sell", trailing_amount: "2", activation_price: "110" }), RULES)),
    "last 2.00 below its highest; begins at last ≥ 110.00",
  );
  assert.equal(waitsFor(order({ ...trails, side: "buy" }), RULES), "last 1.25 % above its lowest");
  assert.equal(progress(order({ ...trails, status: "pending" }), RULES), "not following yet");
  assert.match(progress(order({ ...trails, tracking_at: 1 }), RULES)!, /^following since /);
  assert.equal(progress(order({ ...trails, status: "pending", pending_for: "list" }), RULES), "waits for its list");
  assert.match(progress(order({ tracking_at: 1, trigger_price: "99", triggered_at: 2 }), RULES)!, /^triggered by 99.00 at /);
});

test("an order says what it is beside its type", () => {
  assert.deepEqual(details(order({ time_in_force: "fok" })), ["FOK"]);
  assert.deepEqual(details(order({ order_type: "market", time_in_force: "ioc" })), []);
  assert.deepEqual(details(order({ post_only: true, visible_quantity: "0.50" })), ["post-only", "shows 0.5"]);
  assert.match(details(order({ time_in_force: "gtd", expire_at: 1_800_000_000_000 }))[0]!, /^until /);
});

test("an order that ended says why", () => {
  assert.equal(whyEnded(order({ status: "canceled", cancel_reason: "owner" })), "by you");
  assert.equal(whyEnded(order({ status: "canceled", cancel_reason: "a_later_one" })), "a_later_one");
  assert.equal(whyEnded(order({ status: "expired", expire_reason: "expire_at" })), "its time was over");
  assert.equal(
    whyEnded(order({ status: "expired", expire_reason: "refused_at_trigger", refused_code: "INSUFFICIENT_BALANCE" })),
    "its price had come, and it could not enter. The available balance does not cover this order.",
  );
  assert.equal(whyEnded(order({ status: "filled" })), null);
});

test("an amendment sends only what differs", () => {
  assert.equal(amendBody(order({}), { price: "100.00", quantity: " 5 " }), null);
  assert.deepEqual(amendBody(order({}), { price: "101", quantity: "5" }), { price: "101" });
  assert.deepEqual(amendBody(order({}), { price: "100", quantity: "4.5" }), { quantity: "4.5" });
  assert.deepEqual(amendBody(order({ price: null }), { price: "", quantity: "4" }), { quantity: "4" });
});

test("what becomes of an amended order is said before it is sent", () => {
  const best = { price: "101", quantity: "1", key: 0n, units: 0n };
  const words = (changes: Partial<Order>, price: string, quantity: string) =>
    consequence(order({ executed_quantity: "1", ...changes }), { price, quantity }, best);
  assert.match(words({}, "100", "4"), /keeps its place/);
  assert.match(words({}, "100", "6"), /back of the queue/);
  assert.match(words({}, "100.5", "4"), /back of the queue/);
  assert.match(words({}, "101", "5"), /trade at once\.$/);
  assert.match(words({ post_only: true }, "101", "5"), /post-only order may not/);
  assert.match(words({ prevented_quantity: "1" }, "100", "2"), /above 2/);
  assert.match(words({ status: "pending" }, "105", "3"), /goes on waiting/);
  assert.equal(words({}, "100", "5"), "Nothing changes yet.");
  assert.match(words({}, "abc", "5"), /plain digits/);
});

test("an amendment of a leg says that the other leg gets the same quantity", () => {
  const [first, second, third] = ["4", "5", "6"].map((order_id) => order({ order_id, list_id: "1" }));
  const list = (type: OrderList["type"]): OrderList => ({ type, orders: [first!, second!, third!] }) as unknown as OrderList;
  const open = [third!, second!, first!];
  const leg = (of: Order | undefined, type: OrderList["type"], shown = open): string | undefined =>
    otherLeg(of!, list(type), shown)?.order_id;
  assert.deepEqual([leg(first, "otoco"), leg(second, "otoco"), leg(third, "otoco")], [undefined, "6", "5"]);
  assert.deepEqual([leg(second, "oto"), leg(third, "otoco", [third!])], [undefined, undefined]);
  assert.equal(otherLeg(second!, undefined, open), null);
  const words = (price: string, quantity: string): string => consequence(second!, { price, quantity }, undefined, third);
  assert.match(words("100", "4"), /keeps its place in the queue\. Order 6, the other leg of its list, gets the same quantity\.$/);
  assert.match(words("99", "5"), /at its price\.$/);
  assert.match(words("100", "0"), /cancel it\.$/);
});

test("a pegged order says where its price comes from", () => {
  const words = (side: "buy" | "sell", to: "primary" | "market", levels: number | null, offset: string | null) =>
    peggedTo(order({ side, peg: { to, levels, offset } }));
  assert.equal(words("buy", "primary", null, null), "pegged to the best bid");
  assert.equal(words("buy", "market", null, "0.50"), "pegged to the best ask − 0.5");
  assert.equal(words("sell", "primary", 1, null), "pegged to the level 1 behind the best ask");
  assert.equal(words("sell", "market", null, "2"), "pegged to the best bid + 2");
  assert.equal(peggedTo(order({ peg: { to: "market", levels: null, offset: null, follow: true } })), "follows the best ask");
  assert.equal(peggedTo(order({})), null);
});

test("a peg takes a level or keeps an offset from the best, within the limit", () => {
  const level = (price: string) => ({ price, quantity: "1", key: 0n, units: 0n });
  const book = { bids: [level("99"), level("98")], asks: [level("101")] };
  const at = (side: "buy" | "sell", to: "primary" | "market", levels: number, offset = "0", limit?: string): string | null => {
    const found = pegPrice(book, side, { to, levels, offset: decimal(offset), limit: limit === undefined ? null : decimal(limit) });
    return found === null ? null : text(found);
  };
  assert.deepEqual([at("buy", "primary", 0), at("buy", "primary", 1), at("buy", "primary", 2)], ["99", "98", null]);
  assert.deepEqual([at("buy", "market", 0, "0.5"), at("sell", "primary", 0, "0.5")], ["100.5", "101.5"]);
  assert.deepEqual([at("buy", "market", 0, "0", "100"), at("sell", "market", 0, "0", "100"), at("sell", "market", 0, "0", "90")], ["100", "100", "99"]);
  assert.equal(pegPrice({ bids: [], asks: [] }, "buy", { to: "primary", levels: 0, offset: ZERO, limit: null }), null);
});

test("orders of a list are shown together, where the newest of them is", () => {
  const ids = grouped([
    order({ order_id: "5", list_id: "1" }),
    order({ order_id: "4" }),
    order({ order_id: "3", list_id: "1" }),
    order({ order_id: "2", list_id: "2" }),
  ]).map(({ listId, orders }) => [listId, orders.map((one) => one.order_id)]);
  assert.deepEqual(ids, [["1", ["3", "5"]], [null, ["4"]], ["2", ["2"]]]);
});
