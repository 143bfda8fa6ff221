import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order } from "../src/api/types";
import { again, frees, replaceOutcome } from "../src/model/replace";

const LIMIT: Order = {
  order_id: "7",
  client_order_id: null,
  market: "SOL_USDC",
  side: "buy",
  order_type: "limit",
  time_in_force: "gtc",
  post_only: false,
  price: "150",
  quantity: "5",
  executed_quantity: "1",
  executed_quote_quantity: "150",
  status: "open",
  expire_reason: null,
  cancel_reason: null,
  created_at: 1,
  updated_at: 1,
  self_trade_prevention: "decrement",
  prevented_quantity: "0.5",
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
};
const order = (changes: Partial<Order>): Order => ({ ...LIMIT, ...changes });

/** What is not empty of the fields, and what else the form takes over. */
function taken(from: Order): object {
  const { type, trigger, pegAt, side, fields } = again(from);
  return { type: type.id, trigger, pegAt, side, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "")) };
}

test("the form takes over what remains of an order, whatever its type", () => {
  const plain = { type: "limit", trigger: "price", pegAt: "best", side: "buy", quantity: "3.5", price: "150" };
  assert.deepEqual(taken(order({})), plain);
  assert.deepEqual(taken(order({ visible_quantity: "1" })), { ...plain, visible: "1" });
  const stop = order({ order_type: "stop_loss", price: null, trailing_delta: 125, activation_price: "160", side: "sell" });
  const { price: _, ...rest } = plain;
  assert.deepEqual(taken(stop), { ...rest, type: "stop_loss", trigger: "delta", side: "sell", delta: "125", activation: "160" });
  const distance = order({ order_type: "take_profit_limit", trailing_amount: "2" });
  assert.deepEqual(taken(distance), { ...plain, type: "take_profit_limit", trigger: "distance", distance: "2" });
  const pegged = order({ peg: { to: "market", offset: null, levels: 2, follow: true }, pegged_price: "149" });
  assert.deepEqual(taken(pegged), { ...rest, type: "pegged", pegAt: "levels", pegLevels: "2", pegLimit: "150" });
});

test("what an order has locked is free for the one that replaces it", () => {
  assert.equal(frees(order({})), "525");
  assert.equal(frees(order({ side: "sell" })), "3.5");
  assert.equal(frees(order({ price: null, order_type: "stop_loss" })), "0");
  assert.equal(frees(order({ pending_for: "list" })), "0");
  const peg = { to: "primary" as const, offset: null, levels: null };
  assert.equal(frees(order({ peg, pegged_price: "100" })), "350");
  assert.equal(frees(order({ peg: { ...peg, follow: true }, pegged_price: "100" })), "525");
});

test("each part of a replacement is told, also one that failed alone", () => {
  const placed = order({ order_id: "8", executed_quantity: "0" });
  const refused = { code: "INSUFFICIENT_BALANCE", message: "…" };
  const closed = { code: "ORDER_CLOSED", message: "…" };
  assert.deepEqual(replaceOutcome({ canceled: order({}), placed }, "7", "SOL"), {
    all: true,
    text: "Order 7 canceled. Order placed: it rests in the book.",
  });
  assert.deepEqual(replaceOutcome({ canceled: order({}), placed: refused }, "7", "SOL"), {
    all: false,
    text: "Order 7 canceled. The new order was not placed: The available balance does not cover this order.",
  });
  assert.deepEqual(replaceOutcome({ canceled: closed, placed }, "7", "SOL"), {
    all: false,
    text: "Order 7 was not canceled: The order is no longer open. Order placed: it rests in the book.",
  });
});
