import { useSignal, useSignalEffect } from "@preact/signals";
import {
  CandlestickSeries,
  createChart,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef } from "preact/hooks";
import type { Candle, Market, Order, Side } from "../api/types";
import { grouped, short } from "../model/format";
import { priceDecimals } from "../model/preview";
import { openOrders } from "../state/account";
import { CandleFeed } from "../state/candles";
import { market } from "../state/exchange";
import { color, colors, interval } from "../state/settings";

// The chart's own clock is UTC; shifted, so that its axis shows the reader's.
const local = (milliseconds: number): UTCTimestamp =>
  (Math.floor(milliseconds / 1000) - new Date(milliseconds).getTimezoneOffset() * 60) as UTCTimestamp;

interface Parts {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
}

function make(root: HTMLElement): Parts {
  const chart = createChart(root, {
    autoSize: true,
    // It would add a style element, which the page's Content-Security-Policy forbids; the notice is under the chart.
    layout: { attributionLogo: false, fontFamily: getComputedStyle(root).fontFamily, fontSize: 11 },
    timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4, borderVisible: false, barSpacing: 8 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
  });
  const candles = chart.addSeries(CandlestickSeries, { borderVisible: false });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume",
    priceFormat: { type: "volume" },
    lastValueVisible: false,
    priceLineVisible: false,
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  return { chart, candles, volume };
}

function paint({ chart, candles }: Parts): void {
  const [text, line, up, down] = [color("soft"), color("grid"), color("up-fill"), color("down-fill")];
  chart.applyOptions({
    layout: { background: { color: color("panel") }, textColor: text },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    crosshair: {
      vertLine: { color: text, labelBackgroundColor: color("accent-fill") },
      horzLine: { color: text, labelBackgroundColor: color("accent-fill") },
    },
  });
  candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
}

const bar = (candle: Candle) => ({
  time: local(candle.open_at),
  open: Number(candle.open),
  high: Number(candle.high),
  low: Number(candle.low),
  close: Number(candle.close),
});

const LINES_MAX = 50;

interface OrderLine {
  price: string;
  side: Side;
  title: string;
  waits: boolean;
}

/** Where an open order stands, and where it triggers. */
function orderLines({ side, status, price, stop_price }: Order): OrderLine[] {
  const waits = status === "pending";
  const limit = price === null ? [] : [{ price, side, title: waits ? `${side} then` : side, waits }];
  const stop = stop_price === null || !waits ? [] : [{ price: stop_price, side, title: `${side} trigger`, waits }];
  return [...stop, ...limit];
}

/** The candles of the chosen market and interval, with the user's open orders as lines. */
export function Candles() {
  const root = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts | null>(null);
  const lines = useRef<IPriceLine[]>([]);
  const shown = useSignal<Candle | null>(null);
  const empty = useSignal(false);
  const hovered = useRef(false);
  const byTime = useRef(new Map<number, Candle>());

  useEffect(() => {
    const made = make(root.current!);
    parts.current = made;
    paint(made);
    return () => {
      parts.current = null;
      made.chart.remove();
    };
  }, []);

  useSignalEffect(() => {
    colors.value;
    if (parts.current !== null) paint(parts.current);
  });

  useSignalEffect(() => {
    const rules = market.value;
    const every = interval.value;
    const { current } = parts;
    if (rules === null || current === null) return undefined;
    return show(current, rules, every);
  });

  useSignalEffect(() => {
    const rules = market.value;
    const { current } = parts;
    if (current === null || rules === null) return;
    for (const line of lines.current) current.candles.removePriceLine(line);
    lines.current = openOrders.value
      .filter((order) => order.market === rules.market)
      .slice(0, LINES_MAX)
      .flatMap(orderLines)
      .map(({ price, side, title, waits }) =>
        current.candles.createPriceLine({
          price: Number(price),
          color: color(side === "buy" ? "up-fill" : "down-fill"),
          lineStyle: waits ? LineStyle.Dotted : LineStyle.Dashed,
          lineWidth: 1,
          title,
          axisLabelVisible: true,
        }),
      );
  });

  const show = ({ chart, candles, volume }: Parts, rules: Market, every: string): (() => void) => {
    const decimals = priceDecimals(rules);
    candles.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: Number(rules.tick_size) } });
    const [up, down] = [color("up-soft"), color("down-soft")];
    const column = (candle: Candle) => ({
      time: local(candle.open_at),
      value: Number(candle.volume),
      color: Number(candle.close) >= Number(candle.open) ? up : down,
    });
    const feed = new CandleFeed(rules.market, every, {
      replace(all, older) {
        const range = older > 0 ? chart.timeScale().getVisibleLogicalRange() : null;
        byTime.current = new Map(all.map((candle) => [local(candle.open_at), candle]));
        candles.setData(all.map(bar));
        volume.setData(all.map(column));
        if (range !== null) chart.timeScale().setVisibleLogicalRange({ from: range.from + older, to: range.to + older });
        else chart.timeScale().scrollToRealTime();
        empty.value = all.length === 0;
        if (!hovered.current) shown.value = all.at(-1) ?? null;
      },
      update(candle) {
        byTime.current.set(local(candle.open_at), candle);
        candles.update(bar(candle));
        volume.update(column(candle));
        empty.value = false;
        if (!hovered.current) shown.value = candle;
      },
    });
    const scrolled = (range: { from: number } | null): void => {
      if (range !== null && range.from < 20) void feed.readOlder();
    };
    const moved = ({ time }: { time?: unknown }): void => {
      hovered.current = time !== undefined;
      const at = hovered.current ? byTime.current.get(time as number) : [...byTime.current.values()].at(-1);
      shown.value = at ?? null;
    };
    chart.timeScale().subscribeVisibleLogicalRangeChange(scrolled);
    chart.subscribeCrosshairMove(moved);
    return () => {
      chart.timeScale().unsubscribeVisibleLogicalRangeChange(scrolled);
      chart.unsubscribeCrosshairMove(moved);
      feed.stop();
      candles.setData([]);
      volume.setData([]);
      byTime.current.clear();
    };
  };

  const rules = market.value;
  const candle = shown.value;
  return (
    <div class="chart-box">
      <p class="legend">
        {rules && candle && <Legend candle={candle} rules={rules} />}
      </p>
      <div class="canvas-box" ref={root} role="img" aria-label={`Candlestick chart of ${rules?.market ?? ""}`} />
      {empty.value && <p class="empty over">No trades yet: the chart begins with the first.</p>}
      <p class="attribution">
        Charts by{" "}
        <a href="https://www.tradingview.com/" rel="noreferrer">
          TradingView Lightweight Charts™
        </a>{" "}
        · <a href="/static/LICENSES.txt">licenses</a>
      </p>
    </div>
  );
}

function Legend({ candle, rules }: { candle: Candle; rules: Market }) {
  const tone = Number(candle.close) >= Number(candle.open) ? "up" : "down";
  const figures: [string, string][] = [
    ["O", candle.open],
    ["H", candle.high],
    ["L", candle.low],
    ["C", candle.close],
  ];
  return (
    <>
      {figures.map(([name, value]) => (
        <span key={name}>
          {name} <b class={tone}>{grouped(value, priceDecimals(rules))}</b>
        </span>
      ))}
      <span>
        Vol <b>{short(candle.volume)}</b> {rules.base}
      </span>
    </>
  );
}
