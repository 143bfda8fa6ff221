// What the order form holds while one fills it in.

import { batch, computed, effect, signal } from "@preact/signals";
import type { Market, Order, Side } from "../api/types";
import { add, decimal, text } from "../model/decimal";
import { type Draft, fieldsOf } from "../model/draft";
import { FIELDS, type FieldName, NO_FIELDS } from "../model/fields";
import {
  type GroupName,
  ORDER_TYPES,
  type OrderType,
  type PegAt,
  type PegTo,
  postOnlyTimesOf,
  timesOf,
  type TriggerName,
  typesIn,
} from "../model/orderTypes";
import { again, frees } from "../model/replace";
import { balances } from "./account";
import { market } from "./exchange";
import { tape } from "./market";
import { replaced, replaceNext } from "./replacing";
import { marketName } from "./settings";
import { notice, wantedPrice } from "./trading";

export const side = signal<Side>("buy");
export const group = signal<GroupName>("limit");
/** The type chosen last in each group. */
const chosen = signal<Partial<Record<GroupName, string>>>({});
export const type = computed<OrderType>(() => {
  const types = typesIn(group.value);
  return types.find((one) => one.id === chosen.value[group.value]) ?? types[0]!;
});
export const trigger = signal<TriggerName>("price");
export const pegTo = signal<PegTo>("primary");
export const pegAt = signal<PegAt>("best");
export const pegFollows = signal(false);
export const fields = signal(NO_FIELDS);
/** The time in force chosen last. A type that does not have it takes its own first one. */
const wantedTime = signal("gtc");
export const times = computed(() => timesOf(type.value, pegTo.value, pegFollows.value));
export const timeInForce = computed(
  () => (times.value.find((one) => one.value === wantedTime.value) ?? times.value[0]!).value,
);
export const postOnlyTimes = computed(() => postOnlyTimesOf(type.value, pegTo.value));
export const chooseTime = (value: string): void => {
  wantedTime.value = value;
};
/** As a `datetime-local` field has it: the reader's own clock. */
export const expireAt = signal("");
/** A time as a `datetime-local` field has it: by the reader's own clock, without seconds. */
export const endAt = (milliseconds: number): void => {
  const shifted = milliseconds - new Date(milliseconds).getTimezoneOffset() * 60_000;
  expireAt.value = new Date(shifted).toISOString().slice(0, 16);
};
export const postOnly = signal(false);
/** Empty for the market's own mode. */
export const selfTrade = signal("");
/** The price field that was used last: a price from the book goes there. */
export const priceField = signal<FieldName>("price");

export const setField = (name: FieldName, value: string): void => {
  fields.value = { ...fields.peek(), [name]: value };
};

export const choose = (id: string): void => {
  const row = ORDER_TYPES.find((one) => one.id === id)!;
  chosen.value = { ...chosen.peek(), [row.group]: id };
};

/** The asset that an order of this side spends. */
export const spent = (rules: Market): string => (side.value === "buy" ? rules.quote : rules.base);
/** What is available of it, with what an order of that side that is to be replaced has locked. */
export function available(rules: Market): string {
  const held = balances.value.get(spent(rules))?.available ?? "0";
  const order = replaced.value;
  return order === null || order.side !== side.value ? held : text(add(decimal(held), decimal(frees(order))));
}
/** The last trade price, which triggers what waits; null before the first trade. */
export const lastPrice = computed(() => tape.value[0]?.price ?? null);

export const shownFields = computed(() =>
  fieldsOf({ type: type.value, trigger: trigger.value, pegAt: pegAt.value, pegFollows: pegFollows.value }),
);

/** The shown field that a price from the book goes to. */
function priceTarget(): FieldName {
  const shown = shownFields.peek().map(({ name }) => name);
  if (shown.includes(priceField.peek())) return priceField.peek();
  return type.peek().limit ?? shown.find((name) => FIELDS[name].isPrice) ?? "price";
}

/** Fill the form in with an open order, for another one in its place. */
export function beginReplacing(order: Order): void {
  marketName.value = order.market; // which empties the form
  const held = again(order);
  batch(() => {
    notice.value = null; // it is of another order
    replaceNext(order);
    group.value = held.type.group;
    chosen.value = { ...chosen.peek(), [held.type.group]: held.type.id };
    side.value = held.side;
    trigger.value = held.trigger;
    pegTo.value = order.peg?.to ?? pegTo.peek();
    pegAt.value = held.pegAt;
    pegFollows.value = order.peg?.follow ?? false;
    fields.value = held.fields;
    wantedTime.value = order.time_in_force;
    if (order.expire_at !== null) endAt(order.expire_at);
    postOnly.value = order.post_only;
    selfTrade.value = order.self_trade_prevention === market.peek()?.self_trade_prevention ? "" : order.self_trade_prevention;
  });
}

effect(() => {
  if (replaced.value !== null && market.value?.market !== replaced.value.market) replaceNext(null);
});
effect(() => {
  // A market has prices and modes of its own: what was chosen for another says nothing here.
  market.value?.market;
  batch(() => {
    fields.value = NO_FIELDS;
    selfTrade.value = "";
  });
});
effect(() => {
  if (wantedPrice.value === null) return;
  const price = wantedPrice.value;
  batch(() => {
    wantedPrice.value = null;
    setField(priceTarget(), price);
  });
});

/** The time that was typed, in milliseconds since the epoch; null if none was. */
export function expiryTime(): number | null {
  const time = expireAt.value === "" ? Number.NaN : new Date(expireAt.value).getTime();
  return Number.isNaN(time) ? null : time;
}

export function draftOf(rules: Market): Draft {
  return {
    market: rules.market,
    side: side.value,
    type: type.value,
    trigger: trigger.value,
    pegTo: pegTo.value,
    pegAt: pegAt.value,
    pegFollows: pegFollows.value,
    fields: fields.value,
    timeInForce: timeInForce.value,
    expireAt: expiryTime(),
    postOnly: postOnly.value && postOnlyTimes.value.includes(timeInForce.value),
    selfTrade: selfTrade.value,
  };
}
