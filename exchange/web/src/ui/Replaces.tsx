import { typeName } from "../model/conditions";
import { isOpen, replaced, replaceNext } from "../state/replacing";

/** Above the form: which open order the next one replaces. */
export function Replaces() {
  const order = replaced.value;
  if (order === null) return null;
  return (
    <div class="replaces" role="group" aria-label="Replacement">
      <p aria-live="polite">
        <b>Replaces order {order.order_id}</b>{" "}
        <span class="soft">
          {typeName(order.order_type)} to {order.side}
          {order.list_id !== null && isOpen.value && ", with its whole list"}
          {!isOpen.value && ", which has ended"}
        </span>
      </p>
      <button type="button" class="small" onClick={() => replaceNext(null)}>
        Do not replace
      </button>
    </div>
  );
}
