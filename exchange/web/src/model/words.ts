// What the exchange says, in words for a person: refusals by code, and what became of an order.

import type { Market, Order, OrderList } from "../api/types";

export interface Context {
  market?: Market | undefined;
  /** What the order would have needed, and of which asset, where that is known. */
  needs?: string | undefined;
  available?: string | undefined;
  asset?: string | undefined;
  userId?: string | undefined;
}

type Sentence = (context: Context, message: string) => string;

/** A sentence that ends with the figure of one of the market's filters. */
function bounded(filter: string, words: string): Sentence {
  return ({ market }, message) => {
    const bound = market?.filters?.[filter];
    return bound === undefined || bound === null ? message || `The order is outside of a bound of its market (${filter}).` : `${words} ${bound}.`;
  };
}

const REFUSALS: Record<string, Sentence> = {
  INSUFFICIENT_BALANCE: ({ needs, available, asset }) =>
    needs !== undefined && available !== undefined
      ? `Not enough ${asset ?? ""}: the order needs ${needs}, and ${available} is available.`
      : "The available balance does not cover this order.",
  OFF_TICK: ({ market }) => `The price must be a multiple of ${market?.tick_size ?? "the tick size"}.`,
  OFF_LOT: ({ market }) => `The quantity must be a multiple of ${market?.lot_size ?? "the lot size"}.`,
  MIN_NOTIONAL: ({ market }) =>
    market === undefined
      ? "The order is worth less than its market takes."
      : `The order is too small: it must be worth at least ${market.min_notional} ${market.quote}.`,
  OUT_OF_RANGE: (_, message) =>
    message === "" || message.startsWith("A quantity or amount is zero")
      ? "A number is zero or too large, a visible quantity is not below the quantity, or the time is over."
      : message,
  INVALID_NUMBER: () => "Write prices and quantities in plain digits, with a point for decimals.",
  TOO_MANY_OPEN_ORDERS: ({ market }) =>
    `There are ${market?.max_open_orders ?? "too many"} open orders in this market already: cancel one first.`,
  WOULD_TAKE: () => "A post-only order at this price would trade at once. Choose another price, or turn post-only off.",
  NO_LIQUIDITY: () => "The book has not even one lot for this amount at such a price.",
  SELF_TRADE_PREVENTION: () => "This market does not allow this mode of self-trade prevention.",
  NO_PRICE_LEVEL: () => "The book has no price level that this order could be pegged to.",
  WOULD_TRIGGER: () => "The last price is already where this order waits for it.",
  LIST_PRICES: () => "The limit and the stop must be on either side of the last price.",
  LIST_DONE: () => "All orders of this list have ended.",
  UNKNOWN_LIST: () => "The exchange has no such list.",
  MAX_PRICE: bounded("max_price", "A price must be at most"),
  MIN_QUANTITY: bounded("min_quantity", "The quantity must be at least"),
  MAX_QUANTITY: bounded("max_quantity", "The quantity must be at most"),
  MARKET_MIN_QUANTITY: bounded("market_min_quantity", "The quantity of an order at market must be at least"),
  MARKET_MAX_QUANTITY: bounded("market_max_quantity", "The quantity of an order at market must be at most"),
  MAX_NOTIONAL: bounded("max_notional", "The order must be worth at most"),
  PRICE_BAND: () => "The price is too far from the average price of this market.",
  TOO_MANY_OPEN_STOPS: bounded("max_open_stops", "In this market you may have so many orders that wait for a price:"),
  TOO_MANY_OPEN_ICEBERGS: bounded("max_open_icebergs", "In this market you may have so many icebergs:"),
  TOO_MANY_OPEN_LISTS: bounded("max_open_lists", "In this market you may have so many open lists of orders:"),
  ICEBERG_PARTS: bounded("max_iceberg_parts", "Show more of it: an iceberg may have so many parts:"),
  TRAILING_RANGE: () => "This market does not allow to trail the price by so many basis points.",
  TOO_MANY_AMENDS: bounded("max_amends_per_order", "An order of this market may be changed so many times:"),
  MAX_POSITION: bounded("max_position", "With this order you could come to have more of the base than"),
  MAX_ASSET: () => "The order moves more of an asset than this market allows in one order.",
  CANCEL_CONDITION: () => "The order has changed meanwhile; it stays open.",
  UNKNOWN_USER: ({ userId }) => `There is no user ${userId ?? ""}.`,
  UNKNOWN_ORDER: () => "The exchange has no such order.",
  ORDER_CLOSED: () => "The order is no longer open.",
  USER_DISABLED: () => "This user is disabled and cannot place orders. Open orders can be seen and canceled.",
  UNAUTHENTICATED: () => "The exchange does not know this key with this secret, or the key was revoked or has expired.",
  TIMESTAMP_OUT_OF_WINDOW: () => "The clock of this machine and the exchange's are too far apart.",
  UNKNOWN_KEY: () => "There is no such key, or it was revoked before.",
  RATE_LIMITED: () => "Too many requests: wait a moment.",
  OVERLOADED: () => "The exchange is busy and did not take this. Try again.",
  NOT_READY: () => "The exchange is starting, stopping, or waiting for its database. Try again.",
  OUTCOME_UNKNOWN: () => "The exchange has not confirmed this yet; it may still happen. See the open orders.",
};

