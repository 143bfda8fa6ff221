// The library `binance` for Node.js, over REST. The client is made by the lines of docs/bots.md.

import { end, passed, refused } from "./report.mjs";

const { client } = await import(process.argv[2]);
const symbol = "ETHUSDT";
const ask = (call, parameters, right) => passed(call, () => client[call](parameters), right);

for (const call of ["testConnectivity", "get24hrChangeStatistics", "getSymbolPriceTicker", "getBalances"]) await ask(call);
for (const call of ["getSystemStatus", "getApiKeyPermissions", "getOpenOrders"]) await ask(call);
for (const call of [
  ...["getExchangeInfo", "getOrderBook", "getRecentTrades", "getHistoricalTrades", "getAggregateTrades", "getAvgPrice"],
  ...["getSymbolOrderBookTicker", "getAllOrders", "getAccountTradeList"],
])
  await ask(call, { symbol });
await ask("getKlines", { symbol, interval: "1h" }, (rows) => rows.length > 0);
await ask("getAccountInformation", { omitZeroBalances: true }, (account) => account.canTrade);

const price = (Number((await client.getAvgPrice({ symbol })).price) * 0.8).toFixed(2);
const terms = { symbol, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: 0.1, price };
await ask("testNewOrder", terms);
const order = await ask("submitNewOrder", { ...terms, newOrderRespType: "FULL" }, (made) => made.status === "NEW");
const orderId = order?.orderId;
await ask("getOrder", { symbol, orderId }, (found) => found.status === "NEW");
await ask("replaceOrder", { ...terms, cancelReplaceMode: "STOP_ON_FAILURE", cancelOrderId: orderId });
await ask("cancelAllSymbolOrders", { symbol }, (orders) => orders.length >= 1);
await refused("cancelOrder that is not open", "-2011", () => client.cancelOrder({ symbol, orderId }));
await passed(
  "submitNewOrder at the market",
  () => client.submitNewOrder({ symbol, side: "SELL", type: "MARKET", quantity: 0.1 }),
  (made) => made.status === "FILLED",
);
end();
