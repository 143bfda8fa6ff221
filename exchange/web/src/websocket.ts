// The page of /docs/websocket: the requests, answers and channels that /asyncapi.json describes.

import "./styles/websocket.css";
import { type Description, fieldsOf, type Message, nameIn } from "./model/asyncapi";

type Child = Node | string;

function element(name: string, attributes: Record<string, string>, ...children: Child[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const code = (text: string): HTMLElement => element("code", {}, text);

/** The objects that a message carries, beside its own fields: each has a table of its own. */
function tables(description: Description, message: Message): HTMLElement[] {
  const seen = new Set<string>();
  const made: HTMLElement[] = [];
  const table = (name: string, heading: boolean): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const fields = fieldsOf(description, { $ref: name });
    if (fields.length === 0) return;
    const rows = fields.map((field) =>
      element(
        "tr",
        {},
        element("td", {}, code(field.name), field.required ? "" : element("span", { class: "soft" }, " optional")),
        element("td", {}, field.kind),
        element("td", { class: "soft" }, field.what),
      ),
    );
    const head = element("tr", {}, ...["Field", "Kind", "What"].map((text) => element("th", { scope: "col" }, text)));
    const body = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    made.push(...(heading ? [element("h3", {}, name)] : []), element("div", { class: "scroll", tabindex: "0" }, body));
    const inner = JSON.stringify(description.components.schemas[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    for (const [, other] of inner) table(other!, true);
  };
  table(nameIn(message.payload.$ref ?? ""), false);
  return made;
}

function shown(description: Description, name: string, note: string): HTMLElement {
  const message = description.components.messages[name]!;
  const title = element("summary", {}, code(name), ` ${message.summary}`);
  const examples = message.examples.map(({ payload }) => element("pre", { tabindex: "0" }, JSON.stringify(payload, null, 2)));
  const answer = note === "" ? [] : [element("p", {}, note)];
  return element("details", { id: name }, title, element("div", {}, ...answer, ...examples, ...tables(description, message)));
}

function page(description: Description): Child[] {
  const { host } = location;
  const socket = description.channels["socket"]!;
  const requests = Object.entries(description.operations).filter(([, one]) => one.action === "receive");
  const asked = requests.map(([name, one]) => {
    const answers = (one.reply?.messages ?? []).map(({ $ref }) => nameIn($ref)).join(" or ");
    return shown(description, name, `Answered by ${answers}.`);
  });
  const names = new Set(requests.map(([name]) => name));
  const answered = Object.keys(socket.messages).filter((name) => !names.has(name));
  const feeds = Object.entries(description.channels).filter(([name]) => name !== "socket");
  return [
    element("h1", {}, "The WebSocket"),
    element("p", {}, description.info.description),
    element("p", {}, "Connect to ", code(`${location.protocol === "https:" ? "wss" : "ws"}://${host}${socket.address}`), "."),
    element("h2", {}, "What a client sends"),
    ...asked,
    element("h2", {}, "What it is answered"),
    ...answered.map((name) => shown(description, name, "")),
    element("h2", {}, "Channels"),
    element(
      "p",
      {},
      "SUBSCRIBE names a channel as its address says. Every event counts its channel by channel_sequence without holes.",
    ),
    ...feeds.flatMap(([, channel]) => [
      element("h3", {}, code(channel.address)),
      element("p", {}, channel.summary),
      ...Object.keys(channel.messages).map((name) => shown(description, name, "")),
    ]),
  ];
}

async function show(): Promise<void> {
  const main = document.getElementById("websocket")!;
  try {
    const reply = await fetch("/asyncapi.json");
    if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
    main.replaceChildren(...page((await reply.json()) as Description));
    const wanted = document.getElementById(location.hash.slice(1));
    if (wanted instanceof HTMLDetailsElement) {
      wanted.open = true;
      wanted.scrollIntoView();
    }
  } catch (error) {
    main.replaceChildren(element("p", {}, `/asyncapi.json cannot be read: ${(error as Error).message}`));
  }
}

void show();
