// The order types that the form knows, one row each: which fields it shows, and how the order can be priced before it is
// sent. A later type is a row here, and a field that it brings a row in FIELDS.

import type { Market } from "../api/types";

export type FieldName = "price" | "quantity" | "amount";

export interface Field {
  label: string;
  /** Which of the market's two assets the number is of. */
  unit: "base" | "quote";
  /** As the API has it. */
  api: string;
  /** What it is a multiple of. */
  step: (market: Market) => string;
}

export const FIELDS: Record<FieldName, Field> = {
  price: { label: "Price", unit: "quote", api: "price", step: (market) => market.tick_size },
  quantity: { label: "Quantity", unit: "base", api: "quantity", step: (market) => market.lot_size },
  amount: { label: "Amount", unit: "quote", api: "quote_quantity", step: (market) => smallest(market.quote_decimals) },
};

/** The smallest amount of an asset with so many decimals. */
const smallest = (decimals: number): string => (decimals === 0 ? "1" : `0.${"0".repeat(decimals - 1)}1`);

export interface Choice {
  value: string;
  label: string;
  hint: string;
}

const GTC: Choice = { value: "gtc", label: "Good till canceled", hint: "The rest stays in the book." };
const IOC: Choice = { value: "ioc", label: "Immediate or cancel", hint: "The rest expires at once." };
const FOK: Choice = { value: "fok", label: "Fill or kill", hint: "It fills whole or not at all." };

export interface OrderType {
  /** Tells the rows apart. */
  id: string;
  /** As `order_type` of the API has it. */
  value: string;
  label: string;
  hint: string;
  fields: { name: FieldName; required: boolean; label?: string }[];
  timesInForce: Choice[];
  /** With which times in force the order may be post-only. */
  postOnlyWith: string[];
  /** The price that bounds it: that of a field, or none. */
  limit: FieldName | null;
  /** Whether the balance must cover it at that price, or what walking the book costs. */
  covered: "at-limit" | "by-walk";
}

export const ORDER_TYPES: OrderType[] = [
  {
    id: "limit",
    value: "limit",
    label: "Limit",
    hint: "Trades at this price or better.",
    fields: [
      { name: "price", required: true },
      { name: "quantity", required: true },
    ],
    timesInForce: [GTC, IOC, FOK],
    postOnlyWith: ["gtc"],
    limit: "price",
    covered: "at-limit",
  },
  {
    id: "market",
    value: "market",
    label: "Market",
    hint: "Trades at once, at the best prices that are there.",
    fields: [
      { name: "quantity", required: true },
      { name: "price", required: false, label: "Worst price" },
    ],
    timesInForce: [IOC],
    postOnlyWith: [],
    limit: "price",
    covered: "by-walk",
  },
  {
    id: "amount",
    value: "market",
    label: "Amount",
    hint: "A market order for so much of the quote asset: it takes as many whole lots as that allows.",
    fields: [
      { name: "amount", required: true },
      { name: "price", required: false, label: "Worst price" },
    ],
    timesInForce: [IOC],
    postOnlyWith: [],
    limit: "price",
    covered: "by-walk",
  },
];

export interface Draft {
  market: string;
  side: "buy" | "sell";
  type: OrderType;
  fields: Record<FieldName, string>;
  timeInForce: string;
  postOnly: boolean;
}

/** The body of `POST /order`: only what the type has, and nothing that was left empty. */
export function orderBody(draft: Draft): Record<string, string | boolean> {
  const body: Record<string, string | boolean> = {
    market: draft.market,
    side: draft.side,
    order_type: draft.type.value,
  };
  for (const field of draft.type.fields) {
    const value = draft.fields[field.name].trim();
    if (value !== "") body[FIELDS[field.name].api] = value;
  }
  if (draft.type.timesInForce.length > 1) body["time_in_force"] = draft.timeInForce;
  if (draft.postOnly && draft.type.postOnlyWith.includes(draft.timeInForce)) body["post_only"] = true;
  return body;
}
