// The shapes of the public API that the page uses, as docs/api.md has them. Numbers are decimal text, ids digits as text.

export type Side = "buy" | "sell";

export interface Market {
  market: string;
  base: string;
  quote: string;
  base_decimals: number;
  quote_decimals: number;
  tick_size: string;
  lot_size: string;
  min_notional: string;
  maker_fee: string;
  taker_fee: string;
  max_open_orders: number;
  status: string;
  fee_asset: "received" | "quote";
  min_price: string;
  max_fills_per_order: number;
  min_notional_applies_to_market: boolean;
  avg_price_mins: number;
  self_trade_prevention: string;
  allowed_self_trade_prevention: string[];
  /** Bounds on orders by name; null where there is none. */
  filters?: Record<string, string | number | boolean | null>;
}

export interface Ticker {
  market: string;
  last: string | null;
  best_bid: string | null;
  best_ask: string | null;
  open: string | null;
  high: string | null;
  low: string | null;
  volume: string;
  quote_volume: string;
  change: string | null;
  trades: number;
  timestamp: number;
  status: string;
}

export interface Candle {
  open_at: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
}

export interface Trade {
  trade_id: string;
  price: string;
  quantity: string;
  taker_side: Side;
  timestamp: number;
}

export interface Order {
  order_id: string;
  client_order_id: string | null;
  market: string;
  side: Side;
  order_type: string;
  time_in_force: string;
  post_only: boolean;
  price: string | null;
  quantity: string | null;
  executed_quantity: string;
  executed_quote_quantity: string;
  status: string;
  expire_reason: string | null;
  cancel_reason: string | null;
  created_at: number;
  updated_at: number;
  self_trade_prevention: string;
  prevented_quantity: string | null;
  visible_quantity: string | null;
  stop_price: string | null;
  trailing_delta: number | null;
  trailing_amount: string | null;
  activation_price: string | null;
  expire_at: number | null;
  pending_for: string | null;
  tracking_at: number | null;
  trigger_price: string | null;
  triggered_at: number | null;
  refused_code: string | null;
  peg: Peg | null;
  pegged_price: string | null;
  list_id: string | null;
}

/** Where the price of a pegged order comes from. */
export interface Peg {
  to: "primary" | "market";
  offset: string | null;
  levels: number | null;
  follow?: boolean;
}

/** Orders that depend on each other. In events its orders have ids and status only. */
export interface OrderList {
  list_id: string;
  client_list_id: string | null;
  market: string;
  type: "oco" | "oto" | "otoco";
  status: "executing" | "all_done";
  end_reason: string | null;
  orders: Pick<Order, "order_id" | "client_order_id" | "status">[];
}

/** A refusal as the exchange writes it. */
export interface Refused {
  code: string;
  message: string;
}

/** What became of an order and of the one that was to replace it. */
export interface Replaced {
  canceled: Order | Refused | null;
  placed: Order | Refused | null;
}

export interface OrderFill {
  trade_id: string;
  price: string;
  quantity: string;
  fee: string;
  fee_asset: string;
  liquidity: "maker" | "taker";
  timestamp: number;
}

export interface Fill extends OrderFill {
  order_id: string;
  market: string;
  side: Side;
  quote_quantity: string;
}

export interface PlacedOrder extends Order {
  fills: OrderFill[];
}

export interface Balance {
  asset: string;
  available: string;
  locked: string;
  total: string;
}

/** An API key without its secret. */
export interface ApiKey {
  api_key: string;
  type: string;
  permissions: string[];
  label: string | null;
  allowed_addresses: string[];
  expires_at: number | null;
  created_at: number;
}

export type LevelPair = [price: string, quantity: string];

export type DepthData =
  | { type: "snapshot"; last_sequence: number; bids: LevelPair[]; asks: LevelPair[] }
  | { type: "diff"; first_sequence: number; last_sequence: number; bids: LevelPair[]; asks: LevelPair[] };

export interface EventFrame {
  channel: string;
  sequence: number;
  channel_sequence: number;
  first_channel_sequence?: number;
  data: unknown;
}

/** What the exchange answers instead of what was asked: a code that stays, and a sentence. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** There was no answer: the connection was away, was lost, or stayed silent. */
export class Unreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Unreachable";
  }
}
