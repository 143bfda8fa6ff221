import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Market } from "../api/types";
import type { Level } from "../model/book";
import { short } from "../model/format";
import { priceDecimals, quantityDecimals } from "../model/preview";
import { market } from "../state/exchange";
import { book, bookFrame } from "../state/market";
import { color, colors } from "../state/settings";

const EVERY_MS = 100;
const AXIS_PX = 20;
const SPAN = 0.02; // how far from the middle it looks, at most, as a share of the price

interface Point {
  price: number;
  sum: number;
}

/** The running sum of one side, best first, in floats: for pixels only. */
function points(levels: readonly Level[], scale: number, within: (price: number) => boolean): Point[] {
  const found: Point[] = [];
  let sum = 0;
  for (const level of levels) {
    const price = Number(level.price);
    if (!within(price)) break;
    sum += Number(level.units) / scale;
    found.push({ price, sum });
  }
  return found;
}

interface Scene {
  bids: Point[];
  asks: Point[];
  low: number;
  high: number;
  top: number;
}

function sceneOf(rules: Market): Scene | null {
  const held = book.peek();
  const bid = held?.bids[0];
  const ask = held?.asks[0];
  if (held === null || bid === undefined || ask === undefined) return null;
  const scale = 10 ** quantityDecimals(rules);
  const middle = (Number(bid.price) + Number(ask.price)) / 2;
  const bids = points(held.bids, scale, (price) => price >= middle * (1 - SPAN));
  const asks = points(held.asks, scale, (price) => price <= middle * (1 + SPAN));
  if (bids.length === 0 || asks.length === 0) return null;
  const reach = 1.05 * Math.max(middle - bids.at(-1)!.price, asks.at(-1)!.price - middle);
  return { bids, asks, low: middle - reach, high: middle + reach, top: 1.1 * Math.max(bids.at(-1)!.sum, asks.at(-1)!.sum) };
}

/** The nearest of 1, 2, 5, 10, … that is not smaller. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([1, 2, 5].find((digit) => digit * power >= size) ?? 10);
}

class Drawing {
  private readonly context: CanvasRenderingContext2D;
  private readonly ratio = window.devicePixelRatio || 1;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly width: number,
    private readonly height: number,
  ) {
    canvas.width = Math.round(width * this.ratio);
    canvas.height = Math.round(height * this.ratio);
    this.context = canvas.getContext("2d")!;
    this.context.scale(this.ratio, this.ratio);
    this.context.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  }

  private get floor(): number {
    return this.height - AXIS_PX;
  }

  draw(scene: Scene, rules: Market, pointer: number | null): void {
    const x = (price: number): number => ((price - scene.low) / (scene.high - scene.low)) * this.width;
    const y = (sum: number): number => this.floor * (1 - sum / scene.top);
    this.axes(scene, rules, x, y);
    this.side(scene.bids, 0, x, y, "up");
    this.side(scene.asks, this.width, x, y, "down");
    if (pointer !== null) this.pointer(scene, rules, pointer, x, y);
  }

  private axes(scene: Scene, rules: Market, x: (price: number) => number, y: (sum: number) => number): void {
    const { context } = this;
    context.strokeStyle = color("grid");
    context.fillStyle = color("soft");
    context.textAlign = "center";
    for (let part = 1; part < 6; part++) {
      const price = scene.low + ((scene.high - scene.low) * part) / 6;
      this.line(x(price), 0, x(price), this.floor);
      context.fillText(price.toFixed(priceDecimals(rules)), x(price), this.height - 6);
    }
    context.textAlign = "right";
    const step = roundStep(scene.top / 4);
    for (let sum = step; sum < scene.top * 0.97; sum += step) {
      this.line(0, y(sum), this.width, y(sum));
      context.fillText(short(String(sum)), this.width - 6, y(sum) - 4);
    }
  }

  private line(fromX: number, fromY: number, toX: number, toY: number): void {
    this.context.beginPath();
    this.context.moveTo(Math.round(fromX) + 0.5, Math.round(fromY) + 0.5);
    this.context.lineTo(Math.round(toX) + 0.5, Math.round(toY) + 0.5);
    this.context.stroke();
  }

  private side(side: Point[], edge: number, x: (price: number) => number, y: (sum: number) => number, tone: string): void {
    const { context } = this;
    const outline = new Path2D();
    outline.moveTo(x(side[0]!.price), this.floor);
    let level = this.floor;
    for (const point of side) {
      outline.lineTo(x(point.price), level);
      level = y(point.sum);
      outline.lineTo(x(point.price), level);
    }
    outline.lineTo(edge, level);
    const area = new Path2D(outline);
    area.lineTo(edge, this.floor);
    context.fillStyle = color(`${tone}-soft`);
    context.fill(area);
    context.strokeStyle = color(`${tone}-fill`);
    context.lineWidth = 1.5;
    context.stroke(outline);
    context.lineWidth = 1;
  }

  private pointer(scene: Scene, rules: Market, at: number, x: (price: number) => number, y: (sum: number) => number): void {
    const bids = at < this.width / 2;
    const side = bids ? scene.bids : scene.asks;
    const price = scene.low + (at / this.width) * (scene.high - scene.low);
    const found = side.filter((point) => (bids ? point.price >= price : point.price <= price)).at(-1);
    if (found === undefined) return;
    const { context } = this;
    context.strokeStyle = context.fillStyle = color("text");
    this.line(x(found.price), y(found.sum), x(found.price), this.floor);
    context.beginPath();
    context.arc(x(found.price), y(found.sum), 3.5, 0, 2 * Math.PI);
    context.fill();
    context.textAlign = bids ? "left" : "right";
    const text = `${short(String(found.sum))} ${rules.base} to ${found.price.toFixed(priceDecimals(rules))}`;
    context.fillText(text, x(found.price) + (bids ? 8 : -8), Math.max(14, y(found.sum) - 8));
  }
}

/** How much could be traded at once, by how far the price would move. */
export function DepthChart() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const empty = useSignal(false);
  const pointer = useRef<number | null>(null);
  const last = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);

  const draw = (): void => {
    const rules = market.peek();
    const { current } = canvas;
    if (rules === null || current === null) return;
    last.current = performance.now();
    const { width, height } = current.parentElement!.getBoundingClientRect();
    const scene = sceneOf(rules);
    empty.value = scene === null;
    const drawing = new Drawing(current, width, height);
    if (scene !== null) drawing.draw(scene, rules, pointer.current);
  };

  /** Ten times a second is smooth enough for a shape. */
  const soon = (): void => {
    timer.current ??= setTimeout(
      () => {
        timer.current = null;
        draw();
      },
      Math.max(0, EVERY_MS - (performance.now() - last.current)),
    );
  };

  useSignalEffect(() => {
    bookFrame.value;
    colors.value;
    market.value;
    soon();
  });

  useEffect(() => {
    const observer = new ResizeObserver(draw);
    observer.observe(canvas.current!.parentElement!);
    return () => {
      observer.disconnect();
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, []);

  return (
    <div class="chart-box">
      <div class="canvas-box">
        <canvas
          ref={canvas}
          class="depth-canvas"
          role="img"
          aria-label="Depth chart: the sum of bids and asks by price; the order book has the figures"
          onPointerMove={(event) => {
            pointer.current = event.offsetX;
            draw();
          }}
          onPointerLeave={() => {
            pointer.current = null;
            draw();
          }}
        />
      </div>
      {empty.value && <p class="empty over">No depth to show: one side of the book is empty.</p>}
    </div>
  );
}
