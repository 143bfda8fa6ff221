import { batch, computed, effect, signal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Market, Side } from "../api/types";
import { type Decimal, decimal, fixed, floorTo, isMultiple, isPositive, multiply, parse, text } from "../model/decimal";
import { whole } from "../model/format";
import { type Draft, type FieldName, FIELDS, ORDER_TYPES } from "../model/orderTypes";
import { affordable, priceDecimals } from "../model/preview";
import { marketWords, takes } from "../model/words";
import { balances } from "../state/account";
import { connection, market, marketStatus } from "../state/exchange";
import { mayTrade, signedIn, signsIn } from "../state/identity";
import { book, bookFrame } from "../state/market";
import { asksForKey } from "../state/session";
import { notice, place, wantedPrice } from "../state/trading";
import { middle } from "./OrderBook";
import { PreviewLines, terms, estimate } from "./Preview";

const side = signal<Side>("buy");
const EMPTY: Record<FieldName, string> = { price: "", quantity: "", amount: "" };
const TYPES = ORDER_TYPES.map(({ id, label }) => ({ value: id, label }));

const typeName = signal(ORDER_TYPES[0]!.id);
const type = computed(() => ORDER_TYPES.find((one) => one.id === typeName.value)!);
const fields = signal(EMPTY);
const timeInForce = signal("gtc");
const postOnly = signal(false);
const sending = signal(false);

const setField = (name: FieldName, value: string): void => {
  fields.value = { ...fields.peek(), [name]: value };
};

/** The asset that an order of this side spends. */
const spent = (rules: Market): string => (side.value === "buy" ? rules.quote : rules.base);
const available = (rules: Market): string => balances.value.get(spent(rules))?.available ?? "0";

effect(() => {
  // A market has prices of its own: what was typed for another says nothing here.
  market.value?.market;
  fields.value = EMPTY;
});
effect(() => {
  const { timesInForce } = type.value;
  if (!timesInForce.some((one) => one.value === timeInForce.peek())) timeInForce.value = timesInForce[0]!.value;
});
effect(() => {
  if (wantedPrice.value === null) return;
  const price = wantedPrice.value;
  batch(() => {
    wantedPrice.value = null;
    setField("price", price);
  });
});

function draftOf(rules: Market): Draft {
  return {
    market: rules.market,
    side: side.value,
    type: type.value,
    fields: fields.value,
    timeInForce: timeInForce.value,
    postOnly: postOnly.value && type.value.postOnlyWith.includes(timeInForce.value),
  };
}

