import { render } from "preact";
import * as account from "./state/account";
import * as exchange from "./state/exchange";
import * as market from "./state/market";
import * as session from "./state/session";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/tables.css";
import "./styles/trading.css";
import "./styles/session.css";
import { App } from "./ui/App";

market.start();
account.start();
session.start();
exchange.start();
render(<App />, document.getElementById("app")!);
