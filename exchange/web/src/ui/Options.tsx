import type { Market } from "../api/types";
import { SELF_TRADE_MODES } from "../model/orderTypes";
import { REPLACE_MODES } from "../model/replace";
import {
  chooseTime,
  endAt,
  expireAt,
  expiryTime,
  fields,
  postOnly,
  postOnlyTimes,
  selfTrade,
  timeInForce,
  times,
  type,
} from "../state/form";
import { replaced, replaceMode } from "../state/replacing";
import { Select } from "./Choices";
import { NumberField } from "./Fields";

const HOUR_MS = 3_600_000;
const SPANS: [string, number][] = [
  ["1 hour", HOUR_MS],
  ["1 day", 24 * HOUR_MS],
  ["1 week", 168 * HOUR_MS],
];

const endIn = (milliseconds: number): void => endAt(Date.now() + milliseconds);

function TimeField() {
  const time = expiryTime();
  const wrong = time === null ? "Say when the order ends." : time <= Date.now() ? "This time is over." : null;
  return (
    <div class="field">
      <label for="order-expires">Ends</label>
      <input
        id="order-expires"
        type="datetime-local"
        value={expireAt.value}
        aria-invalid={wrong !== null}
        aria-describedby={wrong === null ? undefined : "order-expires-hint"}
        onInput={(event) => (expireAt.value = event.currentTarget.value)}
      />
      <div class="quick" role="group" aria-label="Ends in">
        {SPANS.map(([label, milliseconds]) => (
          <button key={label} type="button" onClick={() => endIn(milliseconds)}>
            {label}
          </button>
        ))}
      </div>
      {wrong !== null && (
        <p class="hint" id="order-expires-hint">
          {wrong}
        </p>
      )}
    </div>
  );
}

/** How long the order lives, and whether it may take. */
export function Options() {
  const timesInForce = times.value;
  const postOnlyWith = postOnlyTimes.value;
  const chosen = timesInForce.find((one) => one.value === timeInForce.value) ?? timesInForce[0]!;
  const choose = (value: string): void => {
    chooseTime(value);
    if (value === "gtd" && expireAt.peek() === "") endIn(24 * HOUR_MS);
  };
  return (
    <>
      <div class="pair">
        {timesInForce.length > 1 && (
          <Select
            name="order-tif"
            label="Time in force"
            chosen={chosen.value}
            choices={timesInForce}
            choose={choose}
            title={chosen.hint}
          />
        )}
        {postOnlyWith.length > 0 && (
          <label class="check" title="The exchange refuses the order rather than let it trade at once.">
            <input
              type="checkbox"
              checked={postOnly.value && postOnlyWith.includes(timeInForce.value)}
              disabled={!postOnlyWith.includes(timeInForce.value)}
              onChange={(event) => (postOnly.value = event.currentTarget.checked)}
            />
            Post-only
          </label>
        )}
      </div>
      {timesInForce.length > 1 && timeInForce.value === "gtd" && <TimeField />}
    </>
  );
}

/** What few orders need, folded away. */
export function MoreOptions({ rules }: { rules: Market }) {
  const iceberg = type.value.icebergWith.includes(timeInForce.value);
  const modes = SELF_TRADE_MODES.filter((mode) => rules.allowed_self_trade_prevention.includes(mode.value));
  const own = SELF_TRADE_MODES.find((mode) => mode.value === rules.self_trade_prevention)?.label ?? rules.self_trade_prevention;
  const replaces = replaced.value !== null;
  const used =
    (iceberg && fields.value.visible.trim() !== "") || selfTrade.value !== "" || (replaces && replaceMode.value !== "atomic");
  return (
    <details class="more">
      <summary>
        {iceberg ? "Iceberg, self-trade prevention" : "Self-trade prevention"}
        {replaces && ", replacement"}
        {used && <span class="badge">set</span>}
      </summary>
      <div class="more-fields">
        {iceberg && <NumberField name="visible" required={false} rules={rules} />}
        <Select
          name="order-stp"
          label="If it meets your own order"
          chosen={selfTrade.value}
          choices={[{ value: "", label: `As the market: ${own.toLowerCase()}` }, ...modes]}
          choose={(value) => (selfTrade.value = value)}
          title={modes.find((mode) => mode.value === selfTrade.value)?.hint}
        />
        {replaces && (
          <Select
            name="order-replace-mode"
            label="If the cancel or the new order fails"
            chosen={replaceMode.value}
            choices={REPLACE_MODES}
            choose={(value) => (replaceMode.value = value)}
            title={REPLACE_MODES.find((mode) => mode.value === replaceMode.value)?.hint}
          />
        )}
      </div>
    </details>
  );
}
