// The candles of one market and interval: history by pages, and the running candle as it changes.

import { get } from "../api/rest";
import type { Candle } from "../api/types";
import { joinCandles } from "../model/series";
import { socket } from "./exchange";
import { onFrame } from "./frame";

const PAGE = 500;
const KEPT_MAX = 5_000;

export interface CandleView {
  /** All candles, oldest first: draw them anew. `older` says how many were put before those shown so far. */
  replace(candles: readonly Candle[], older: number): void;
  /** The newest candle, changed or new. */
  update(candle: Candle): void;
}

export class CandleFeed {
  private candles: Candle[] = [];
  private reading = false;
  private whole = false; // there is nothing older, or we keep no more
  private ended = false;
  private failed = false;
  private begun = false; // the newest page is there; until then what comes is held and not drawn
  private latest: Candle | null = null;
  private readonly end: () => void;

  constructor(
    private readonly market: string,
    private readonly interval: string,
    private readonly view: CandleView,
  ) {
    this.end = socket.subscribe(`candle_${interval}@${market}`, {
      event: (frame) => this.take(frame.data as Candle),
      gap: (reason) => {
        if (reason === "reset") this.candles = []; // another database
        void this.begin();
      },
      lost: () => undefined,
    });
    void this.begin();
  }

  stop(): void {
    this.ended = true;
    this.end();
  }

  /** The reader has come to the oldest candle there is. */
  async readOlder(): Promise<void> {
    const oldest = this.candles[0];
    if (!this.begun || this.reading || this.whole || oldest === undefined) return;
    this.reading = true;
    try {
      const older = await this.page({ end: String(oldest.open_at) });
      if (this.candles[0] !== oldest) return; // the newest page was read anew meanwhile
      this.whole = older.length < PAGE || this.candles.length + older.length > KEPT_MAX;
      if (this.ended || older.length === 0) return;
      this.candles = [...older, ...this.candles];
      this.view.replace(this.candles, older.length);
    } catch {
      // Asked again when the reader moves on.
    } finally {
      this.reading = false;
    }
  }

  /** Read the newest page; also after a gap. */
  private async begin(): Promise<void> {
    try {
      const candles = await this.page({});
      if (this.ended) return;
      this.candles = joinCandles(candles, this.candles);
      this.whole = candles.length < PAGE;
      this.failed = false;
      this.begun = true;
      this.view.replace(this.candles, 0);
    } catch {
      this.failed = true; // the next candle that comes asks again
    }
  }

  private async page(query: Record<string, string>): Promise<Candle[]> {
    const whole = { market: this.market, interval: this.interval, limit: String(PAGE), ...query };
    return (await get<{ candles: Candle[] }>("/candles", whole)).candles;
  }

  private take(candle: Candle): void {
    if (this.failed) void this.begin();
    const last = this.candles.at(-1);
    if (last !== undefined && candle.open_at < last.open_at) return;
    if (last !== undefined && candle.open_at === last.open_at) this.candles[this.candles.length - 1] = candle;
    else {
      this.candles.push(candle);
      if (this.candles.length > KEPT_MAX + PAGE) this.candles.shift();
    }
    this.latest = candle;
    onFrame(this.show);
  }

  private readonly show = (): void => {
    if (!this.ended && this.begun && this.latest !== null) this.view.update(this.latest);
  };
}
