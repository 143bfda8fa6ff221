// The chosen market as it happens: its book and its tape, changed once a frame however much has come.

import { effect, signal } from "@preact/signals";
import { get } from "../api/rest";
import type { DepthData, Market, Trade } from "../api/types";
import { Book } from "../model/book";
import { quantityDecimals } from "../model/preview";
import { joinTrades } from "../model/series";
import { market, socket } from "./exchange";
import { onFrame } from "./frame";

export const TAPE_ROWS = 60;

/** `waiting` for a first snapshot, `live`, a `gap` in what came, or the connection `lost`. */
export type BookState = "waiting" | "live" | "gap" | "lost";

export const book = signal<Book | null>(null);
/** Counts the frames in which the book changed. */
export const bookFrame = signal(0);
export const bookState = signal<BookState>("waiting");
export const gaps = signal(0);
/** Newest first. */
export const tape = signal<readonly Trade[]>([]);

let trades: Trade[] = [];

function showBook(): void {
  bookFrame.value += 1;
}

function showTape(): void {
  tape.value = trades.slice();
}

function listenToBook(rules: Market): () => void {
  const channel = `depth@${rules.market}`;
  const held = new Book(quantityDecimals(rules), () => socket.again(channel));
  book.value = held;
  bookState.value = "waiting";
  const told = (): void => {
    if (held.current) bookState.value = "live";
    else if (held.gaps > 0 && bookState.peek() === "live") bookState.value = "gap";
    if (held.gaps > gapsOfBook) gaps.value += held.gaps - gapsOfBook;
    gapsOfBook = held.gaps;
    onFrame(showBook);
  };
  let gapsOfBook = 0;
  return socket.subscribe(channel, {
    event: (frame) => {
      held.take(frame.data as DepthData);
      told();
    },
    gap: (reason) => {
      if (reason !== "lost") return;
      held.broken();
      told();
    },
    lost: () => {
      held.lost();
      bookState.value = "lost";
    },
  });
}

function listenToTape(rules: Market): () => void {
  let ended = false;
  trades = [];
  showTape();
  const read = async (): Promise<void> => {
    const query = { market: rules.market, limit: String(TAPE_ROWS) };
    const page = await get<{ trades: Trade[] }>("/trade/history", query);
    if (ended) return;
    trades = joinTrades(trades, page.trades, TAPE_ROWS);
    showTape();
  };
  const end = socket.subscribe(`trade@${rules.market}`, {
    event: (frame) => {
      trades.unshift(frame.data as Trade);
      if (trades.length > TAPE_ROWS) trades.length = TAPE_ROWS;
      onFrame(showTape);
    },
    gap: (reason) => {
      if (reason === "reset") trades = []; // another database, which counts anew
      read().catch(() => undefined);
    },
  });
  read().catch(() => undefined);
  return () => {
    ended = true;
    end();
  };
}

export function start(): void {
  effect(() => {
    const rules = market.value;
    if (rules === null) return undefined;
    const endBook = listenToBook(rules);
    const endTape = listenToTape(rules);
    return () => {
      endBook();
      endTape();
    };
  });
}
