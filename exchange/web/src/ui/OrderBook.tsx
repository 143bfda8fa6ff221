import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Market } from "../api/types";
import type { Book, Level } from "../model/book";
import { compare, decimal, divide, fixed, multiply, subtract } from "../model/decimal";
import { grouped } from "../model/format";
import { priceDecimals, quantityDecimals } from "../model/preview";
import { market } from "../state/exchange";
import { book, bookFrame, type BookState, bookState } from "../state/market";
import { wantedPrice } from "../state/trading";
import { view } from "./App";

const ROW_PX = 22;
const ROWS_MAX = 40;

const STATES: Record<BookState, string> = {
  waiting: "Loading",
  live: "Live",
  gap: "Gap: reloading",
  lost: "Not current",
};

/** One line of the book, made once and changed in place: at 200 changes a second nothing is built or thrown away. */
class Row {
  readonly element = document.createElement("button");
  private readonly bar = document.createElement("span");
  private readonly cells = [0, 1, 2].map(() => document.createElement("span"));
  private shown = ["", "", ""];
  private width = -1;
  price = "";

  constructor(private readonly side: "bid" | "ask") {
    this.element.type = "button";
    this.element.className = `level ${side}`;
    this.element.tabIndex = -1;
    this.bar.className = "level-bar";
    this.element.append(this.bar, ...this.cells);
    this.show(null, ["", "", ""], 0);
  }

  show(price: string | null, texts: [string, string, string], width: number): void {
    this.element.disabled = price === null;
    if (price !== null && price !== this.price)
      this.element.setAttribute("aria-label", `${this.side} ${texts[0]}, take this price`);
    this.price = price ?? "";
    texts.forEach((text, index) => {
      if (text === this.shown[index]) return;
      this.cells[index]!.textContent = text;
    });
    this.shown = texts;
    const rounded = Math.round(width * 1000) / 1000;
    if (rounded !== this.width) this.bar.style.transform = `scaleX(${rounded})`;
    this.width = rounded;
  }
}

/** The rows of one side; the best is the first of `rows`. */
class Half {
  readonly rows: Row[] = [];

  constructor(
    private readonly root: HTMLElement,
    private readonly side: "bid" | "ask",
  ) {}

  /** As many rows as fit. */
  fit(): void {
    const wanted = Math.max(1, Math.min(ROWS_MAX, Math.floor(this.root.clientHeight / ROW_PX)));
    while (this.rows.length > wanted) this.rows.pop()!.element.remove();
    while (this.rows.length < wanted) {
      const row = new Row(this.side);
      this.rows.push(row);
      if (this.side === "bid") this.root.append(row.element);
      else this.root.prepend(row.element); // the best ask is at the bottom, beside the spread
    }
  }

  /** The sum of the rows' quantities. */
  total(levels: readonly Level[]): bigint {
    let sum = 0n;
    for (let index = 0; index < this.rows.length && index < levels.length; index++) sum += levels[index]!.units;
    return sum;
  }

  draw(levels: readonly Level[], rules: Market, most: bigint): void {
    const prices = priceDecimals(rules);
    const quantities = quantityDecimals(rules);
    let sum = 0n;
    this.rows.forEach((row, index) => {
      const level = levels[index];
      if (level === undefined) {
        row.show(null, ["", "", ""], 0);
        return;
      }
      sum += level.units;
      const width = most === 0n ? 0 : Number((sum * 1000n) / most) / 1000;
      const texts: [string, string, string] = [
        grouped(level.price, prices),
        grouped(level.quantity, quantities),
        grouped(fixed({ units: sum, scale: quantities }, quantities), quantities),
      ];
      row.show(level.price, texts, width);
    });
  }
}

function spreadText(held: Book, rules: Market): string {
  const bid = held.bids[0];
  const ask = held.asks[0];
  if (bid === undefined && ask === undefined) return "The book is empty";
  if (bid === undefined || ask === undefined) return "No spread: one side is empty";
  const spread = subtract(decimal(ask.price), decimal(bid.price));
  const share = divide(multiply(spread, decimal("100")), decimal(ask.price), 3);
  return `Spread ${fixed(spread, priceDecimals(rules))} (${fixed(share, 3)} %)`;
}

