import { signal } from "@preact/signals";
import { interval, INTERVALS } from "../state/settings";
import { Candles } from "./Candles";
import { DepthChart } from "./DepthChart";
import { Tabs } from "./Tabs";

type Chart = "candles" | "depth";
const chart = signal<Chart>("candles");

function Intervals() {
  return (
    <div class="intervals" role="group" aria-label="Interval of a candle">
      {INTERVALS.map((name) => (
        <button key={name} type="button" aria-pressed={interval.value === name} onClick={() => (interval.value = name)}>
          {name}
        </button>
      ))}
    </div>
  );
}

export function ChartPanel() {
  return (
    <section class="panel chart" aria-label="Chart">
      <Tabs
        label="Charts"
        names={[
          ["candles", "Chart"],
          ["depth", "Depth"],
        ]}
        chosen={chart.value}
        choose={(name) => (chart.value = name)}
        beside={chart.value === "candles" && <Intervals />}
      >
        {chart.value === "candles" ? <Candles /> : <DepthChart />}
      </Tabs>
    </section>
  );
}
