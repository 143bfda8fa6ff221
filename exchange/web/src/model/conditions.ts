// What an order waits for, what it shows and why it ended, in words.

import type { Market, Order, Side } from "../api/types";
import { compare, type Decimal } from "./decimal";
import { clock, dayAndClock, grouped, whole } from "./format";
import { priceDecimals } from "./preview";
import { expiry, refusal } from "./words";

/** Whether an order that waits triggers at its price and above: a stop-loss to buy, or a take-profit to sell. */
export const rises = (orderType: string, side: Side): boolean => orderType.startsWith("stop_loss") === (side === "buy");

/** Whether a last price is where such an order waits for it to be. */
export function reached(orderType: string, side: Side, at: Decimal, last: Decimal): boolean {
  const order = compare(last, at);
  return rises(orderType, side) ? order >= 0 : order <= 0;
}

export interface Waits {
  order_type: string;
  side: Side;
  stop_price: string | null;
  trailing_delta: number | null;
  trailing_amount: string | null;
  activation_price: string | null;
}

/** Basis points as a percentage: 125 are 1.25 %. */
const percentage = (bps: number): string => `${whole((bps / 100).toFixed(2))} %`;

/** What an order waits for; null if it waits for no price. */
export function waitsFor(order: Waits, rules: Market | undefined): string | null {
  const price = (text: string): string => (rules === undefined ? whole(text) : grouped(text, priceDecimals(rules)));
  const comparison = rises(order.order_type, order.side) ? "≥" : "≤";
  const last = (at: string): string => `last\u00a0${comparison}\u00a0${price(at)}`;
  if (order.stop_price !== null) return last(order.stop_price);
  const distance =
    order.trailing_delta !== null
      ? percentage(order.trailing_delta)
      : order.trailing_amount !== null
        ? price(order.trailing_amount)
        : null;
  if (distance === null) return null;
  const behind = order.side === "sell" ? "below its highest" : "above its lowest";
  const from = order.activation_price === null ? "" : `; begins at ${last(order.activation_price)}`;
  return `last ${distance} ${behind}${from}`;
}

/** Where the price of a pegged order comes from; null if it is not pegged. */
export function peggedTo(order: Order): string | null {
  const { peg, side } = order;
  if (!peg) return null;
  const best = (side === "buy") === (peg.to === "primary") ? "best bid" : "best ask";
  const verb = peg.follow ? "follows" : "pegged to";
  if (peg.levels) return `${verb} the level ${peg.levels} behind the ${best}`;
  if (peg.offset !== null) return `${verb} the ${best} ${side === "buy" ? "−" : "+"} ${whole(peg.offset)}`;
  return `${verb} the ${best}`;
}

/** How far an order that waits, or has waited, is. */
export function progress(order: Order, rules: Market | undefined): string | null {
  if (order.trigger_price !== null && order.triggered_at !== null) {
    const at = rules === undefined ? whole(order.trigger_price) : grouped(order.trigger_price, priceDecimals(rules));
    return `triggered by ${at} at ${clock(order.triggered_at)}`;
  }
  if (order.pending_for === "list") return "waits for its list";
  if (order.tracking_at !== null) return `following since ${clock(order.tracking_at)}`;
  const trails = order.trailing_delta !== null || order.trailing_amount !== null;
  return trails && order.status === "pending" ? "not following yet" : null;
}

const TYPES: Record<string, string> = {
  limit: "Limit",
  market: "Market",
  stop_loss: "Stop-loss",
  stop_loss_limit: "Stop-loss limit",
  take_profit: "Take-profit",
  take_profit_limit: "Take-profit limit",
};

export const typeName = (orderType: string): string => TYPES[orderType] ?? orderType;

const hasLimit = (order: Order): boolean => order.order_type === "limit" || order.order_type.endsWith("_limit");

/** What an order is beside its type: its time in force, post-only, what it shows. */
export function details(order: Order): string[] {
  const words: string[] = [];
  if (order.expire_at !== null) words.push(`until ${dayAndClock(order.expire_at)}`);
  else if (order.time_in_force !== "gtc" && hasLimit(order)) words.push(order.time_in_force.toUpperCase());
  if (order.post_only) words.push("post-only");
  if (order.visible_quantity !== null) words.push(`shows ${whole(order.visible_quantity)}`);
  return words;
}

const CANCELED: Record<string, string> = {
  owner: "by you",
  disabled: "the user was disabled",
  reset: "the user was reset",
  cancel_all_after: "its timer ran out",
  disconnect: "its connection ended",
  replaced: "another order replaced it",
  list: "its list was canceled",
};

/** Why an order ended, as far as its status does not say it. */
export function whyEnded(order: Order): string | null {
  if (order.status === "canceled") return order.cancel_reason === null ? null : (CANCELED[order.cancel_reason] ?? order.cancel_reason);
  if (order.status !== "expired") return null;
  const why = expiry(order.expire_reason);
  return order.refused_code === null ? why : `${why}. ${refusal(order.refused_code, "")}`;
}
