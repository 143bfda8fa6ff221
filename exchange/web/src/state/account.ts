// The user's open orders and balances as they change, and pages of their history.

import { effect, signal } from "@preact/signals";
import { get } from "../api/rest";
import { ApiError, type Balance, type Fill, type Order, type OrderList } from "../api/types";
import { refusal } from "../model/words";
import { socket } from "./exchange";
import { gathered, onFrame } from "./frame";
import { identity, signsIn } from "./identity";

/** Newest first. */
export const openOrders = signal<readonly Order[]>([]);
/** The open lists, by their ids. */
export const openLists = signal<ReadonlyMap<string, OrderList>>(new Map());
export const balances = signal<ReadonlyMap<string, Balance>>(new Map());
/** Why there is no account to show, as a sentence; or null. */
export const accountError = signal<string | null>(null);

const PAGE = 50;
const ROWS_MAX = 1_000;

/** A history that is read a page at a time, newest first. */
export class History<Row> {
  readonly rows = signal<readonly Row[]>([]);
  readonly more = signal(false);
  readonly error = signal<string | null>(null);
  private next: string | null = null;
  private shown = 0;
  private turn = 0;

  constructor(
    private readonly path: string,
    private readonly name: string,
  ) {}

  /** Somebody shows it; the result ends that. Only then it is read. */
  show(): () => void {
    this.shown += 1;
    void this.read(null);
    return () => (this.shown -= 1);
  }

  /** Something has changed. */
  readonly stale = gathered(400, () => {
    if (this.shown > 0) void this.read(null);
  });

  clear(): void {
    this.turn += 1;
    this.rows.value = [];
    this.more.value = false;
    if (this.shown > 0) void this.read(null);
  }

  async readOlder(): Promise<void> {
    if (this.next !== null) await this.read(this.next);
  }

  private async read(before: string | null): Promise<void> {
    const who = identity.peek();
    if (who.userId === "") return;
    const turn = ++this.turn;
    const query = { limit: String(PAGE), ...(before === null ? {} : { before }) };
    try {
      const page = await get<Record<string, unknown>>(this.path, query, who);
      if (turn !== this.turn) return;
      const rows = page[this.name] as Row[];
      this.rows.value = before === null ? rows : [...this.rows.peek(), ...rows];
      this.next = page["next"] as string | null;
      this.more.value = this.next !== null && this.rows.peek().length < ROWS_MAX;
      this.error.value = null;
    } catch (error) {
      if (turn !== this.turn) return;
      this.error.value = error instanceof ApiError ? refusal(error.code, error.message) : "The exchange does not answer.";
    }
  }
}

export const orderHistory = new History<Order>("/orders/history", "orders");
export const fillHistory = new History<Fill>("/fills", "fills");

type OrdersData =
  | { type: "snapshot"; orders: Order[] }
  | { type: "update"; reason: string; order: Order; fill: unknown };
type ListsData = { type: "snapshot"; lists: OrderList[] } | { type: "update"; reason: string; list: OrderList };
type BalancesData = { type: "snapshot" | "update"; balances: Balance[] };

const OPEN = new Set(["open", "partially_filled", "pending"]);

function listen(userId: string): () => void {
  const orders = new Map<string, Order>();
  let held = new Map<string, Balance>();
  const showOrders = (): void => {
    openOrders.value = [...orders.values()].reverse();
  };
  const showBalances = (): void => {
    balances.value = new Map(held);
  };
  accountError.value = null;
  showOrders();
  showBalances();
  const refused = (error: ApiError): void => {
    accountError.value = refusal(error.code, error.message, { userId });
  };
  const endOrders = socket.subscribe(`orders@${userId}`, {
    event: (frame) => {
      const data = frame.data as OrdersData;
      if (data.type === "snapshot") {
        orders.clear();
        for (const order of data.orders) orders.set(order.order_id, order);
      } else {
        if (OPEN.has(data.order.status)) orders.set(data.order.order_id, data.order);
        else orders.delete(data.order.order_id);
        if (data.fill !== null) fillHistory.stale();
      }
      orderHistory.stale();
      onFrame(showOrders);
    },
    gap: (reason) => {
      if (reason === "lost") socket.again(`orders@${userId}`); // begins with a snapshot
      fillHistory.stale();
    },
    refused,
  });
  const endLists = listenToLists(userId);
  const endBalances = socket.subscribe(`balances@${userId}`, {
    event: (frame) => {
      const data = frame.data as BalancesData;
      if (data.type === "snapshot") held = new Map();
      for (const balance of data.balances) held.set(balance.asset, balance);
      onFrame(showBalances);
    },
    gap: (reason) => {
      if (reason === "lost") socket.again(`balances@${userId}`);
    },
  });
  return () => {
    endOrders();
    endLists();
    endBalances();
    openOrders.value = [];
    balances.value = new Map();
  };
}

function listenToLists(userId: string): () => void {
  let held = new Map<string, OrderList>();
  const show = (): void => {
    openLists.value = new Map(held);
  };
  show();
  const end = socket.subscribe(`lists@${userId}`, {
    event: (frame) => {
      const data = frame.data as ListsData;
      if (data.type === "snapshot") held = new Map(data.lists.map((list) => [list.list_id, list]));
      else if (data.list.status === "executing") held.set(data.list.list_id, data.list);
      else held.delete(data.list.list_id);
      onFrame(show);
    },
    gap: (reason) => {
      if (reason === "lost") socket.again(`lists@${userId}`); // begins with a snapshot
    },
  });
  return () => {
    end();
    openLists.value = new Map();
  };
}

export function start(): void {
  effect(() => {
    const { userId } = identity.value;
    if (userId === "") {
      accountError.value = signsIn ? "Sign in to see what is yours." : "Choose a user to trade as.";
      orderHistory.clear();
      fillHistory.clear();
      return undefined;
    }
    const end = listen(userId);
    orderHistory.clear();
    fillHistory.clear();
    return end;
  });
}
