// The library github.com/adshao/go-binance for Go, over REST and over sockets. The client is made by the lines of
// docs/bots.md, which are in the function `pointed` of another file.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	binance "github.com/adshao/go-binance/v2"
)

const symbol = "ETHUSDT"
const patience = 30 * time.Second

type line struct {
	Call   string `json:"call"`
	Result string `json:"result"`
	Note   string `json:"note"`
}

var lines []line

// report adds a line: right says whether the answer is as it must be.
func report(call string, err error, right bool, answer any) {
	if err != nil {
		lines = append(lines, line{call, "failed", short(err.Error())})
	} else if !right {
		text, _ := json.Marshal(answer)
		lines = append(lines, line{call, "failed", short("an unexpected answer: " + string(text))})
	} else {
		lines = append(lines, line{call, "passed", ""})
	}
}

// refused adds a line for a call that Binance refuses as well.
func refused(call string, kind string, err error) {
	if err == nil {
		lines = append(lines, line{call, "failed", "it was not refused"})
	} else if strings.Contains(err.Error(), kind) {
		lines = append(lines, line{call, "passed", "refused: " + kind})
	} else {
		lines = append(lines, line{call, "failed", short(err.Error())})
	}
}

func short(text string) string {
	if len(text) > 300 {
		return text[:300]
	}
	return text
}

// heard waits for an event of a stream that is as it must be.
func heard(call string, done <-chan bool, err error, stop chan struct{}) {
	if err != nil {
		report(call, err, false, nil)
		return
	}
	select {
	case <-done:
		report(call, nil, true, nil)
	case <-time.After(patience):
		report(call, fmt.Errorf("nothing was heard"), false, nil)
	}
	close(stop)
}

// once makes a channel, and what tells it once.
func once() (chan bool, func(bool)) {
	channel := make(chan bool, 1)
	return channel, func(right bool) {
		if right {
			select {
			case channel <- true:
			default:
			}
		}
	}
}

func main() {
	client := pointed()
	ctx := context.Background()
	ofTheMarket(client, ctx)
	price := ofOrders(client, ctx)
	overSockets(client, ctx, price)
	text, _ := json.Marshal(lines)
	fmt.Print(string(text))
	for _, one := range lines {
		if one.Result == "failed" {
			os.Exit(1)
		}
	}
}

func ofTheMarket(client *binance.Client, ctx context.Context) {
	report("Ping", client.NewPingService().Do(ctx), true, nil)
	offset, err := client.NewSetServerTimeService().Do(ctx)
	report("SetServerTime", err, offset > -5000 && offset < 5000, offset)
	info, err := client.NewExchangeInfoService().Symbol(symbol).Do(ctx)
	report("ExchangeInfo", err, err == nil && info.Symbols[0].LotSizeFilter() != nil && info.Symbols[0].PriceFilter() != nil, info)
	depth, err := client.NewDepthService().Symbol(symbol).Limit(5).Do(ctx)
	report("Depth", err, err == nil && len(depth.Bids) > 0 && len(depth.Asks) > 0, depth)
	recent, err := client.NewRecentTradesService().Symbol(symbol).Do(ctx)
	report("RecentTrades", err, len(recent) > 0, recent)
	historical, err := client.NewHistoricalTradesService().Symbol(symbol).Limit(5).Do(ctx)
	report("HistoricalTrades", err, len(historical) > 0, historical)
	aggregates, err := client.NewAggTradesService().Symbol(symbol).Limit(5).Do(ctx)
	report("AggTrades", err, len(aggregates) > 0, aggregates)
	klines, err := client.NewKlinesService().Symbol(symbol).Interval("1m").Do(ctx)
	report("Klines", err, len(klines) > 0, klines)
	uiKlines, err := client.NewUiKlinesService().Symbol(symbol).Interval("1h").Do(ctx)
	report("UiKlines", err, len(uiKlines) > 0, uiKlines)
	stats, err := client.NewListPriceChangeStatsService().Symbols([]string{symbol, "BTCUSDT"}).Do(ctx)
	report("ListPriceChangeStats", err, len(stats) == 2, stats)
	prices, err := client.NewListPricesService().Do(ctx)
	report("ListPrices", err, len(prices) >= 8, prices)
	best, err := client.NewListBookTickersService().Symbol(symbol).Do(ctx)
	report("ListBookTickers", err, len(best) == 1, best)
	rolling, err := client.NewListSymbolTickerService().Symbol(symbol).WindowSize("1h").Do(ctx)
	report("ListSymbolTicker", err, len(rolling) == 1, rolling)
	day, err := client.NewTradingDayTickerService().Symbol(symbol).Do(ctx)
	report("TradingDayTicker", err, len(day) == 1, day)
	account, err := client.NewGetAccountService().OmitZeroBalances(true).Do(ctx)
	report("GetAccount", err, err == nil && account.CanTrade && len(account.Balances) > 0, account)
	rates, err := client.NewGetCommissionRatesService().Symbol(symbol).Do(ctx)
	report("GetCommissionRates", err, err == nil && rates.Symbol == symbol, rates)
	permission, err := client.NewGetAPIKeyPermission().Do(ctx)
	report("GetAPIKeyPermission", err, err == nil && permission.EnableReading, permission)
	coins, err := client.NewGetAllCoinsInfoService().Do(ctx)
	report("GetAllCoinsInfo", err, len(coins) > 0, coins)
	fees, err := client.NewTradeFeeService().Symbol(symbol).Do(ctx)
	report("TradeFee", err, len(fees) == 1, fees)
	limits, err := client.NewRateLimitService().Do(ctx)
	report("RateLimit", err, len(limits) > 0, limits)
}

