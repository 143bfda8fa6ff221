// What the calls of a client came to, a line each: report.py for Node.js.

const lines = [];

export async function passed(call, ask, right = () => true) {
  try {
    const answer = await ask();
    const fine = right(answer);
    lines.push({ call, result: fine ? "passed" : "failed", note: fine ? "" : shown(answer) });
    return answer;
  } catch (error) {
    lines.push({ call, result: "failed", note: shown(error.body ?? error.message ?? error) });
    return undefined;
  }
}

export async function refused(call, kind, ask) {
  try {
    lines.push({ call, result: "failed", note: `it was not refused: ${shown(await ask())}` });
  } catch (error) {
    const found = shown(error.body ?? error.message ?? error);
    const fits = found.includes(kind);
    lines.push({ call, result: fits ? "passed" : "failed", note: fits ? `refused: ${kind}` : found });
  }
}

export function end() {
  process.stdout.write(JSON.stringify(lines));
  process.exitCode = lines.some((line) => line.result === "failed") ? 1 : 0;
}

function shown(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}` : one));
  return `${text}`.slice(0, 300);
}
