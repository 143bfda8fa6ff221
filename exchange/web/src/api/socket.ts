// One socket to the exchange that stays: channels, and requests with many in flight. A lost connection is made again, and
// its channels with it. A request ends with its answer, ApiError or Unreachable; it is never sent twice.

import { Channel, type Listener } from "./channel";
import type { Identity } from "./identity";
import { ApiError, type EventFrame, Unreachable } from "./types";

export type Connection = "connecting" | "open" | "lost";

interface Waiting {
  resolve(data: unknown): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
const ANSWER_MS = 15_000;
const PING_MS = 10_000;
const FIRST_PING_MS = 1_500; // the page has drawn itself by then, which would count too
const KEY_REFUSED = new Set(["UNAUTHENTICATED", "FORBIDDEN"]);
const BUSY = new Set(["OVERLOADED", "RATE_LIMITED", "NOT_READY", "OUTCOME_UNKNOWN"]);

export class Socket {
  private socket: WebSocket | null = null;
  private readonly channels = new Map<string, Channel>();
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private waitMs = FIRST_WAIT_MS;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private pings: ReturnType<typeof setInterval> | null = null;
  private ready = false; // connected, and signed in where there is a key
  /** The exchange does not take the key of the identity any more. */
  onRefused: (error: ApiError) => void = () => undefined;

  /** `onState` hears of every change of the connection, `onPing` how long an answer takes that waits for nothing. */
  constructor(
    private readonly url: string,
    private identity: Identity,
    private readonly onState: (state: Connection) => void,
    private readonly onPing: (milliseconds: number) => void,
  ) {
    window.addEventListener("online", () => this.connectNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.connectNow());
  }

  /** Connect, and stay connected. */
  start(): void {
    this.connect();
  }

  /** Requests from now on are this identity's. Its channels are subscribed by whoever shows them. */
  identify(identity: Identity): void {
    this.identity = identity;
  }

  /** Listen to a channel; the result ends that. A channel has one listener. */
  subscribe(name: string, listener: Listener): () => void {
    const channel = new Channel(name, listener);
    this.channels.set(name, channel);
    if (this.ready) this.begin(channel);
    return () => {
      if (this.channels.get(name) !== channel) return;
      this.channels.delete(name);
      if (this.ready) this.request("UNSUBSCRIBE", { channel: name }).catch(() => undefined);
    };
  }

  /** Subscribe to a channel once more: something of it was missing. */
  again(name: string): void {
    const channel = this.channels.get(name);
    if (channel !== undefined && this.ready) this.begin(channel);
  }

  /** Any message of the API; `data` of its RESULT. Raises ApiError, or Unreachable when no answer came. */
  request<Data>(messageType: string, fields: Record<string, unknown> = {}): Promise<Data> {
    const { socket } = this;
    if (socket === null || socket.readyState !== WebSocket.OPEN)
      return Promise.reject(new Unreachable("There is no connection to the exchange now."));
    const id = ++this.lastId;
    return new Promise<Data>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Unreachable("The exchange did not answer in time."));
      }, ANSWER_MS);
      this.waiting.set(id, { resolve: (data) => resolve(data as Data), reject, timer });
      socket.send(JSON.stringify({ message_type: messageType, id, ...fields }));
    });
  }

  /** As `request`, in the name of who is signed in. */
  command<Data>(messageType: string, fields: Record<string, unknown> = {}): Promise<Data> {
    return this.request<Data>(messageType, { ...this.identity.fields(), ...fields });
  }

  /** Sign in on this connection and, if the exchange takes the key, on the next ones. Raises ApiError or Unreachable. */
  async signIn<Data>(identity: Identity): Promise<Data> {
    const data = await this.authenticate<Data>(identity);
    this.identity = identity;
    return data;
  }

  /** Be somebody else from the next connection on, and make that now: a connection cannot be signed out. */
  leave(identity: Identity): void {
    this.identity = identity;
    this.socket?.close();
  }

  /** Raises ApiError or Unreachable. */
  private async authenticate<Data>(identity: Identity): Promise<Data> {
    const send = async (): Promise<Data> => this.request<Data>("AUTH", (await identity.authenticate()) ?? {});
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || !(await identity.again(error.code))) throw error;
      return send();
    }
  }

  private connectNow(): void {
    if (this.retry === null) return;
    clearTimeout(this.retry);
    this.connect();
  }

  private connect(): void {
    this.retry = null;
    this.onState("connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => void this.opened(socket);
    socket.onmessage = (message) => this.take(JSON.parse(message.data as string) as Record<string, unknown>);
    socket.onclose = () => this.closed(socket);
  }

  private async opened(socket: WebSocket): Promise<void> {
    const { identity } = this;
    if (identity.signs) {
      try {
        await this.authenticate(identity);
      } catch (error) {
        if (error instanceof ApiError && KEY_REFUSED.has(error.code)) this.onRefused(error);
        socket.close();
        return;
      }
    }
    if (this.socket !== socket) return;
    this.ready = true;
    this.waitMs = FIRST_WAIT_MS;
    this.onState("open");
    for (const channel of this.channels.values()) this.begin(channel);
    this.pings = setInterval(() => this.ping(socket), PING_MS);
    setTimeout(() => this.ping(socket), FIRST_PING_MS);
  }

  private ping(socket: WebSocket): void {
    if (this.socket !== socket) return;
    const begun = performance.now();
    this.request("PING").then(
      () => this.onPing(performance.now() - begun),
      (error: unknown) => error instanceof Unreachable && socket.close(),
    );
  }

  private closed(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.socket = null;
    this.ready = false;
    if (this.pings !== null) clearInterval(this.pings);
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Unreachable("The connection was lost before the answer came."));
    }
    this.waiting.clear();
    for (const channel of this.channels.values()) channel.listener.lost?.();
    this.onState("lost");
    // Not all at once, where many have lost the same exchange.
    this.retry = setTimeout(() => this.connect(), this.waitMs * (0.5 + Math.random() / 2));
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
  }

  private begin(channel: Channel): void {
    const { socket } = this;
    this.request("SUBSCRIBE", { channel: channel.name }).catch((error: unknown) => {
      if (this.channels.get(channel.name) !== channel) return;
      if (error instanceof ApiError && !BUSY.has(error.code)) {
        this.channels.delete(channel.name);
        channel.listener.refused?.(error);
      } else if (this.socket === socket) socket?.close(); // the next connection subscribes again
    });
  }

  private take(message: Record<string, unknown>): void {
    const kind = message["message_type"];
    if (kind === undefined) {
      const frame = message as unknown as EventFrame;
      this.channels.get(frame.channel)?.event(frame);
      return;
    }
    if (kind === "SUBSCRIBED") this.channels.get(message["channel"] as string)?.greet(message["channel_sequence"] as number);
    const waiting = this.waiting.get(message["id"] as number);
    if (waiting === undefined) return;
    this.waiting.delete(message["id"] as number);
    clearTimeout(waiting.timer);
    if (kind === "ERROR") waiting.reject(new ApiError(String(message["code"]), String(message["message"] ?? "")));
    else waiting.resolve(message["data"] ?? message);
  }
}
