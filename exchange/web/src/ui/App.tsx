import { effect, signal } from "@preact/signals";
import { market, tickers } from "../state/exchange";
import { signsIn } from "../state/identity";
import { grouped } from "../model/format";
import { priceDecimals } from "../model/preview";
import { Account } from "./Account";
import { Amend } from "./Amend";
import { Balances } from "./Balances";
import { ChartPanel } from "./ChartPanel";
import { Markets } from "./Markets";
import { OrderBook } from "./OrderBook";
import { OrderForm } from "./OrderForm";
import { SignIn } from "./SignIn";
import { Tape } from "./Tape";
import { TopBar } from "./TopBar";

/** Which part a phone shows; on wider screens all are there. */
export type View = "markets" | "chart" | "book" | "trade" | "account";
export const view = signal<View>("chart");

const VIEWS: [View, string][] = [
  ["markets", "Markets"],
  ["chart", "Chart"],
  ["book", "Book"],
  ["trade", "Trade"],
  ["account", "Account"],
];

effect(() => {
  const rules = market.value;
  if (rules === null) return;
  const last = tickers.value.get(rules.market)?.last;
  const name = `${rules.base}/${rules.quote}`;
  document.title = last ? `${grouped(last, priceDecimals(rules))} ${name}` : `${name} – exchange`;
});

export function App() {
  return (
    <div class="app" data-view={view.value}>
      <a class="skip" href="#order-form">
        Skip to the order form
      </a>
      <TopBar />
      <main class="grid">
        <Markets />
        <Tape />
        <ChartPanel />
        <Account />
        <OrderBook />
        <div class="order-column">
          <OrderForm />
          <Balances />
        </div>
      </main>
      <Amend />
      {signsIn && <SignIn />}
      <nav class="views" aria-label="Parts of the page">
        {VIEWS.map(([name, label]) => (
          <button
            key={name}
            type="button"
            aria-current={view.value === name ? "page" : undefined}
            onClick={() => (view.value = name)}
          >
            {label}
          </button>
        ))}
      </nav>
    </div>
  );
}
