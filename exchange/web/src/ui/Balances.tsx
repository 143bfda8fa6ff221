import { whole } from "../model/format";
import { accountError, balances } from "../state/account";

export function Balances() {
  const rows = [...balances.value.values()];
  return (
    <section class="panel balances" aria-label="Balances">
      <div class="head">
        <h2>Balances</h2>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Balances by asset">
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Asset</th>
              <th scope="col">Available</th>
              <th scope="col">In orders</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((balance) => (
              <tr key={balance.asset}>
                <th scope="row">{balance.asset}</th>
                <td>{whole(balance.available)}</td>
                <td class={balance.locked === "0" ? "soft" : ""}>{whole(balance.locked)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p class="empty">{accountError.value ?? "No balances yet."}</p>}
      </div>
    </section>
  );
}