// ofOrders places, replaces and cancels; the price is one that no order meets.
func ofOrders(client *binance.Client, ctx context.Context) string {
	average, err := client.NewAveragePriceService().Symbol(symbol).Do(ctx)
	report("AveragePrice", err, err == nil && average.Price != "", average)
	if err != nil {
		return "1"
	}
	middle, _ := strconv.ParseFloat(average.Price, 64)
	price := fmt.Sprintf("%.2f", middle*0.8)
	limit := func() *binance.CreateOrderService {
		return client.NewCreateOrderService().Symbol(symbol).Side(binance.SideTypeBuy).Type(binance.OrderTypeLimit).
			TimeInForce(binance.TimeInForceTypeGTC).Quantity("0.1").Price(price)
	}
	report("CreateOrder, Test", limit().Test(ctx), true, nil)
	order, err := limit().Do(ctx)
	report("CreateOrder", err, err == nil && order.Status == binance.OrderStatusTypeNew, order)
	if err != nil {
		return price
	}
	found, err := client.NewGetOrderService().Symbol(symbol).OrderID(order.OrderID).Do(ctx)
	report("GetOrder", err, err == nil && found.Price == order.Price, found)
	open, err := client.NewListOpenOrdersService().Symbol(symbol).Do(ctx)
	report("ListOpenOrders", err, len(open) > 0, open)
	replaced, err := client.NewCancelReplaceOrderService().Symbol(symbol).Side(binance.SideTypeBuy).
		Type(binance.OrderTypeLimit).TimeInForce(binance.TimeInForceTypeGTC).Quantity("0.2").Price(price).
		CancelReplaceMode(binance.CancelReplaceModeStopOnFailure).CancelOrderID(order.OrderID).Do(ctx)
	report("CancelReplaceOrder", err, err == nil && replaced.CancelResult == "SUCCESS" && replaced.NewOrderResult == "SUCCESS", replaced)
	_, err = client.NewCancelOrderService().Symbol(symbol).OrderID(order.OrderID).Do(ctx)
	refused("CancelOrder that is not open", "-2011", err)
	if replaced != nil && replaced.NewOrderResponse != nil {
		canceled, err := client.NewCancelOrderService().Symbol(symbol).OrigClientOrderID(replaced.NewOrderResponse.ClientOrderID).Do(ctx)
		report("CancelOrder", err, err == nil && canceled.Status == binance.OrderStatusTypeCanceled, canceled)
	}
	high := fmt.Sprintf("%.2f", middle*1.2)
	list, err := client.NewCreateOCOService().Symbol(symbol).Side(binance.SideTypeSell).Quantity("0.1").Price(high).
		StopPrice(price).StopLimitPrice(price).StopLimitTimeInForce(binance.TimeInForceTypeGTC).Do(ctx)
	report("CreateOCO", err, err == nil && list.ContingencyType == "OCO" && len(list.OrderReports) == 2, list)
	lists, err := client.NewListOpenOcoService().Do(ctx)
	report("ListOpenOco", err, len(lists) > 0, lists)
	if list != nil {
		ended, err := client.NewCancelOCOService().Symbol(symbol).OrderListID(list.OrderListID).Do(ctx)
		report("CancelOCO", err, err == nil && ended.ListOrderStatus == "ALL_DONE", ended)
	}
	_, err = limit().Do(ctx)
	report("CreateOrder again", err, true, nil)
	all, err := client.NewCancelOpenOrdersService().Symbol(symbol).Do(ctx)
	report("CancelOpenOrders", err, err == nil && len(all.Orders) >= 1, all)
	_, err = limit().Quantity("0.00001").Do(ctx)
	refused("CreateOrder off the lot", "LOT_SIZE", err)
	_, err = limit().Price("0.001").Do(ctx)
	refused("CreateOrder off the tick", "PRICE_FILTER", err)
	_, err = limit().Quantity("1000").Do(ctx)
	refused("CreateOrder beyond the balance", "-2010", err)
	market, err := client.NewCreateOrderService().Symbol(symbol).Side(binance.SideTypeSell).Type(binance.OrderTypeMarket).
		Quantity("0.1").NewOrderRespType(binance.NewOrderRespTypeFULL).Do(ctx)
	report("CreateOrder at the market", err, err == nil && market.Status == binance.OrderStatusTypeFilled && len(market.Fills) > 0, market)
	sum, err := client.NewCreateOrderService().Symbol(symbol).Side(binance.SideTypeBuy).Type(binance.OrderTypeMarket).
		QuoteOrderQty("100").Do(ctx)
	report("CreateOrder for a sum", err, err == nil && sum.Status == binance.OrderStatusTypeFilled, sum)
	history, err := client.NewListOrdersService().Symbol(symbol).Do(ctx)
	report("ListOrders", err, len(history) > 3, history)
	trades, err := client.NewListTradesService().Symbol(symbol).Do(ctx)
	report("ListTrades", err, len(trades) > 0, trades)
	return price
}

