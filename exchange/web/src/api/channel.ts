// One channel as it arrives: counted, so that nothing can be missing unnoticed (as exchange/client/channel.py does).

import type { ApiError, EventFrame } from "./types";

/** Why events are missing: they passed while the connection was away, were lost under way, or the exchange counts anew. */
export type GapReason = "reconnected" | "lost" | "reset";

export interface Listener {
  event(frame: EventFrame): void;
  /** Events did not arrive. After `reconnected` and `reset` a channel that has a state sends it next. */
  gap?(reason: GapReason): void;
  /** The connection is gone; another is being made. */
  lost?(): void;
  /** The exchange refuses the channel. */
  refused?(error: ApiError): void;
}

export class Channel {
  private last: number | null = null;
  private begins = false; // the next event may be the state that the channel begins with

  constructor(
    readonly name: string,
    readonly listener: Listener,
  ) {}

  /** It is subscribed, and has counted so far. */
  greet(count: number): void {
    const last = this.last;
    this.last = count;
    this.begins = true;
    if (last !== null && count > last) this.listener.gap?.("reconnected");
    else if (last !== null && count < last) this.listener.gap?.("reset");
  }

  event(frame: EventFrame): void {
    const { last, begins } = this;
    this.begins = false;
    const count = frame.channel_sequence;
    if (last !== null && !(begins && count === last)) {
      if (count <= last) return; // older than what is known already
      if ((frame.first_channel_sequence ?? count) > last + 1) this.listener.gap?.("lost");
    }
    this.last = count;
    this.listener.event(frame);
  }
}
