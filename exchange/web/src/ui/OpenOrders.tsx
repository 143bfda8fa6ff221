import type { Order, OrderList } from "../api/types";
import { grouped } from "../model/lists";
import { status } from "../model/words";
import { accountError, openLists, openOrders } from "../state/account";
import { beginAmending } from "../state/amending";
import { beginReplacing } from "../state/form";
import { cancel, cancelList } from "../state/trading";
import { view } from "./App";
import { Executed, pair, Price, Time, What } from "./cells";
import { Table } from "./Table";

const ROWS_MAX = 200;

export function OpenOrders() {
  const orders = openOrders.value;
  const shown = grouped(orders.slice(0, ROWS_MAX));
  return (
    <Table
      cards
      names={["Time", "Order", "Price", "Executed", ""]}
      empty={orders.length > 0 ? null : (accountError.value ?? "No open orders.")}
    >
      {shown.flatMap(({ listId, orders }) => [
        ...(listId === null ? [] : [<ListHead key={`list ${listId}`} listId={listId} orders={orders} />]),
        ...orders.map((order) => <Row key={order.order_id} order={order} />),
      ])}
      {orders.length > ROWS_MAX && (
        <tr>
          <td colSpan={5}>and {orders.length - ROWS_MAX} more</td>
        </tr>
      )}
    </Table>
  );
}

const LIST_NAMES: Record<OrderList["type"], string> = {
  oco: "OCO: one ends the other",
  oto: "OTO: one after the other",
  otoco: "OTOCO: one, then one of two",
};

/** Above the orders of a list: what they are together. To cancel one of them is to cancel all. */
function ListHead({ listId, orders }: { listId: string; orders: readonly Order[] }) {
  const list = openLists.value.get(listId);
  return (
    <tr class="list-head" data-list={listId}>
      <td colSpan={4}>
        <b>List {listId}</b> <span class="soft">{list === undefined ? "" : LIST_NAMES[list.type]}</span>
      </td>
      <td>
        <button
          type="button"
          class="small"
          aria-label={`Cancel list ${listId}`}
          onClick={() => void cancelList({ market: orders[0]!.market, list_id: listId })}
        >
          Cancel list
        </button>
      </td>
    </tr>
  );
}

/** The form takes the order over; a phone shows it then. */
function replace(order: Order): void {
  beginReplacing(order);
  view.value = "trade";
  document.getElementById("order-form")?.focus();
}

function Row({ order }: { order: Order }) {
  const which = `${order.side} ${order.quantity} ${pair(order.market)} at ${order.price ?? "market"}`;
  return (
    <tr data-order={order.order_id} class={order.list_id ? "in-list" : undefined}>
      <Time at={order.created_at} />
      <What order={order} />
      <Price order={order} />
      <Executed order={order}>
        <small class="soft">{status(order.status)}</small>
      </Executed>
      <td>
        <span class="beside">
          <button type="button" class="small" aria-label={`Change ${which}`} onClick={() => beginAmending(order)}>
            Change
          </button>
          <button type="button" class="small" aria-label={`Replace ${which}`} onClick={() => replace(order)}>
            Replace
          </button>
          {!order.list_id && (
            <button type="button" class="small" aria-label={`Cancel ${which}`} onClick={() => void cancel(order)}>
              Cancel
            </button>
          )}
        </span>
      </td>
    </tr>
  );
}
