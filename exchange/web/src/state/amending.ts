// The open order that is being changed, if one is.

import { computed, signal } from "@preact/signals";
import { ApiError, type Order, Unreachable } from "../api/types";
import { amendBody, type Change } from "../model/amend";
import { refusal } from "../model/words";
import { openOrders } from "./account";
import { measured, markets } from "./exchange";
import { tell } from "./trading";

const orderId = signal<string | null>(null);
/** As it is now; null if none is being changed, or it has ended. */
export const amended = computed<Order | null>(() => openOrders.value.find((one) => one.order_id === orderId.value) ?? null);
/** Why the last attempt was refused, as a sentence. */
export const amendError = signal<string | null>(null);

export function beginAmending(order: Order | null): void {
  amendError.value = null;
  orderId.value = order?.order_id ?? null;
}

/** Change the order; returns whether that is done. */
export async function amend(order: Order, change: Change): Promise<boolean> {
  const body = amendBody(order, change);
  if (body === null) return true;
  amendError.value = null;
  try {
    const after = await measured<Order>("AMEND", { market: order.market, order_id: order.order_id, ...body });
    const at = after.price === null ? "" : ` at ${after.price}`;
    tell("done", `Order ${after.order_id} changed: ${after.quantity}${at}.`);
    return true;
  } catch (error) {
    const market = markets.peek().find((one) => one.market === order.market);
    if (error instanceof ApiError) amendError.value = refusal(error.code, error.message, { market });
    else if (error instanceof Unreachable) amendError.value = `${error.message} See in the open orders whether it was changed.`;
    else throw error;
    return false;
  }
}
