import { clock, grouped } from "../model/format";
import { priceDecimals, quantityDecimals } from "../model/preview";
import { market } from "../state/exchange";
import { tape } from "../state/market";

export function Tape() {
  const rules = market.value;
  return (
    <section class="panel tape" aria-label="Trades">
      <div class="head">
        <h2>Trades</h2>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Recent trades">
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Price</th>
              <th scope="col">Quantity</th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>
            {rules !== null &&
              tape.value.map((trade) => (
                <tr key={trade.trade_id}>
                  <td class={trade.taker_side === "buy" ? "up" : "down"}>
                    <span class="sr-only">{trade.taker_side === "buy" ? "bought at " : "sold at "}</span>
                    {grouped(trade.price, priceDecimals(rules))}
                  </td>
                  <td>{grouped(trade.quantity, quantityDecimals(rules))}</td>
                  <td class="soft">{clock(trade.timestamp)}</td>
                </tr>
              ))}
          </tbody>
        </table>
        {tape.value.length === 0 && <p class="empty">No trades yet.</p>}
      </div>
    </section>
  );
}
