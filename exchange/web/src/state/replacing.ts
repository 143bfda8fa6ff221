// The open order that the next one replaces, if one is.

import { computed, signal } from "@preact/signals";
import type { Order } from "../api/types";
import { openOrders } from "./account";

/** As it was when that was chosen: an order that has ended since is not forgotten, or the form would place another one. */
const chosen = signal<Order | null>(null);
/** As it is now. */
export const replaced = computed<Order | null>(() => {
  const order = chosen.value;
  return order === null ? null : (openOrders.value.find((one) => one.order_id === order.order_id) ?? order);
});
export const isOpen = computed(() => openOrders.value.some((one) => one.order_id === chosen.value?.order_id));
export const replaceMode = signal("atomic");

export function replaceNext(order: Order | null): void {
  chosen.value = order;
  replaceMode.value = "atomic";
}
