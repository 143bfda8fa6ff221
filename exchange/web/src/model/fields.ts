// The numbers that an order may have, one row each: how the form asks for it, and how the API calls it.

import type { Market } from "../api/types";

export type FieldName =
  | "price"
  | "worst"
  | "pegLimit"
  | "quantity"
  | "amount"
  | "stop"
  | "delta"
  | "distance"
  | "activation"
  | "visible"
  | "target"
  | "stopLimit"
  | "pegLevels"
  | "pegOffset";

export interface Field {
  label: string;
  /** What the number is of: one of the market's two assets, basis points, or levels of the book. */
  unit: "base" | "quote" | "bps" | "levels";
  /** As the API has it, in the order or in the part of it that the field belongs to. */
  api: string;
  /** What it is a multiple of. */
  step: (market: Market) => string;
  /** The most that it may be. */
  most?: string;
  /** Zero is a number for it as well. */
  mayBeZero?: true;
  /** The API takes it as a number, not as text. */
  whole?: true;
  /** It is a price: a click in the book may fill it in. */
  isPrice?: true;
  /** What it means, where the label does not say it. */
  hint?: string;
}

const tick = (market: Market): string => market.tick_size;
const lot = (market: Market): string => market.lot_size;

/** The smallest amount of an asset with so many decimals. */
const smallest = (decimals: number): string => (decimals === 0 ? "1" : `0.${"0".repeat(decimals - 1)}1`);

export const FIELDS: Record<FieldName, Field> = {
  price: { label: "Price", unit: "quote", api: "price", step: tick, isPrice: true },
  worst: { label: "Worst price", unit: "quote", api: "price", step: tick, isPrice: true },
  pegLimit: { label: "Limit price", unit: "quote", api: "price", step: tick, isPrice: true },
  quantity: { label: "Quantity", unit: "base", api: "quantity", step: lot },
  amount: { label: "Amount", unit: "quote", api: "quote_quantity", step: (market) => smallest(market.quote_decimals) },
  stop: {
    label: "Trigger price",
    unit: "quote",
    api: "stop_price",
    step: tick,
    isPrice: true,
    hint: "The last trade price that the order waits for.",
  },
  delta: {
    label: "Trails by",
    unit: "bps",
    api: "trailing_delta",
    step: () => "1",
    most: "9999",
    whole: true,
    hint: "Basis points of the best last price: 100 are 1 %.",
  },
  distance: {
    label: "Trails by",
    unit: "quote",
    api: "trailing_amount",
    step: tick,
    hint: "How far behind the best last price it triggers.",
  },
  activation: {
    label: "Activation price",
    unit: "quote",
    api: "activation_price",
    step: tick,
    isPrice: true,
    hint: "It follows the price once the last price has been here; without it, at once.",
  },
  visible: {
    label: "Visible quantity",
    unit: "base",
    api: "visible_quantity",
    step: lot,
    hint: "An iceberg: the book shows no more of it than this at a time.",
  },
  target: { label: "Limit price", unit: "quote", api: "price", step: tick, isPrice: true },
  stopLimit: {
    label: "Stop limit price",
    unit: "quote",
    api: "price",
    step: tick,
    isPrice: true,
    hint: "The limit of the stop; without it, it trades at market.",
  },
  pegLevels: { label: "Levels behind the best", unit: "levels", api: "levels", step: () => "1", most: "100", whole: true, mayBeZero: true },
  pegOffset: {
    label: "Offset",
    unit: "quote",
    api: "offset",
    step: tick,
    mayBeZero: true,
    hint: "How far from that price, away from the other side.",
  },
};

export const NO_FIELDS: Record<FieldName, string> = {
  price: "",
  worst: "",
  pegLimit: "",
  quantity: "",
  amount: "",
  stop: "",
  delta: "",
  distance: "",
  activation: "",
  visible: "",
  target: "",
  stopLimit: "",
  pegLevels: "",
  pegOffset: "",
};

export const unitOf = ({ unit }: Field, market: Market): string =>
  unit === "bps" ? "bp" : unit === "levels" ? "levels" : market[unit];
