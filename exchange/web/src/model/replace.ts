// Replacing an open order by another one: how that is sent, what the form begins with, and what came of it.

import type { Order, Refused, Replaced, Side } from "../api/types";
import { decimal, multiply, subtract, text, ZERO } from "./decimal";
import { done } from "./amend";
import { type FieldName, NO_FIELDS } from "./fields";
import { type Choice, ORDER_TYPES, type OrderType, type PegAt, type TriggerName } from "./orderTypes";
import { outcome, refusal } from "./words";

/** What may happen alone, by the `mode` of the API. */
export const REPLACE_MODES: Choice[] = [
  { value: "atomic", label: "Nothing is done", hint: "Both or nothing: if one of them cannot be done, the order stays as it is." },
  {
    value: "stop_on_failure",
    label: "The cancel may stand alone",
    hint: "The new order is placed only if the old one was canceled; it may fail alone.",
  },
  {
    value: "allow_failure",
    label: "Either may stand alone",
    hint: "The new order is placed also if the old one could not be canceled, as when it has filled.",
  },
];

/** What the form holds of an order that is to be replaced: the same order again, for what remains of it. */
export interface Again {
  type: OrderType;
  side: Side;
  trigger: TriggerName;
  pegAt: PegAt;
  fields: Record<FieldName, string>;
}

const remaining = (order: Order): string => (order.quantity === null ? "" : text(subtract(decimal(order.quantity), done(order))));

export function again(order: Order): Again {
  const rows = ORDER_TYPES.filter((one) => one.value === order.order_type && one.list === undefined);
  const type = rows.find((one) => (one.pegs === true) === (order.peg !== null)) ?? rows[0]!;
  const fields = { ...NO_FIELDS, quantity: remaining(order) };
  const given: Partial<Record<FieldName, string | number | null>> = {
    stop: order.stop_price,
    delta: order.trailing_delta,
    distance: order.trailing_amount,
    activation: order.activation_price,
    visible: order.visible_quantity,
    pegLevels: order.peg?.levels ?? null,
    pegOffset: order.peg?.offset ?? null,
  };
  if (type.limit !== null) given[type.limit] = order.price;
  for (const [name, value] of Object.entries(given)) if (value !== null) fields[name as FieldName] = String(value);
  return {
    type,
    side: order.side,
    trigger: order.trailing_delta !== null ? "delta" : order.trailing_amount !== null ? "distance" : "price",
    pegAt: order.peg === null ? "best" : order.peg.levels !== null ? "levels" : order.peg.offset !== null ? "offset" : "best",
    fields,
  };
}

/** About what the order has locked, which the new one may use: its quantity, or that at its price. Fees are not in it. */
export function frees(order: Order): string {
  if (order.pending_for === "list" || order.quantity === null) return "0";
  const left = decimal(remaining(order));
  if (order.side === "sell") return text(left);
  const price = order.peg?.follow === true ? order.price : (order.pegged_price ?? order.price);
  return text(price === null ? ZERO : multiply(left, decimal(price)));
}

const isOrder = (part: Order | Refused | null): part is Order => part !== null && "order_id" in part;

/** What became of both, as a sentence; `all` is whether the one was replaced by the other. */
export function replaceOutcome({ canceled, placed }: Replaced, orderId: string, base: string): { all: boolean; text: string } {
  const went = isOrder(canceled) ? `Order ${orderId} canceled.` : canceled === null ? "" : `Order ${orderId} was not canceled: ${why(canceled)}`;
  const came = isOrder(placed) ? outcome(placed, base) : placed === null ? "" : `The new order was not placed: ${why(placed)}`;
  return { all: isOrder(canceled) && isOrder(placed), text: `${went} ${came}`.trim() };
}

const why = (part: Refused): string => refusal(part.code, part.message);
