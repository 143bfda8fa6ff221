// @binance/spot, Binance's own library for Node.js, over REST. The client is made by the lines of docs/bots.md.

import { end, passed, refused } from "./report.mjs";

const { client } = await import(process.argv[2]);
const symbol = "SOLUSDT";
const ask = (call, parameters, right) => passed(call, async () => (await client[call](parameters)).data(), right);

for (const call of ["ping", "time", "exchangeInfo", "tickerPrice", "getAccount", "rateLimitOrder"]) await ask(call);
for (const call of [
  ...["depth", "getTrades", "historicalTrades", "aggTrades", "avgPrice", "ticker24hr", "tickerTradingDay", "ticker"],
  ...["tickerBookTicker", "allOrders", "myTrades", "myAllocations", "accountCommission", "myFilters"],
])
  await ask(call, { symbol });
for (const call of ["klines", "uiKlines"]) await ask(call, { symbol, interval: "1m" }, (rows) => rows.length > 0);

const price = Math.round(Number((await (await client.avgPrice({ symbol })).data()).price) * 80) / 100;
const terms = { symbol, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: 1, price };
await ask("orderTest", terms);
const order = await ask("newOrder", terms, (made) => made.status === "NEW");
const orderId = order?.orderId;
await ask("getOrder", { symbol, orderId }, (found) => found.status === "NEW");
await ask("getOpenOrders", { symbol }, (orders) => orders.length === 1);
await ask("myPreventedMatches", { symbol, orderId });
await ask("orderCancelReplace", { ...terms, cancelReplaceMode: "STOP_ON_FAILURE", cancelOrderId: orderId });
await ask("deleteOpenOrders", { symbol }, (orders) => orders.length === 1);
await refused("deleteOrder that is not open", "Unknown order sent", () => client.deleteOrder({ symbol, orderId }));
end();