/** The refusal as a sentence: ours where there is one, else the exchange's own message. */
export function refusal(code: string, message: string, context: Context = {}): string {
  return REFUSALS[code]?.(context, message) ?? (message || `The exchange refused this (${code}).`);
}

const EXPIRED: Record<string, string> = {
  unfilled: "nothing more was there at its price",
  fok_unfillable: "it could not be filled whole",
  self_trade: "it met your own order",
  max_fills: "it had as many fills as this market allows one order",
  refused_at_trigger: "its price had come, and it could not enter",
  expire_at: "its time was over",
  price_band: "its next fill would have been too far from the best price",
  other_leg: "the other order of its list came first",
  working_order_ended: "the order that it waited for ended",
};

export const expiry = (reason: string | null): string => (reason === null ? "" : (EXPIRED[reason] ?? reason));

interface MarketWords {
  name: string;
  what: string;
}

const MARKET_STATUS: Record<string, MarketWords> = {
  post_only: { name: "Post-only", what: "This market takes only orders that rest in the book. Nothing trades now." },
  cancel_only: { name: "Cancel-only", what: "This market takes no orders now. Open orders can be canceled." },
  halted: { name: "Halted", what: "This market is halted: it takes no orders. Open orders can be canceled." },
};

/** What a market takes now, in words; null while it takes everything. */
export const marketWords = (status: string): MarketWords | null =>
  status === "trading" ? null : (MARKET_STATUS[status] ?? { name: status, what: `This market is ${status}.` });

/** Whether a market of this status can take an order of this time in force, or one that waits for a price, at all. */
export const takes = (status: string, timeInForce: string, waits: boolean): boolean =>
  status === "trading" || (status === "post_only" && (waits || timeInForce === "gtc" || timeInForce === "gtd"));

const STATUS: Record<string, string> = {
  pending: "Waiting",
  open: "Open",
  partially_filled: "Partly filled",
  filled: "Filled",
  canceled: "Canceled",
  expired: "Expired",
};

export const status = (name: string): string => STATUS[name] ?? name;

/** What became of an order that was just placed. */
export function outcome(order: Order, base: string): string {
  const filled = `${order.executed_quantity} of ${order.quantity ?? "?"} ${base}`;
  switch (order.status) {
    case "pending":
      return "Order placed: it waits for its price.";
    case "open":
      return "Order placed: it rests in the book.";
    case "partially_filled":
      return `Order placed: ${filled} filled, the rest is in the book.`;
    case "filled":
      return `Order filled: ${order.executed_quantity} ${base}.`;
    case "expired":
      return order.executed_quantity === "0"
        ? `Order expired: ${expiry(order.expire_reason)}. Nothing traded.`
        : `${filled} filled, the rest expired: ${expiry(order.expire_reason)}.`;
    default:
      return `Order ${order.status}.`;
  }
}

/** What became of a list of orders that was just placed. */
export function listOutcome(list: OrderList): string {
  if (list.status === "executing") return `List placed: ${list.orders.length} orders.`;
  return list.end_reason === "filled" ? "List placed and filled." : `List ended: ${list.end_reason?.replaceAll("_", " ") ?? "done"}.`;
}