function Choices<Value extends string>(props: {
  name: string;
  label: string;
  chosen: Value;
  choices: readonly { value: Value; label: string }[];
  choose: (value: Value) => void;
}) {
  return (
    <fieldset class={`choices ${props.name}`}>
      <legend class="sr-only">{props.label}</legend>
      {props.choices.map(({ value, label }) => (
        <label key={value} data-value={value}>
          <input
            type="radio"
            name={props.name}
            value={value}
            checked={props.chosen === value}
            onChange={() => props.choose(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What is wrong with a number, said while it is typed. The exchange decides all the same. */
function hint(value: string, name: FieldName, rules: Market): string | null {
  if (value.trim() === "") return null;
  const number = parse(value.trim());
  if (number === null || value.trim().startsWith("-")) return "Plain digits, with a point for decimals.";
  if (!isPositive(number)) return "It must be above 0.";
  const step = FIELDS[name].step(rules);
  return isMultiple(number, decimal(step)) ? null : `It must be a multiple of ${step}.`;
}

function NumberField({ name, label, required, rules }: { name: FieldName; label?: string; required: boolean; rules: Market }) {
  const field = FIELDS[name];
  const value = fields.value[name];
  const wrong = hint(value, name, rules);
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    const number = parse(value.trim() || "0");
    if (by === undefined || number === null) return;
    event.preventDefault();
    const size = decimal(field.step(rules));
    const at = floorTo(number, size);
    const next = { units: at.units + by * 10n ** BigInt(at.scale - size.scale) * size.units, scale: at.scale };
    if (isPositive(next)) setField(name, text(next));
  };
  return (
    <div class="field">
      <label for={`order-${name}`}>
        {label ?? field.label}
        {!required && <span class="soft"> (optional)</span>}
      </label>
      <div class="input">
        <input
          id={`order-${name}`}
          name={name}
          inputMode="decimal"
          autocomplete="off"
          maxLength={100}
          required={required}
          value={value}
          aria-invalid={wrong !== null}
          aria-describedby={wrong === null ? undefined : `order-${name}-hint`}
          onInput={(event) => setField(name, event.currentTarget.value)}
          onKeyDown={step}
        />
        <span class="unit">{rules[field.unit]}</span>
      </div>
      {name === "price" && <PriceButtons rules={rules} />}
      {name !== "price" && <ShareButtons name={name} rules={rules} />}
      {wrong !== null && (
        <p class="hint" id={`order-${name}-hint`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

/** What a sale of that quantity would bring now. */
const worth = (rules: Market, quantity: Decimal): Decimal =>
  estimate(rules, { side: "sell", quantity, amount: null, limit: null, covered: "by-walk", timeInForce: "ioc", postOnly: false })
    .takesFor;

function PriceButtons({ rules }: { rules: Market }) {
  const take = (which: "bid" | "mid" | "ask"): void => {
    const held = book.peek();
    const price =
      which === "mid" ? middle(held, rules) : (which === "bid" ? held?.bids[0]?.price : held?.asks[0]?.price) ?? null;
    if (price !== null) setField("price", fixed(decimal(price), priceDecimals(rules)));
  };
  return (
    <div class="quick" role="group" aria-label="Take a price from the book">
      {(["bid", "mid", "ask"] as const).map((which) => (
        <button key={which} type="button" onClick={() => take(which)}>
          {{ bid: "Best bid", mid: "Middle", ask: "Best ask" }[which]}
        </button>
      ))}
    </div>
  );
}

function ShareButtons({ name, rules }: { name: FieldName; rules: Market }) {
  const take = (percent: number): void => {
    const held = book.peek();
    const share = multiply(decimal(available(rules)), { units: BigInt(percent), scale: 2 });
    if (name === "amount") {
      setField("amount", text(floorTo(side.value === "buy" ? share : worth(rules, share), decimal(FIELDS.amount.step(rules)))));
      return;
    }
    const levels = held === null ? [] : side.value === "buy" ? held.asks : held.bids;
    const limit = type.value.covered === "at-limit" ? parse(fields.peek().price.trim()) : null;
    setField("quantity", text(affordable(rules, levels, side.value, limit, share)));
  };
  return (
    <div class="quick" role="group" aria-label="Share of the available balance">
      {[25, 50, 75, 100].map((percent) => (
        <button key={percent} type="button" onClick={() => take(percent)}>
          {percent} %
        </button>
      ))}
    </div>
  );
}

function Options() {
  const { timesInForce, postOnlyWith } = type.value;
  const chosen = timesInForce.find((one) => one.value === timeInForce.value) ?? timesInForce[0]!;
  return (
    <>
      {timesInForce.length > 1 && (
        <div class="field">
          <label for="order-tif">Time in force</label>
          <select
            id="order-tif"
            value={chosen.value}
            title={chosen.hint}
            onChange={(event) => (timeInForce.value = event.currentTarget.value)}
          >
            {timesInForce.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </select>
        </div>
      )}
      {postOnlyWith.length > 0 && (
        <label class="check" title="The exchange refuses the order rather than let it trade at once.">
          <input
            type="checkbox"
            checked={postOnly.value && postOnlyWith.includes(timeInForce.value)}
            disabled={!postOnlyWith.includes(timeInForce.value)}
            onChange={(event) => (postOnly.value = event.currentTarget.checked)}
          />
          Post-only
        </label>
      )}
    </>
  );
}

function Submit({ rules }: { rules: Market }) {
  const open = connection.value === "open";
  const words = marketWords(marketStatus.value);
  const taken = takes(marketStatus.value, timeInForce.value);
  const label = `${side.value === "buy" ? "Buy" : "Sell"} ${rules.base}`;
  if (signsIn && signedIn.value === null)
    return (
      <button type="button" class="submit primary" onClick={() => (asksForKey.value = true)}>
        Sign in to trade
      </button>
    );
  if (!mayTrade.value)
    return (
      <button type="submit" class={`submit ${side.value}`} aria-disabled={true}>
        This key may not trade
      </button>
    );
  return (
    <button type="submit" class={`submit ${side.value}`} aria-disabled={!open || !taken || sending.value}>
      {!open ? "Not connected" : !taken ? (words?.name ?? label) : sending.value ? "Sending…" : label}
    </button>
  );
}

/** Why the market does not take everything now. */
function StatusLine() {
  const words = marketWords(marketStatus.value);
  return <div role="status">{words !== null && <p class="market-status">{words.what}</p>}</div>;
}

function NoticeLine() {
  const told = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {told !== null && (
        <p key={told.id} class="notice" data-kind={told.kind}>
          {told.text}
        </p>
      )}
    </div>
  );
}

export function OrderForm() {
  const rules = market.value;
  const form = useRef<HTMLFormElement>(null);
  useSignalEffect(() => {
    bookFrame.value; // the preview follows the book
  });
  if (rules === null) return <section class="panel form" aria-label="Place an order" />;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (sending.value || !mayTrade.value || connection.value !== "open" || !takes(marketStatus.value, timeInForce.value)) return;
    const draft = draftOf(rules);
    const asked = terms(draft);
    const needs = asked === null ? undefined : text(estimate(rules, asked).needs);
    sending.value = true;
    try {
      await place(draft, { market: rules, needs, available: available(rules), asset: spent(rules) });
    } finally {
      sending.value = false;
    }
  };
  return (
    <section class="panel form" aria-label="Place an order">
      <form id="order-form" ref={form} tabIndex={-1} noValidate onSubmit={(event) => void submit(event)}>
        <Choices
          name="side"
          label="Side"
          chosen={side.value}
          choices={[
            { value: "buy", label: "Buy" },
            { value: "sell", label: "Sell" },
          ]}
          choose={(value) => (side.value = value)}
        />
        <Choices
          name="type"
          label="Order type"
          chosen={typeName.value}
          choices={TYPES}
          choose={(value) => (typeName.value = value)}
        />
        <p class="available">
          <span class="soft">Available</span>
          <b>
            {whole(available(rules))} {spent(rules)}
          </b>
        </p>
        {type.value.fields.map((field) => (
          <NumberField key={field.name} {...field} rules={rules} />
        ))}
        <Options />
        <PreviewLines draft={draftOf(rules)} rules={rules} available={available(rules)} />
        <StatusLine />
        <Submit rules={rules} />
        <NoticeLine />
      </form>
    </section>
  );
}
