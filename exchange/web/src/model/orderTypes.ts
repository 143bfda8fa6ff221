// The order types that the form knows, one row each: which fields it shows, and how the order can be priced before it is
// sent. A later type is a row here, and a field that it brings a row in FIELDS.

import type { FieldName } from "./fields";

export interface Choice {
  value: string;
  label: string;
  hint: string;
}

const GTC: Choice = { value: "gtc", label: "Good till canceled", hint: "The rest stays in the book." };
const GTD: Choice = { value: "gtd", label: "Good till date", hint: "The rest stays in the book until its time is over." };
const IOC: Choice = { value: "ioc", label: "Immediate or cancel", hint: "The rest expires at once." };
const FOK: Choice = { value: "fok", label: "Fill or kill", hint: "It fills whole or not at all." };

export interface Asked {
  name: FieldName;
  required: boolean;
  label?: string;
}

export type GroupName = "limit" | "market" | "stop" | "list";

/** What the form offers first; within a group one chooses the type. */
export const GROUPS: { value: GroupName; label: string }[] = [
  { value: "limit", label: "Limit" },
  { value: "market", label: "Market" },
  { value: "stop", label: "Stop" },
  { value: "list", label: "List" },
];

export interface OrderType {
  /** Tells the rows apart. */
  id: string;
  group: GroupName;
  /** As `order_type` of the API has it. */
  value: string;
  label: string;
  hint: string;
  fields: Asked[];
  /** It waits for a price before it enters: the form asks for which, see TRIGGERS. */
  waits: boolean;
  timesInForce: Choice[];
  /** With which times in force the order may be post-only. */
  postOnlyWith: string[];
  /** With which times in force it may be an iceberg. */
  icebergWith: string[];
  /** The price that bounds it: that of a field, or none. */
  limit: FieldName | null;
  /** Whether the balance must cover it at that price, or what walking the book costs. */
  covered: "at-limit" | "by-walk";
  /** Its price comes from the book: the form asks for which, see PEGS. */
  pegs?: true;
  /** It is a list of orders, of this `type`; the last ones of an oto depend on the first. */
  list?: "oco" | "oto" | "otoco";
  /** What an oto places when its first order is filled. */
  then?: "limit" | "stop";
}

const PRICE: Asked = { name: "price", required: true };
const LIMIT_PRICE: Asked = { name: "price", required: true, label: "Limit price" };
const WORST_PRICE: Asked = { name: "worst", required: false };
const PEG_LIMIT: Asked = { name: "pegLimit", required: false };
const ENTRY: Asked = { name: "price", required: true, label: "Entry price" };
const TARGET: Asked = { name: "target", required: true };
const STOP: Asked = { name: "stop", required: true, label: "Stop trigger price" };
const STOP_LIMIT: Asked = { name: "stopLimit", required: false };
const QUANTITY: Asked = { name: "quantity", required: true };
const AMOUNT: Asked = { name: "amount", required: true };

type Shared = Pick<OrderType, "timesInForce" | "postOnlyWith" | "icebergWith" | "covered">;

const TAKES: Shared = { timesInForce: [IOC], postOnlyWith: [], icebergWith: [], covered: "by-walk" };
const AS_LIST: Shared = { timesInForce: [GTC], postOnlyWith: [], icebergWith: [], covered: "at-limit" };
const MAY_REST: Shared = { timesInForce: [GTC, GTD, IOC, FOK], postOnlyWith: ["gtc", "gtd"], icebergWith: [], covered: "at-limit" };

