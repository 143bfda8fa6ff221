import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Fill, Order } from "../api/types";
import { whyEnded } from "../model/conditions";
import { dayAndClock, grouped, whole } from "../model/format";
import { priceDecimals } from "../model/preview";
import { status } from "../model/words";
import { accountError, fillHistory, type History, openOrders, orderHistory } from "../state/account";
import { market } from "../state/exchange";
import { signsIn } from "../state/identity";
import { cancelAll } from "../state/trading";
import { Executed, pair, Price, price, rulesOf, Side, Time, What } from "./cells";
import { Keys } from "./Keys";
import { NoticeLine } from "./Notice";
import { OpenOrders } from "./OpenOrders";
import { Table } from "./Table";
import { Tabs } from "./Tabs";

type Tab = "open" | "orders" | "fills" | "keys";
const tab = signal<Tab>("open");

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
      cards
      names={["Time", "Order", "Price", "Executed", "Average", "Status"]}
      empty={rows.length > 0 ? null : (accountError.value ?? orderHistory.error.value ?? "No orders yet.")}
    >
      {rows.map((order) => (
        <tr key={order.order_id}>
          <Time at={order.created_at} />
          <What order={order} />
          <Price order={order} />
          <Executed order={order} />
          <td>{average(order)}</td>
          <Status order={order} />
        </tr>
      ))}
      <More history={orderHistory} columns={6} />
    </Table>
  );
}

/** What became of it, and below that why. */
function Status({ order }: { order: Order }) {
  const why = whyEnded(order);
  return (
    <td>
      {status(order.status)}
      {why !== null && why !== "" && <small class="soft">{why}</small>}
    </td>
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
          <td>
            <Side side={fill.side} />
          </td>
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
        <NoticeLine class="notices elsewhere" />
        {{ open: <OpenOrders />, orders: <Orders />, fills: <Fills />, keys: <Keys /> }[tab.value]}
      </Tabs>
    </section>
  );
}
