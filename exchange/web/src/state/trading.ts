// Placing and canceling, and telling what became of it.

import { signal } from "@preact/signals";
import { get } from "../api/rest";
import { ApiError, type Order, type OrderList, type Replaced, Unreachable } from "../api/types";
import { type Body, type Draft, listBody, orderBody } from "../model/draft";
import { replaceOutcome } from "../model/replace";
import { type Context, listOutcome, outcome, refusal } from "../model/words";
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

/** Place the order or the list of a draft; returns whether the exchange took it. */
export async function place(draft: Draft, context: Context): Promise<boolean> {
  const kind: Kind = draft.type.list === undefined ? ORDER : LIST;
  const name = newId();
  const who = identity.peek();
  try {
    const made = await measured<Order | OrderList>(kind.message, { ...kind.body(draft), [kind.id]: name });
    tell("status" in made && made.status === "expired" && made.executed_quantity === "0" ? "refused" : "done", told(made));
    return true;
  } catch (error) {
    if (error instanceof ApiError) tell("refused", refusal(error.code, error.message, context));
    else if (error instanceof Unreachable) {
      tell("unsure", `${error.message} Whether the order was placed is looked up when the exchange answers.`);
      void lookUp(who, kind, draft.market, name);
    } else throw error;
    return false;
  }
}

/** Place the order of a draft instead of an open one; returns whether anything was done. */
export async function replace(draft: Draft, { market, order_id }: Order, mode: string, context: Context): Promise<boolean> {
  const name = newId();
  const who = identity.peek();
  const place = { ...orderBody(draft), client_order_id: name };
  try {
    const both = await measured<Replaced>("REPLACE", { cancel: { market, order_id }, place, mode });
    const { all, text } = replaceOutcome(both, order_id, context.market?.base ?? "");
    tell(all ? "done" : "refused", text);
    return true;
  } catch (error) {
    if (error instanceof ApiError) tell("refused", `Nothing was done. ${refusal(error.code, error.message, context)}`);
    else if (error instanceof Unreachable) {
      tell("unsure", `${error.message} Whether the order was replaced is looked up when the exchange answers.`);
      void lookUp(who, ORDER, draft.market, name);
    } else throw error;
    return false;
  }
}

interface Kind {
  message: string;
  path: string;
  /** The field with the name of our own. */
  id: string;
  unknown: string;
  body: (draft: Draft) => Body;
}

const ORDER: Kind = { message: "ORDER", path: "/order", id: "client_order_id", unknown: "UNKNOWN_ORDER", body: orderBody };
const LIST: Kind = { message: "ORDER_LIST", path: "/order/list", id: "client_list_id", unknown: "UNKNOWN_LIST", body: listBody };

const told = (made: Order | OrderList): string =>
  "list_id" in made && "orders" in made
    ? listOutcome(made)
    : outcome(made, markets.peek().find((one) => one.market === made.market)?.base ?? "");

/** Once there is a connection again: is there an order or a list of that name? */
async function lookUp(who: Identity, kind: Kind, market: string, name: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = connection.subscribe((state) => {
      if (state === "open") resolve(queueMicrotask(() => end()));
    });
  });
  try {
    tell("done", told(await get<Order | OrderList>(kind.path, { market, [kind.id]: name }, who)));
  } catch (error) {
    if (error instanceof ApiError && error.code === kind.unknown) tell("refused", "The order was not placed.");
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

export const cancelList = (list: Pick<OrderList, "market" | "list_id">): Promise<void> =>
  changed(async () => {
    await measured<OrderList>("CANCEL_LIST", { market: list.market, list_id: list.list_id });
    return `List ${list.list_id} canceled.`;
  });
