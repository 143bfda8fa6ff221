// The exchange's clock, which signatures are judged by. The machine's own may be wrong.

import { Unreachable } from "./types";

export class Clock {
  private aheadMs = 0;

  /** `read` asks the exchange for its time in milliseconds. */
  constructor(private readonly read: () => Promise<number>) {}

  /** The exchange's time in milliseconds, as far as it is known. */
  now(): number {
    return Math.floor(Date.now() + this.aheadMs);
  }

  /** Ask for the time. Where there is no answer the difference stays what it was. */
  async set(): Promise<void> {
    const begun = Date.now();
    try {
      const time = await this.read();
      this.aheadMs = time - (begun + Date.now()) / 2;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
  }
}