export const ORDER_TYPES: OrderType[] = [
  {
    id: "limit",
    group: "limit",
    value: "limit",
    label: "Limit",
    hint: "Trades at this price or better.",
    fields: [PRICE, QUANTITY],
    waits: false,
    limit: "price",
    ...MAY_REST,
    icebergWith: ["gtc"],
  },
  {
    id: "pegged",
    group: "limit",
    value: "limit",
    label: "Pegged",
    hint: "Takes its price from the book when it enters.",
    fields: [PEG_LIMIT, QUANTITY],
    waits: false,
    pegs: true,
    limit: "pegLimit",
    ...MAY_REST,
  },
  {
    id: "market",
    group: "market",
    value: "market",
    label: "For a quantity",
    hint: "Trades at once, at the best prices that are there.",
    fields: [QUANTITY, WORST_PRICE],
    waits: false,
    limit: "worst",
    ...TAKES,
  },
  {
    id: "amount",
    group: "market",
    value: "market",
    label: "For an amount",
    hint: "For so much of the quote asset: it takes as many whole lots as that allows.",
    fields: [AMOUNT, WORST_PRICE],
    waits: false,
    limit: "worst",
    ...TAKES,
  },
  {
    id: "stop_loss",
    group: "stop",
    value: "stop_loss",
    label: "Stop-loss",
    hint: "When the last price moves against you to its trigger, it trades at market.",
    fields: [QUANTITY],
    waits: true,
    limit: null,
    ...TAKES,
  },
  {
    id: "stop_loss_limit",
    group: "stop",
    value: "stop_loss_limit",
    label: "Stop-loss limit",
    hint: "When the last price moves against you to its trigger, it enters as a limit order.",
    fields: [LIMIT_PRICE, QUANTITY],
    waits: true,
    limit: "price",
    ...MAY_REST,
  },
  {
    id: "stop_loss_pegged",
    group: "stop",
    value: "stop_loss_limit",
    label: "Stop-loss pegged",
    hint: "When the last price is at its trigger, it enters as a limit order that takes its price from the book.",
    fields: [PEG_LIMIT, QUANTITY],
    waits: true,
    pegs: true,
    limit: "pegLimit",
    ...MAY_REST,
  },
  {
    id: "take_profit",
    group: "stop",
    value: "take_profit",
    label: "Take-profit",
    hint: "When the last price moves in your favor to its trigger, it trades at market.",
    fields: [QUANTITY],
    waits: true,
    limit: null,
    ...TAKES,
  },
  {
    id: "take_profit_limit",
    group: "stop",
    value: "take_profit_limit",
    label: "Take-profit limit",
    hint: "When the last price moves in your favor to its trigger, it enters as a limit order.",
    fields: [LIMIT_PRICE, QUANTITY],
    waits: true,
    limit: "price",
    ...MAY_REST,
  },
  {
    id: "take_profit_pegged",
    group: "stop",
    value: "take_profit_limit",
    label: "Take-profit pegged",
    hint: "When the last price is at its trigger, it enters as a limit order that takes its price from the book.",
    fields: [PEG_LIMIT, QUANTITY],
    waits: true,
    pegs: true,
    limit: "pegLimit",
    ...MAY_REST,
  },
  {
    id: "oco",
    group: "list",
    value: "oco",
    label: "OCO: a limit or a stop",
    hint: "Two orders: what happens first to one of them ends the other.",
    fields: [TARGET, STOP, STOP_LIMIT, QUANTITY],
    waits: false,
    limit: null,
    list: "oco",
    ...AS_LIST,
  },
  {
    id: "oto_limit",
    group: "list",
    value: "oto",
    label: "OTO: then a limit",
    hint: "When the first order is filled, a limit order of the other side enters.",
    fields: [ENTRY, QUANTITY, { ...TARGET, label: "Then at the limit price" }],
    waits: false,
    limit: "price",
    list: "oto",
    then: "limit",
    ...AS_LIST,
  },
  {
    id: "oto_stop",
    group: "list",
    value: "oto",
    label: "OTO: then a stop",
    hint: "When the first order is filled, a stop-loss of the other side begins to wait.",
    fields: [ENTRY, QUANTITY, STOP, STOP_LIMIT],
    waits: false,
    limit: "price",
    list: "oto",
    then: "stop",
    ...AS_LIST,
  },
  {
    id: "otoco",
    group: "list",
    value: "otoco",
    label: "OTOCO: then one of both",
    hint: "When the first order is filled, a limit order and a stop-loss of the other side enter; one ends the other.",
    fields: [ENTRY, QUANTITY, { ...TARGET, label: "Take-profit price" }, STOP, STOP_LIMIT],
    waits: false,
    limit: "price",
    list: "otoco",
    ...AS_LIST,
  },
];

export const typesIn = (group: GroupName): OrderType[] => ORDER_TYPES.filter((one) => one.group === group);

export type TriggerName = "price" | "delta" | "distance";

export interface Trigger {
  value: TriggerName;
  label: string;
  fields: Asked[];
}

const ACTIVATION: Asked = { name: "activation", required: false };

/** What an order that waits may wait for. */
export const TRIGGERS: Trigger[] = [
  { value: "price", label: "A price", fields: [{ name: "stop", required: true }] },
  { value: "delta", label: "Trailing, points", fields: [{ name: "delta", required: true }, ACTIVATION] },
  { value: "distance", label: "Trailing, price", fields: [{ name: "distance", required: true }, ACTIVATION] },
];

export type PegTo = "primary" | "market";
export type PegAt = "best" | "levels" | "offset";

/** Which side of the book a pegged order takes its price from. */
export const PEG_SIDES: { value: PegTo; label: string }[] = [
  { value: "primary", label: "Own side" },
  { value: "market", label: "Other side" },
];

/** Which price of that side. */
export const PEGS: { value: PegAt; label: string; fields: Asked[] }[] = [
  { value: "best", label: "The best price", fields: [] },
  { value: "levels", label: "Levels behind it", fields: [{ name: "pegLevels", required: true }] },
  { value: "offset", label: "An offset from it", fields: [{ name: "pegOffset", required: true }] },
];

/** What it may be: pegged to its own side, or following the book, it rests. */
export const timesOf = (type: OrderType, pegTo: PegTo, follows: boolean): Choice[] =>
  type.pegs && (follows || pegTo === "primary") ? type.timesInForce.filter((one) => one.value === "gtc") : type.timesInForce;

export const postOnlyTimesOf = (type: OrderType, pegTo: PegTo): string[] =>
  type.pegs && pegTo === "market" ? [] : type.postOnlyWith;

/** The modes of self-trade prevention; a market says which of them it allows. */
export const SELF_TRADE_MODES: Choice[] = [
  { value: "expire_taker", label: "Expire the incoming order", hint: "The resting one stays." },
  { value: "expire_maker", label: "Expire the resting order", hint: "The incoming one goes on." },
  { value: "expire_both", label: "Expire both", hint: "Neither trades." },
  { value: "decrement", label: "Lower both", hint: "Both lose the smaller of their remainders." },
  { value: "none", label: "Let them trade", hint: "You trade with yourself." },
];
