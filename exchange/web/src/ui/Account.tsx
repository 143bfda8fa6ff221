import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Fill, Market, Order } from "../api/types";
import { dayAndClock, grouped, whole } from "../model/format";
import { priceDecimals } from "../model/preview";
import { expiry, status } from "../model/words";
import { accountError, fillHistory, type History, openOrders, orderHistory } from "../state/account";
import { market, markets } from "../state/exchange";
import { signsIn } from "../state/identity";
import { cancel, cancelAll } from "../state/trading";
import { Keys } from "./Keys";
import { Table } from "./Table";
import { Tabs } from "./Tabs";

type Tab = "open" | "orders" | "fills" | "keys";
const tab = signal<Tab>("open");
const ROWS_MAX = 200;

const rulesOf = (name: string): Market | undefined => markets.value.find((one) => one.market === name);
const pair = (name: string): string => name.replace("_", "/");

function price(name: string, value: string | null): string {
  const rules = rulesOf(name);
  if (value === null) return "Market";
  return rules ? grouped(value, priceDecimals(rules)) : whole(value);
}

function kind(order: Order): string {
  const words = [order.order_type];
  if (order.time_in_force !== "gtc" && order.order_type !== "market") words.push(order.time_in_force);
  if (order.post_only) words.push("post-only");
  return words.join(", ");
}

function Side({ side }: { side: "buy" | "sell" }) {
  return <td class={side === "buy" ? "up" : "down"}>{side === "buy" ? "Buy" : "Sell"}</td>;
}

function Executed({ order }: { order: Order }) {
  return (
    <td>
      {whole(order.executed_quantity)}
      <span class="soft"> / {order.quantity === null ? "–" : whole(order.quantity)}</span>
    </td>
  );
}

function OpenOrders() {
  const orders = openOrders.value;
  return (
    <Table
      names={["Time", "Market", "Side", "Type", "Price", "Executed", ""]}
      empty={orders.length > 0 ? null : (accountError.value ?? "No open orders.")}
    >
      {orders.slice(0, ROWS_MAX).map((order) => (
        <tr key={order.order_id} data-order={order.order_id}>
          <td class="soft">{dayAndClock(order.created_at)}</td>
          <td>{pair(order.market)}</td>
          <Side side={order.side} />
          <td>{kind(order)}</td>
          <td>{price(order.market, order.price)}</td>
          <Executed order={order} />
          <td>
            <button
              type="button"
              class="small"
              aria-label={`Cancel ${order.side} ${order.quantity} ${pair(order.market)} at ${order.price}`}
              onClick={() => void cancel(order)}
            >
              Cancel
            </button>
          </td>
        </tr>
      ))}
      {orders.length > ROWS_MAX && (
        <tr>
          <td colSpan={7}>and {orders.length - ROWS_MAX} more</td>
        </tr>
      )}
    </Table>
  );
}

function useHistory<Row>(history: History<Row>): readonly Row[] {
  useEffect(() => history.show(), [history]);
  return history.rows.value;
}

function More<Row>({ history, columns }: { history: History<Row>; columns: number }) {
  if (!history.more.value) return null;
  return (
    <tr>
      <td colSpan={columns}>
        <button type="button" class="small" onClick={() => void history.readOlder()}>
          Load older
        </button>
      </td>
    </tr>
  );
}

function Orders() {
  const rows = useHistory(orderHistory);
  return (
    <Table
      names={["Time", "Market", "Side", "Type", "Price", "Executed", "Average", "Status"]}
      empty={rows.length > 0 ? null : (accountError.value ?? orderHistory.error.value ?? "No orders yet.")}
    >
      {rows.map((order) => (
        <tr key={order.order_id}>
          <td class="soft">{dayAndClock(order.created_at)}</td>
          <td>{pair(order.market)}</td>
          <Side side={order.side} />
          <td>{kind(order)}</td>
          <td>{price(order.market, order.price)}</td>
          <Executed order={order} />
          <td>{average(order)}</td>
          <td title={expiry(order.expire_reason)}>{status(order.status)}</td>
        </tr>
      ))}
      <More history={orderHistory} columns={8} />
    </Table>
  );
}

function average(order: Order): string {
  const quantity = Number(order.executed_quantity);
  const rules = rulesOf(order.market);
  if (quantity === 0 || rules === undefined) return "–";
  const decimals = priceDecimals(rules);
  return grouped((Number(order.executed_quote_quantity) / quantity).toFixed(decimals), decimals);
}

function Fills() {
  const rows = useHistory(fillHistory);
  return (
    <Table
      names={["Time", "Market", "Side", "Price", "Quantity", "For", "Fee", "As"]}
      empty={rows.length > 0 ? null : (accountError.value ?? fillHistory.error.value ?? "No fills yet.")}
    >
      {rows.map((fill: Fill) => (
        <tr key={`${fill.trade_id} ${fill.side}`}>
          <td class="soft">{dayAndClock(fill.timestamp)}</td>
          <td>{pair(fill.market)}</td>
          <Side side={fill.side} />
          <td>{price(fill.market, fill.price)}</td>
          <td>{whole(fill.quantity)}</td>
          <td>{whole(fill.quote_quantity)}</td>
          <td>
            {whole(fill.fee)} <span class="soft">{fill.fee_asset}</span>
          </td>
          <td>{fill.liquidity}</td>
        </tr>
      ))}
      <More history={fillHistory} columns={8} />
    </Table>
  );
}

export function Account() {
  const count = openOrders.value.length;
  const here = openOrders.value.some((order) => order.market === market.value?.market);
  return (
    <section class="panel account" aria-label="Your orders">
      <Tabs
        label="Your orders"
        names={[
          ["open", count > 0 ? `Open orders (${count})` : "Open orders"],
          ["orders", "Order history"],
          ["fills", "Fills"],
          ...(signsIn ? [["keys", "API keys"] as const] : []),
        ]}
        chosen={tab.value}
        choose={(name) => (tab.value = name)}
        beside={
          tab.value === "open" &&
          count > 0 && (
            <div class="beside">
              {here && (
                <button type="button" class="small" onClick={() => void cancelAll(market.value!.market)}>
                  Cancel all in {pair(market.value!.market)}
                </button>
              )}
              <button type="button" class="small danger" onClick={() => void cancelAll(null)}>
                Cancel all
              </button>
            </div>
          )
        }
      >
        {{ open: <OpenOrders />, orders: <Orders />, fills: <Fills />, keys: <Keys /> }[tab.value]}
      </Tabs>
    </section>
  );
}