func overSockets(client *binance.Client, ctx context.Context, price string) {
	failed := func(error) {}
	done, tell := once()
	_, stop, err := binance.WsDepthServe100Ms(symbol, func(event *binance.WsDepthEvent) { tell(event.FirstUpdateID <= event.LastUpdateID) }, failed)
	heard("WsDepthServe100Ms", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsPartialDepthServe(symbol, "5", func(event *binance.WsPartialDepthEvent) { tell(len(event.Bids) > 0) }, failed)
	heard("WsPartialDepthServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsCombinedTradeServe([]string{symbol, "BTCUSDT"}, func(event *binance.WsCombinedTradeEvent) { tell(event.Data.Price != "") }, failed)
	heard("WsCombinedTradeServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsCombinedAggTradeServe([]string{symbol, "BTCUSDT"}, func(event *binance.WsAggTradeEvent) { tell(event.Price != "") }, failed)
	heard("WsCombinedAggTradeServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsCombinedKlineServe(map[string]string{symbol: "1m"}, func(event *binance.WsKlineEvent) { tell(event.Kline.Interval == "1m") }, failed)
	heard("WsCombinedKlineServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsMarketStatServe(symbol, func(event *binance.WsMarketStatEvent) { tell(event.Symbol == symbol) }, failed)
	heard("WsMarketStatServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsBookTickerServe(symbol, func(event *binance.WsBookTickerEvent) { tell(event.BestBidPrice != "") }, failed)
	heard("WsBookTickerServe", done, err, stop)
	done, tell = once()
	_, stop, err = binance.WsAllMiniMarketsStatServe(func(event binance.WsAllMiniMarketsStatEvent) { tell(len(event) > 0) }, failed)
	heard("WsAllMiniMarketsStatServe", done, err, stop)

	listenKey, err := client.NewStartUserStreamService().Do(ctx)
	report("StartUserStream", err, listenKey != "", listenKey)
	report("KeepaliveUserStream", client.NewKeepaliveUserStreamService().ListenKey(listenKey).Do(ctx), true, nil)
	reported := func(event *binance.WsUserDataEvent) bool {
		return event.Event == binance.UserDataEventTypeExecutionReport && event.OrderUpdate.Status == "NEW"
	}
	older, tellOlder := once()
	_, stopOlder, errOlder := binance.WsUserDataServe(listenKey, func(event *binance.WsUserDataEvent) { tellOlder(reported(event)) }, failed)
	newer, tellNewer := once()
	_, stopNewer, errNewer := binance.WsUserDataServeSignature(client.APIKey, client.SecretKey, client.KeyType, 0,
		func(event *binance.WsUserDataEvent) { tellNewer(reported(event)) }, failed)
	time.Sleep(time.Second)
	service, err := client.NewOrderCreateWsService()
	if err == nil {
		request := binance.NewOrderCreateWsRequest().Symbol(symbol).Side(binance.SideTypeBuy).Type(binance.OrderTypeLimit).
			TimeInForce(binance.TimeInForceTypeGTC).Quantity("0.1").Price(price).NewOrderRespType(binance.NewOrderRespTypeRESULT)
		answer, err := service.SyncDo("one", request)
		report("OrderCreateWs", err, err == nil && answer.Status == 200 && answer.Result.Status == binance.OrderStatusTypeNew, answer)
	} else {
		report("OrderCreateWs", err, false, nil)
	}
	heard("WsUserDataServe", older, errOlder, stopOlder)
	heard("WsUserDataServeSignature", newer, errNewer, stopNewer)
	report("CloseUserStream", client.NewCloseUserStreamService().ListenKey(listenKey).Do(ctx), true, nil)
	_, err = client.NewCancelOpenOrdersService().Symbol(symbol).Do(ctx)
	report("CancelOpenOrders at the end", err, true, nil)
}
