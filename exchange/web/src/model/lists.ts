// The open orders with those of a list together.

import type { Order, OrderList } from "../api/types";

export interface Group {
  /** null of an order that is in no list. */
  listId: string | null;
  orders: Order[];
}

/** The orders in their order; those of a list where its first one is, the oldest of them first. */
export function grouped(orders: readonly Order[]): Group[] {
  const groups: Group[] = [];
  const lists = new Map<string, Group>();
  for (const order of orders) {
    const listId = order.list_id ?? null;
    const known = listId === null ? undefined : lists.get(listId);
    if (known !== undefined) {
      known.orders.unshift(order);
      continue;
    }
    const group = { listId, orders: [order] };
    groups.push(group);
    if (listId !== null) lists.set(listId, group);
  }
  return groups;
}

/** The other one of two legs, which has the same quantity; null of an order that has no such leg, or whose leg has ended. */
export function otherLeg(order: Order, list: OrderList | undefined, open: readonly Order[]): Order | null {
  if (list === undefined || list.type === "oto") return null;
  const legs = list.orders.slice(-2).map((one) => one.order_id);
  if (!legs.includes(order.order_id)) return null;
  return open.find((one) => one.order_id !== order.order_id && legs.includes(one.order_id)) ?? null;
}
