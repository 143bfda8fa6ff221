import { direction, duration, grouped, median, percent, short } from "../model/format";
import { priceDecimals } from "../model/preview";
import { marketWords } from "../model/words";
import { accountError } from "../state/account";
import { connection, market, marketStatus, pingMs, replyMs, tickers } from "../state/exchange";
import { gaps, tape } from "../state/market";
import { signedIn, signsIn } from "../state/identity";
import { signOut } from "../state/session";
import { offeredUsers, type Theme, theme, THEMES, userId } from "../state/settings";
import { Session } from "./SignIn";

const CONNECTION = { connecting: "Connecting…", open: "Live", lost: "Disconnected" };

function Figure({ label, unit, children }: { label: string; unit?: string; children: preact.ComponentChildren }) {
  return (
    <div class={unit === undefined ? "figure" : "figure with-unit"}>
      <dt>
        {label}
        {unit !== undefined && <span class="figure-unit">, {unit}</span>}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function Figures() {
  const rules = market.value;
  if (rules === null) return null;
  const ticker = tickers.value.get(rules.market);
  const last = tape.value[0]?.price ?? ticker?.last ?? null;
  const price = (value: string | null | undefined): string => (value ? grouped(value, priceDecimals(rules)) : "–");
  const moved = direction(ticker?.change ?? null);
  const words = marketWords(marketStatus.value);
  return (
    <div class="figures">
      <h1>
        {rules.base}
        <span class="soft">/{rules.quote}</span>
        {words !== null && (
          <span class="badge warn" title={words.what}>
            {words.name}
          </span>
        )}
      </h1>
      <dl>
        <div class="figure last">
          <dt class="sr-only">Last price</dt>
          <dd class={moved}>{price(last)}</dd>
        </div>
        <Figure label="24 h change">
          <span class={moved}>{percent(ticker?.change ?? null, ticker?.open ?? null)}</span>
        </Figure>
        <Figure label="24 h high">{price(ticker?.high)}</Figure>
        <Figure label="24 h low">{price(ticker?.low)}</Figure>
        <Figure label="24 h volume" unit={rules.quote}>
          {ticker ? short(ticker.quote_volume) : "–"}
        </Figure>
      </dl>
    </div>
  );
}

function Latency() {
  const replies = replyMs.value;
  const ping = pingMs.value;
  const last = replies.at(-1);
  if (connection.value !== "open") return null;
  const title =
    `Durable: from sending an order or cancel to its reply, which leaves after the commit. Median of the last ${replies.length}. ` +
    `Round trip: an answer that waits for no commit.`;
  return (
    <span class="latency" title={title}>
      {last !== undefined ? (
        <>
          <span class="latency-label">durable </span><b>{duration(median(replies))}</b>
        </>
      ) : (
        ping !== null && (
          <>
            <span class="latency-label">round trip </span><b>{duration(ping)}</b>
          </>
        )
      )}
    </span>
  );
}

function User() {
  const take = (input: HTMLInputElement): void => {
    const wanted = input.value.trim();
    if (wanted === "") input.value = userId.value;
    else userId.value = wanted;
  };
  return (
    <form
      class="user"
      onSubmit={(event) => {
        event.preventDefault();
        take(event.currentTarget.elements.namedItem("user") as HTMLInputElement);
      }}
    >
      <label for="user">User</label>
      <input
        id="user"
        name="user"
        list="users"
        maxLength={64}
        spellcheck={false}
        autocomplete="off"
        value={userId.value}
        aria-invalid={accountError.value !== null}
        aria-describedby={accountError.value === null ? undefined : "user-error"}
        onChange={(event) => take(event.currentTarget)}
      />
      <datalist id="users">
        {offeredUsers.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {accountError.value !== null && (
        <span id="user-error" class="user-error" role="alert">
          {accountError.value}
        </span>
      )}
    </form>
  );
}

const THEME_LABELS: Record<Theme, string> = { system: "Auto", light: "Light", dark: "Dark" };

export function TopBar() {
  return (
    <header class="top">
      <span class="brand" aria-hidden="true">
        <svg viewBox="0 0 32 32" width="22" height="22">
          <path class="brand-wick" d="M10 5v5M10 20v6M22 5v5M22 19v7" />
          <rect class="brand-up" x="7" y="10" width="6" height="10" rx="1.5" />
          <rect class="brand-down" x="19" y="10" width="6" height="9" rx="1.5" />
        </svg>
      </span>
      <Figures />
      <div class="status">
        <span class="connection" data-state={connection.value} role="status">
          <span class="dot" aria-hidden="true" />
          {CONNECTION[connection.value]}
        </span>
        <Latency />
        {gaps.value > 0 && (
          <span class="badge" title="How often something of a book was missing since the page was opened.">
            {gaps.value} {gaps.value === 1 ? "gap" : "gaps"}
          </span>
        )}
      </div>
      {signsIn ? <Session user={signedIn.value?.identity.userId ?? null} leave={() => signOut()} /> : <User />}
      <label class="theme">
        <span class="sr-only">Colors</span>
        <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {THEME_LABELS[name]}
            </option>
          ))}
        </select>
      </label>
      <nav class="docs-links" aria-label="Reference">
        <a class="docs-link" href="/docs">
          API
        </a>
        <a class="docs-link" href="/docs/websocket">
          WebSocket
        </a>
      </nav>
    </header>
  );
}
