// What an amendment of an open order asks for, and what becomes of the order's place in the queue.

import type { Order, Side } from "../api/types";
import type { Level } from "./book";
import { add, compare, decimal, type Decimal, parse, text, ZERO } from "./decimal";

/** What was typed: the new limit, empty of an order that has none, and the new total. */
export interface Change {
  price: string;
  quantity: string;
}

const differs = (typed: string, held: string | null): boolean => {
  const number = parse(typed.trim());
  return held !== null && (number === null ? typed.trim() !== "" : compare(number, decimal(held)) !== 0);
};

/** The fields of `PATCH /order` beside its name; null if nothing would change. */
export function amendBody(order: Order, change: Change): Record<string, string> | null {
  const body: Record<string, string> = {};
  if (differs(change.price, order.price)) body["price"] = change.price.trim();
  if (differs(change.quantity, order.quantity)) body["quantity"] = change.quantity.trim();
  return Object.keys(body).length === 0 ? null : body;
}

/** What of an order is over, executed or prevented: its new total must stay above that. */
export function done(order: Order): Decimal {
  return add(decimal(order.executed_quantity), order.prevented_quantity === null ? ZERO : decimal(order.prevented_quantity));
}

/** Whether an order of that side at that price would trade with the best level of the other side. */
function crosses(side: Side, price: Decimal, best: Level | undefined): boolean {
  if (best === undefined) return false;
  const order = compare(price, decimal(best.price));
  return side === "buy" ? order >= 0 : order <= 0;
}

/**
 * What would become of the order, as a sentence, and of the other leg of its list. `best` is the best level of the other
 * side, if its book is known.
 */
export function consequence(order: Order, change: Change, best: Level | undefined, otherLeg: Order | null = null): string {
  const quantity = parse(change.quantity.trim());
  const price = order.price === null ? null : parse(change.price.trim());
  if (quantity === null || (order.price !== null && price === null)) return "Write plain digits, with a point for decimals.";
  if (compare(quantity, done(order)) <= 0)
    return `The quantity must stay above ${text(done(order))}, what is executed or prevented. To end the order, cancel it.`;
  const body = amendBody(order, change);
  if (body === null) return "Nothing changes yet.";
  const both = otherLeg !== null && body["quantity"] !== undefined;
  return both ? `${place(order, change, best)} Order ${otherLeg.order_id}, the other leg of its list, gets the same quantity.` : place(order, change, best);
}

/** What becomes of its place in the queue, if it is changed so. */
function place(order: Order, change: Change, best: Level | undefined): string {
  if (order.status === "pending") return "The order goes on waiting for the same.";
  const price = parse(change.price.trim());
  const samePrice = price === null || !differs(change.price, order.price);
  if (samePrice && order.quantity !== null && compare(decimal(change.quantity.trim()), decimal(order.quantity)) < 0)
    return "The order keeps its place in the queue.";
  if (!samePrice && crosses(order.side, price, best))
    return order.post_only ? "At this price it would trade at once, which a post-only order may not." : "At this price it would trade at once.";
  return "The order goes to the back of the queue at its price.";
}
