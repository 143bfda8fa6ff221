import type { Order } from "../api/types";
import { status } from "../model/words";
import { accountError, openOrders } from "../state/account";
import { beginAmending } from "../state/amending";
import { cancel } from "../state/trading";
import { Executed, pair, Price, Time, What } from "./cells";
import { Table } from "./Table";

const ROWS_MAX = 200;

export function OpenOrders() {
  const orders = openOrders.value;
  return (
    <Table
      cards
      names={["Time", "Order", "Price", "Executed", ""]}
      empty={orders.length > 0 ? null : (accountError.value ?? "No open orders.")}
    >
      {orders.slice(0, ROWS_MAX).map((order) => (
        <Row key={order.order_id} order={order} />
      ))}
      {orders.length > ROWS_MAX && (
        <tr>
          <td colSpan={5}>and {orders.length - ROWS_MAX} more</td>
        </tr>
      )}
    </Table>
  );
}

function Row({ order }: { order: Order }) {
  const which = `${order.side} ${order.quantity} ${pair(order.market)} at ${order.price ?? "market"}`;
  return (
    <tr data-order={order.order_id}>
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
          <button type="button" class="small" aria-label={`Cancel ${which}`} onClick={() => void cancel(order)}>
            Cancel
          </button>
        </span>
      </td>
    </tr>
  );
}
