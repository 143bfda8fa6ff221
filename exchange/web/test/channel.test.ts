import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel } from "../src/api/channel";
import type { EventFrame } from "../src/api/types";

function begun(): { channel: Channel; heard: string[] } {
  const heard: string[] = [];
  const channel = new Channel("trade@X", {
    event: (frame) => heard.push(String(frame.channel_sequence)),
    gap: (reason) => heard.push(reason),
  });
  return { channel, heard };
}

const frame = (channel_sequence: number, first?: number): EventFrame => ({
  channel: "trade@X",
  sequence: 1,
  channel_sequence,
  ...(first === undefined ? {} : { first_channel_sequence: first }),
  data: {},
});

test("the state that a channel begins with has the count of SUBSCRIBED", () => {
  const { channel, heard } = begun();
  channel.greet(4);
  channel.event(frame(4));
  channel.event(frame(5));
  channel.event(frame(5));
  channel.event(frame(3));
  assert.deepEqual(heard, ["4", "5"]);
});

test("a hole is a gap, and an event that stands for several is none", () => {
  const { channel, heard } = begun();
  channel.greet(0);
  channel.event(frame(1));
  channel.event(frame(4, 2));
  channel.event(frame(6));
  assert.deepEqual(heard, ["1", "4", "lost", "6"]);
});

test("what passed while the connection was away is told, and another exchange too", () => {
  const { channel, heard } = begun();
  channel.greet(3);
  channel.greet(3);
  channel.greet(9);
  channel.greet(1);
  assert.deepEqual(heard, ["reconnected", "reset"]);
});
