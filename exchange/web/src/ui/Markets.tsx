import { useSignal } from "@preact/signals";
import { direction, grouped, percent, short } from "../model/format";
import { priceDecimals } from "../model/preview";
import { market, markets, sparks, tickers } from "../state/exchange";
import { marketName } from "../state/settings";
import { view } from "./App";
import { Sparkline } from "./Sparkline";

export function Markets() {
  const search = useSignal("");
  const wanted = search.value.trim().toUpperCase();
  const found = markets.value.filter((one) => one.market.replace("_", "/").includes(wanted.replace("_", "/")));
  return (
    <section class="panel markets" aria-label="Markets">
      <div class="head">
        <h2>Markets</h2>
        {markets.value.length > 5 && (
          <input
            type="search"
            placeholder="Search"
            aria-label="Search markets"
            value={search.value}
            onInput={(event) => (search.value = event.currentTarget.value)}
          />
        )}
      </div>
      <ul class="market-list">
        {found.map((one) => {
          const ticker = tickers.value.get(one.market);
          const tone = direction(ticker?.change ?? null);
          const last = ticker?.last ? grouped(ticker.last, priceDecimals(one)) : "–";
          const change = percent(ticker?.change ?? null, ticker?.open ?? null);
          return (
            <li key={one.market}>
              <button
                type="button"
                class="market-row"
                aria-current={one.market === market.value?.market ? "true" : undefined}
                onClick={() => {
                  marketName.value = one.market;
                  view.value = "chart";
                }}
              >
                <span class="market-name">
                  <b>{one.base}</b>
                  <span class="soft">/{one.quote}</span>
                  <small class="soft">{ticker ? `Vol ${short(ticker.quote_volume)}` : ""}</small>
                </span>
                <Sparkline closes={sparks.value.get(one.market) ?? []} tone={tone} />
                <span class="market-price">
                  <span>{last}</span>
                  <small class={tone}>{change}</small>
                </span>
              </button>
            </li>
          );
        })}
        {markets.value.length > 0 && found.length === 0 && <li class="empty">No market has this name.</li>}
      </ul>
    </section>
  );
}
