import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Market, Order } from "../api/types";
import { type Change, consequence } from "../model/amend";
import { typeName } from "../model/conditions";
import { decimal, isPositive, parse, text } from "../model/decimal";
import { FIELDS } from "../model/fields";
import { otherLeg } from "../model/lists";
import { openLists, openOrders } from "../state/account";
import { amend, amended, amendError, beginAmending } from "../state/amending";
import { market, markets } from "../state/exchange";
import { book, bookFrame } from "../state/market";
import { stepped } from "./Fields";

const change = signal<Change>({ price: "", quantity: "" });
const sending = signal(false);

/** The dialog in which the price and the quantity of an open order change. */
export function Amend() {
  const dialog = useRef<HTMLDialogElement>(null);
  const order = amended.value;
  const rules = markets.value.find((one) => one.market === order?.market);
  const id = order?.order_id ?? null;
  useEffect(() => {
    if (order === null) {
      dialog.current?.close(); // it has ended, or the dialog is done
      return;
    }
    change.value = { price: order.price === null ? "" : plain(order.price), quantity: plain(order.quantity ?? "0") };
    dialog.current?.showModal();
    dialog.current?.querySelector("input")?.focus();
  }, [id]);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (order === null || sending.peek()) return;
    sending.value = true;
    const done = await amend(order, change.peek());
    sending.value = false;
    if (done) beginAmending(null);
  };
  const closed = (): void => {
    if (dialog.current!.open) return; // the browser says so a little later: it may be open again by then
    beginAmending(null);
  };
  return (
    <dialog ref={dialog} class="sign-in amend" aria-labelledby="amend-title" onClose={closed}>
      {order !== null && rules !== undefined && (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <h2 id="amend-title">Change order {order.order_id}</h2>
          <p class="soft">
            {typeName(order.order_type)} to {order.side} {order.market.replace("_", "/")}
            {order.executed_quantity !== "0" && `, ${order.executed_quantity} executed`}
          </p>
          {order.price !== null && !order.peg && <ChangeField name="price" label="Price" rules={rules} />}
          <ChangeField name="quantity" label="Quantity in all" rules={rules} />
          <Consequence order={order} rules={rules} />
          <div role="alert">
            {amendError.value !== null && (
              <p class="notice" data-kind="refused">
                {amendError.value}
              </p>
            )}
          </div>
          <div class="dialog-buttons">
            <button type="button" class="small" onClick={() => beginAmending(null)}>
              Close
            </button>
            <button type="submit" class="primary" aria-disabled={sending.value}>
              {sending.value ? "Sending…" : "Change"}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}

const plain = (number: string): string => text(decimal(number));

/** What the change would do. The book is known of the market that is shown. */
function Consequence({ order, rules }: { order: Order; rules: Market }) {
  bookFrame.value; // it follows the book
  const held = market.value?.market === rules.market ? book.peek() : null;
  const best = order.side === "buy" ? held?.asks[0] : held?.bids[0];
  const leg = otherLeg(order, openLists.value.get(order.list_id ?? ""), openOrders.value);
  return (
    <p class="hint soft" id="amend-hint" aria-live="polite">
      {consequence(order, change.value, best, leg)}
    </p>
  );
}

function ChangeField({ name, label, rules }: { name: "price" | "quantity"; label: string; rules: Market }) {
  const field = FIELDS[name];
  const value = change.value[name];
  const set = (typed: string): void => {
    change.value = { ...change.peek(), [name]: typed };
  };
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    const number = parse(value.trim() || "0");
    if (by === undefined || number === null) return;
    event.preventDefault();
    const next = stepped(number, decimal(field.step(rules)), by);
    if (isPositive(next)) set(text(next));
  };
  return (
    <>
      <label for={`amend-${name}`}>
        {label}, {rules[field.unit === "base" ? "base" : "quote"]}
      </label>
      <input
        id={`amend-${name}`}
        type="text"
        inputMode="decimal"
        autocomplete="off"
        maxLength={100}
        value={value}
        aria-describedby="amend-hint"
        onInput={(event) => set(event.currentTarget.value)}
        onKeyDown={step}
      />
    </>
  );
}