export function OrderBook() {
  const root = useRef<HTMLDivElement>(null);
  const asks = useRef<HTMLDivElement>(null);
  const bids = useRef<HTMLDivElement>(null);
  const spread = useRef<HTMLDivElement>(null);
  const halves = useRef<{ asks: Half; bids: Half } | null>(null);
  const rules = market.value;

  const draw = (): void => {
    const held = book.peek();
    const shown = market.peek();
    if (held === null || shown === null || halves.current === null) return;
    const { asks: upper, bids: lower } = halves.current;
    const totals = [upper.total(held.asks), lower.total(held.bids)] as const;
    const most = totals[0] > totals[1] ? totals[0] : totals[1];
    upper.draw(held.asks, shown, most);
    lower.draw(held.bids, shown, most);
    root.current!.dataset["sequence"] = String(held.lastSequence); // of the book that is shown now
    const text = spreadText(held, shown);
    if (spread.current!.textContent !== text) spread.current!.textContent = text;
  };

  useLayoutEffect(() => {
    halves.current = { asks: new Half(asks.current!, "ask"), bids: new Half(bids.current!, "bid") };
    const fit = (): void => {
      halves.current!.asks.fit();
      halves.current!.bids.fit();
      const first = halves.current!.bids.rows[0];
      if (root.current!.querySelector('[tabindex="0"]') === null && first) first.element.tabIndex = 0;
      draw();
    };
    const observer = new ResizeObserver(fit);
    observer.observe(asks.current!);
    fit();
    return () => observer.disconnect();
  }, []);

  useSignalEffect(() => {
    bookFrame.value;
    book.value;
    market.value;
    draw();
  });

  /** All rows from top to bottom. */
  const rows = (): Row[] => [...halves.current!.asks.rows].reverse().concat(halves.current!.bids.rows);

  const take = (event: MouseEvent): void => {
    const element = (event.target as HTMLElement).closest("button");
    const row = rows().find((one) => one.element === element);
    if (row === undefined || row.price === "") return;
    wantedPrice.value = row.price;
    view.value = "trade";
  };

  const move = (event: KeyboardEvent): void => {
    const there = rows().filter((one) => one.price !== "");
    const at = there.findIndex((one) => one.element === event.target);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: there.length - 1 }[event.key];
    const next = to === undefined ? undefined : there[Math.max(0, Math.min(there.length - 1, to))];
    if (next === undefined) return;
    event.preventDefault();
    for (const row of rows()) row.element.tabIndex = row === next ? 0 : -1;
    next.element.focus();
  };

  return (
    <section class="panel book" aria-label="Order book">
      <div class="head">
        <h2>Order book</h2>
        <span class="badge state" data-state={bookState.value} role="status">
          {STATES[bookState.value]}
        </span>
      </div>
      <div class="level-names" aria-hidden="true">
        <span>Price{rules && ` ${rules.quote}`}</span>
        <span>Quantity{rules && ` ${rules.base}`}</span>
        <span>Total</span>
      </div>
      <div
        class="levels"
        ref={root}
        data-state={bookState.value}
        role="group"
        aria-label="Price levels; arrow keys move, Enter takes the price into the order form"
        onClick={take}
        onKeyDown={move}
      >
        <div class="half asks" ref={asks} role="group" aria-label="Asks" />
        <div class="spread" ref={spread} />
        <div class="half bids" ref={bids} role="group" aria-label="Bids" />
      </div>
    </section>
  );
}

/** The middle of the book as text at the market's decimals, or null. */
export function middle(held: Book | null, rules: Market): string | null {
  const bid = held?.bids[0];
  const ask = held?.asks[0];
  if (bid === undefined || ask === undefined || compare(decimal(bid.price), decimal(ask.price)) > 0) return null;
  const twice = { units: 2n, scale: 0 };
  const sum = decimal(bid.price);
  const half = divide(subtract(decimal(ask.price), sum), twice, priceDecimals(rules));
  return fixed(subtract(sum, { units: -half.units, scale: half.scale }), priceDecimals(rules));
}
