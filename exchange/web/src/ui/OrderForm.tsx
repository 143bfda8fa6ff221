import { signal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Market } from "../api/types";
import { text } from "../model/decimal";
import { type Draft, fieldsOf } from "../model/draft";
import { whole } from "../model/format";
import { FIELDS } from "../model/fields";
import { GROUPS, PEG_SIDES, PEGS, TRIGGERS, typesIn } from "../model/orderTypes";
import { marketWords, takes } from "../model/words";
import { balances } from "../state/account";
import { connection, market, marketStatus } from "../state/exchange";
import {
  available,
  choose,
  draftOf,
  group,
  pegAt,
  pegFollows,
  pegTo,
  shownFields,
  side,
  spent,
  timeInForce,
  trigger,
  type,
} from "../state/form";
import { mayTrade, signedIn, signsIn } from "../state/identity";
import { bookFrame } from "../state/market";
import { asksForKey } from "../state/session";
import { replaced, replaceMode, replaceNext } from "../state/replacing";
import { place, replace, tell } from "../state/trading";
import { Choices, Select } from "./Choices";
import { hint, NumberField } from "./Fields";
import { NoticeLine } from "./Notice";
import { MoreOptions, Options } from "./Options";
import { PreviewLines, terms, estimate } from "./Preview";
import { Replaces } from "./Replaces";

const sending = signal(false);

const SIDES = [
  { value: "buy", label: "Buy" },
  { value: "sell", label: "Sell" },
] as const;

function TypeChoices() {
  const types = typesIn(group.value);
  return (
    <>
      <Choices
        name="type"
        label="Order type"
        chosen={group.value}
        choices={replaced.value === null ? GROUPS : GROUPS.filter((one) => one.value !== "list")}
        choose={(value) => (group.value = value)}
      />
      {types.length > 1 && (
        <div class="pair">
          <Select
            name="order-kind"
            label="Type"
            chosen={type.value.id}
            choices={types.map(({ id, label }) => ({ value: id, label }))}
            choose={choose}
            title={type.value.hint}
          />
          {type.value.waits && (
            <Select
              name="order-trigger"
              label="Waits for"
              chosen={trigger.value}
              choices={TRIGGERS}
              choose={(value) => (trigger.value = value)}
            />
          )}
        </div>
      )}
      {type.value.pegs && (
        <>
          <div class="pair">
            <Select
              name="order-peg-to"
              label="Pegged to"
              chosen={pegTo.value}
              choices={PEG_SIDES}
              choose={(value) => (pegTo.value = value)}
            />
            <Select
              name="order-peg-at"
              label="At"
              chosen={pegAt.value}
              choices={PEGS}
              choose={(value) => (pegAt.value = value)}
            />
          </div>
          <label class="check" title="It is priced again when the book changes. It never takes, and needs a limit price.">
            <input
              type="checkbox"
              checked={pegFollows.value}
              onChange={(event) => (pegFollows.value = event.currentTarget.checked)}
            />
            Follows the book
          </label>
        </>
      )}
    </>
  );
}

const taken = (): boolean => takes(marketStatus.value, timeInForce.value, type.value.waits);

function Submit({ rules }: { rules: Market }) {
  const open = connection.value === "open";
  const words = marketWords(marketStatus.value);
  const label = `${replaced.value === null ? "" : "Replace: "}${side.value === "buy" ? "Buy" : "Sell"} ${rules.base}`;
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
    <button type="submit" class={`submit ${side.value}`} aria-disabled={!open || !taken() || sending.value}>
      {!open ? "Not connected" : !taken() ? (words?.name ?? label) : sending.value ? "Sending…" : label}
    </button>
  );
}

/** Why the market does not take everything now. */
function StatusLine() {
  const words = marketWords(marketStatus.value);
  return <div role="status">{words !== null && <p class="market-status">{words.what}</p>}</div>;
}

/** The first field that stops the order from being sent at all, and a sentence about it. */
function unready(draft: Draft, rules: Market): { id: string; words: string } | null {
  for (const { name, label, required } of fieldsOf(draft)) {
    const value = draft.fields[name].trim();
    const words = label ?? FIELDS[name].label;
    if (required && value === "") return { id: `order-${name}`, words: `${words} is missing.` };
    const wrong = FIELDS[name].whole ? hint(value, name, rules) : null; // a text would not be a number for the exchange
    if (wrong !== null) return { id: `order-${name}`, words: `${words}: ${wrong}` };
  }
  const noTime = draft.timeInForce === "gtd" && draft.expireAt === null;
  return noTime ? { id: "order-expires", words: "Say when the order ends." } : null;
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
    if (sending.value || !mayTrade.value || connection.value !== "open" || !taken()) return;
    const draft = draftOf(rules);
    const stops = unready(draft, rules);
    if (stops !== null) {
      tell("refused", stops.words);
      document.getElementById(stops.id)?.focus();
      return;
    }
    const asked = terms(draft);
    const needs = asked === null ? undefined : text(estimate(rules, asked).needs);
    const held = balances.value.size > 0 ? available(rules) : undefined; // not known until they have come
    sending.value = true;
    try {
      const context = { market: rules, needs, available: held, asset: spent(rules) };
      const old = replaced.peek();
      if (old === null) await place(draft, context);
      else if (await replace(draft, old, replaceMode.peek(), context)) replaceNext(null);
    } finally {
      sending.value = false;
    }
  };
  return (
    <section class="panel form" aria-label="Place an order">
      <form id="order-form" ref={form} tabIndex={-1} noValidate onSubmit={(event) => void submit(event)}>
        <Replaces />
        <Choices name="side" label="Side" chosen={side.value} choices={SIDES} choose={(value) => (side.value = value)} />
        <TypeChoices />
        <p class="available">
          <span class="soft">Available</span>
          <b>
            {whole(available(rules))} {spent(rules)}
          </b>
        </p>
        {shownFields.value.map((field) => (
          <NumberField key={field.name} {...field} rules={rules} />
        ))}
        <Options />
        <MoreOptions rules={rules} />
        <PreviewLines draft={draftOf(rules)} rules={rules} available={available(rules)} />
        <StatusLine />
        <Submit rules={rules} />
        <NoticeLine class="notices" />
      </form>
    </section>
  );
}
