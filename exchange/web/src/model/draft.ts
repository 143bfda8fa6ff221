// An order, or a list of orders, as the form holds it, before it is sent.

import type { Side } from "../api/types";
import { FIELDS, type FieldName } from "./fields";
import { type Asked, type OrderType, type PegAt, PEGS, type PegTo, postOnlyTimesOf, timesOf, TRIGGERS, type TriggerName } from "./orderTypes";

export interface Draft {
  market: string;
  side: Side;
  type: OrderType;
  /** What it waits for, if its type waits. */
  trigger: TriggerName;
  /** Where its price comes from, if its type is pegged. */
  pegTo: PegTo;
  pegAt: PegAt;
  /** It is priced again when the book changes. */
  pegFollows: boolean;
  fields: Record<FieldName, string>;
  timeInForce: string;
  /** When a gtd order ends, in milliseconds since the epoch; null while that is not there. */
  expireAt: number | null;
  postOnly: boolean;
  /** A mode of self-trade prevention; empty for the market's own. */
  selfTrade: string;
}

export type Body = { [name: string]: string | boolean | number | Body | Body[] };

/** The fields that the form shows, from top to bottom. */
export function fieldsOf({ type, trigger, pegAt, pegFollows }: Pick<Draft, "type" | "trigger" | "pegAt" | "pegFollows">): Asked[] {
  const waitsFor = type.waits ? TRIGGERS.find((one) => one.value === trigger)!.fields : [];
  const pegged = type.pegs ? PEGS.find((one) => one.value === pegAt)!.fields : [];
  const follows = type.pegs === true && pegFollows; // it then must have a limit
  const own = type.fields.map((field) => (follows && field.name === type.limit ? { ...field, required: true } : field));
  return [...waitsFor, ...pegged, ...own];
}

export const other = (side: Side): Side => (side === "buy" ? "sell" : "buy");

/** Take over what was typed into these fields, under their names of the API. */
function typed(body: Body, draft: Draft, names: FieldName[]): void {
  for (const name of names) {
    const value = draft.fields[name].trim();
    if (value !== "") body[FIELDS[name].api] = FIELDS[name].whole && /^\d+$/.test(value) ? Number(value) : value;
  }
}

const PEG_FIELDS = new Set<FieldName>(["pegLevels", "pegOffset"]);

/** The body of `POST /order`: only what the type has, and nothing that was left empty. */
export function orderBody(draft: Draft): Body {
  const { type } = draft;
  const body: Body = { market: draft.market, side: draft.side, order_type: type.value };
  const names = fieldsOf(draft).map(({ name }) => name);
  if (type.icebergWith.includes(draft.timeInForce)) names.push("visible");
  typed(body, draft, names.filter((name) => !PEG_FIELDS.has(name)));
  if (type.pegs) {
    const peg: Body = { to: draft.pegTo };
    typed(peg, draft, names.filter((name) => PEG_FIELDS.has(name)));
    if (draft.pegFollows) peg["follow"] = true;
    body["peg"] = peg;
  }
  if (timesOf(type, draft.pegTo, draft.pegFollows).length > 1) body["time_in_force"] = draft.timeInForce;
  if (body["time_in_force"] === "gtd" && draft.expireAt !== null) body["expire_at"] = draft.expireAt;
  if (draft.postOnly && postOnlyTimesOf(type, draft.pegTo).includes(draft.timeInForce)) body["post_only"] = true;
  if (draft.selfTrade !== "") body["self_trade_prevention"] = draft.selfTrade;
  return body;
}

/** The body of `POST /order/list`. */
export function listBody(draft: Draft): Body {
  const { type } = draft;
  const order = (side: Side, orderType: string, names: FieldName[]): Body => {
    const body: Body = { market: draft.market, side, order_type: orderType };
    typed(body, draft, [...names, "quantity"]);
    if (draft.selfTrade !== "") body["self_trade_prevention"] = draft.selfTrade;
    return body;
  };
  const limit = (side: Side): Body => order(side, "limit", ["target"]);
  const stop = (side: Side): Body =>
    draft.fields.stopLimit.trim() === "" ? order(side, "stop_loss", ["stop"]) : order(side, "stop_loss_limit", ["stop", "stopLimit"]);
  if (type.list === "oco") return { type: "oco", orders: [limit(draft.side), stop(draft.side)] };
  const first = order(draft.side, "limit", ["price"]);
  const side = other(draft.side);
  const last = type.list === "otoco" ? [limit(side), stop(side)] : [type.then === "stop" ? stop(side) : limit(side)];
  return { type: type.list!, orders: [first, ...last] };
}
