// Cells that several tables of orders share.

import type { ComponentChildren } from "preact";
import type { Market, Order } from "../api/types";
import { details, peggedTo, progress, typeName, waitsFor } from "../model/conditions";
import { dayAndClockParts, grouped, whole } from "../model/format";
import { priceDecimals } from "../model/preview";
import { markets } from "../state/exchange";

export const rulesOf = (name: string): Market | undefined => markets.value.find((one) => one.market === name);
export const pair = (name: string): string => name.replace("_", "/");

export function price(name: string, value: string | null): string {
  const rules = rulesOf(name);
  if (value === null) return "Market";
  return rules ? grouped(value, priceDecimals(rules)) : whole(value);
}

/** Buy or sell, in its color. */
export function Side({ side }: { side: "buy" | "sell" }) {
  return <b class={side === "buy" ? "up" : "down"}>{side === "buy" ? "Buy" : "Sell"}</b>;
}

export function Time({ at }: { at: number }) {
  const [day, time] = dayAndClockParts(at);
  return (
    <td>
      {time}
      <small class="soft">{day}</small>
    </td>
  );
}

/** Its side and market, and below that its type, its time in force, what it shows, whether it is post-only. */
export function What({ order }: { order: Order }) {
  return (
    <td>
      <Side side={order.side} /> {pair(order.market)}
      <small class="soft">{[typeName(order.order_type), ...details(order)].join(", ")}</small>
    </td>
  );
}

export function Executed({ order, children }: { order: Order; children?: ComponentChildren }) {
  return (
    <td>
      {whole(order.executed_quantity)}
      <span class="soft"> / {order.quantity === null ? "–" : whole(order.quantity)}</span>
      {children}
    </td>
  );
}

/** Its limit, and below that what it waits for, or has waited for. */
export function Price({ order }: { order: Order }) {
  const rules = rulesOf(order.market);
  const more = [waitsFor(order, rules), peggedTo(order), progress(order, rules)].filter((words) => words !== null);
  const shown = order.pegged_price ?? order.price;
  return (
    <td>
      {shown === null && order.peg ? "Book" : price(order.market, shown)}
      {more.map((words) => (
        <small key={words} class="soft">
          {words}
        </small>
      ))}
    </td>
  );
}
