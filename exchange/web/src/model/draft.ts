// An order as the form holds it, before it is sent.

import { FIELDS, type FieldName } from "./fields";
import { type Asked, type OrderType, TRIGGERS, type TriggerName } from "./orderTypes";

export interface Draft {
  market: string;
  side: "buy" | "sell";
  type: OrderType;
  /** What it waits for, if its type waits. */
  trigger: TriggerName;
  fields: Record<FieldName, string>;
  timeInForce: string;
  /** When a gtd order ends, in milliseconds since the epoch; null while that is not there. */
  expireAt: number | null;
  postOnly: boolean;
  /** A mode of self-trade prevention; empty for the market's own. */
  selfTrade: string;
}

/** The fields that the form shows for a type, from top to bottom. */
export function fieldsOf(type: OrderType, trigger: TriggerName): Asked[] {
  const waitsFor = type.waits ? TRIGGERS.find((one) => one.value === trigger)!.fields : [];
  return [...waitsFor, ...type.fields];
}

/** The body of `POST /order`: only what the type has, and nothing that was left empty. */
export function orderBody(draft: Draft): Record<string, string | boolean | number> {
  const { type } = draft;
  const body: Record<string, string | boolean | number> = { market: draft.market, side: draft.side, order_type: type.value };
  const names = fieldsOf(type, draft.trigger).map(({ name }) => name);
  if (type.icebergWith.includes(draft.timeInForce)) names.push("visible");
  for (const name of names) {
    const value = draft.fields[name].trim();
    if (value !== "") body[FIELDS[name].api] = FIELDS[name].whole && /^\d+$/.test(value) ? Number(value) : value;
  }
  if (type.timesInForce.length > 1) body["time_in_force"] = draft.timeInForce;
  if (body["time_in_force"] === "gtd" && draft.expireAt !== null) body["expire_at"] = draft.expireAt;
  if (draft.postOnly && type.postOnlyWith.includes(draft.timeInForce)) body["post_only"] = true;
  if (draft.selfTrade !== "") body["self_trade_prevention"] = draft.selfTrade;
  return body;
}
