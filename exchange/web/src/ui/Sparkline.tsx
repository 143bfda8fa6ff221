const WIDTH = 56;
const HEIGHT = 22;

/** A price's course as a line; the figures beside it say the same. */
export function Sparkline({ closes, tone }: { closes: readonly number[]; tone: "up" | "down" | "flat" }) {
  if (closes.length < 2) return <svg class="spark" width={WIDTH} height={HEIGHT} aria-hidden="true" />;
  const low = Math.min(...closes);
  const range = Math.max(...closes) - low || 1;
  const points = closes.map((close, index) => {
    const x = (index / (closes.length - 1)) * (WIDTH - 2) + 1;
    const y = HEIGHT - 2 - ((close - low) / range) * (HEIGHT - 4);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join("L")}`;
  return (
    <svg class={`spark ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <path class="spark-area" d={`${line}L${WIDTH - 1} ${HEIGHT}L1 ${HEIGHT}Z`} />
      <path class="spark-line" d={line} />
    </svg>
  );
}
