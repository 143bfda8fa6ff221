// Placing and canceling, and telling what became of it.

import { signal } from "@preact/signals";
import { get } from "../api/rest";
import { ApiError, type Order, type PlacedOrder, Unreachable } from "../api/types";
import { type Draft, orderBody } from "../model/draft";
import { type Context, outcome, refusal } from "../model/words";
import type { Identity } from "../api/identity";
import { connection, markets, measured } from "./exchange";
import { identity } from "./identity";

export interface Notice {
  kind: "done" | "refused" | "unsure";
  text: string;
  /** Tells one notice from the next with the same text. */
  id: number;
}

export const notice = signal<Notice | null>(null);
let notices = 0;

export function tell(kind: Notice["kind"], text: string): void {
  notice.value = { kind, text, id: ++notices };
}

/** What the form chose last: the price of a level, say. The form takes it and clears it. */
export const wantedPrice = signal<string | null>(null);

const newId = (): string =>
  `web-${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(2)).reduce((all, one) => all + one.toString(36), "")}`;

/** Place an order; returns whether the exchange took it. */
export async function place(draft: Draft, context: Context): Promise<boolean> {
  const body = { ...orderBody(draft), client_order_id: newId() };
  const who = identity.peek();
  try {
    const order = await measured<PlacedOrder>("ORDER", body);
    tell(order.status === "expired" && order.executed_quantity === "0" ? "refused" : "done", told(order));
    return true;
  } catch (error) {
    if (error instanceof ApiError) tell("refused", refusal(error.code, error.message, context));
    else if (error instanceof Unreachable) {
      tell("unsure", `${error.message} Whether the order was placed is looked up when the exchange answers.`);
      void lookUp(who, draft.market, body.client_order_id);
    } else throw error;
    return false;
  }
}

const told = (order: Order): string =>
  outcome(order, markets.peek().find((one) => one.market === order.market)?.base ?? "");

/** Once there is a connection again: is there an order of that name? */
async function lookUp(who: Identity, market: string, clientOrderId: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = connection.subscribe((state) => {
      if (state === "open") resolve(queueMicrotask(() => end()));
    });
  });
  try {
    tell("done", told(await get<Order>("/order", { market, client_order_id: clientOrderId }, who)));
  } catch (error) {
    if (error instanceof ApiError && error.code === "UNKNOWN_ORDER") tell("refused", "The order was not placed.");
    else tell("unsure", "Whether the order was placed is not known: see the open orders.");
  }
}

async function changed(work: () => Promise<string>): Promise<void> {
  try {
    tell("done", await work());
  } catch (error) {
    if (error instanceof ApiError) tell("refused", refusal(error.code, error.message));
    else if (error instanceof Unreachable) tell("unsure", error.message);
    else throw error;
  }
}

export const cancel = (order: Order): Promise<void> =>
  changed(async () => {
    const canceled = await measured<Order>("CANCEL", { market: order.market, order_id: order.order_id });
    const executed = canceled.executed_quantity === "0" ? "" : ` ${canceled.executed_quantity} had traded before.`;
    return `Order ${canceled.order_id} canceled.${executed}`;
  });

export const cancelAll = (market: string | null): Promise<void> =>
  changed(async () => {
    const { canceled } = await measured<{ canceled: Order[] }>("CANCEL_ALL", market === null ? {} : { market });
    return canceled.length === 1 ? "1 order canceled." : `${canceled.length} orders canceled.`;
  });
