import { join } from "./wamp.js";

const byId = (id) => document.getElementById(id);

function say(text) {
  byId("status").textContent = text;
}

async function cast(session, dish) {
  try {
    await session.call("com.example.votes.cast", dish);
  } catch (error) {
    say(error.message);
  }
}

function row(session, dish, count) {
  const button = document.createElement("button");
  button.textContent = dish;
  button.onclick = () => cast(session, dish);
  const item = document.createElement("li");
  item.append(button, ` ${count}`);
  return item;
}

function show(session, counts) {
  const rows = Object.entries(counts).map(([dish, count]) => row(session, dish, count));
  byId("dishes").replaceChildren(...rows);
}

async function connect() {
  try {
    const session = await join(`ws://${location.host}/ws`, "realm1");
    await session.subscribe("com.example.votes.changed", (counts) => show(session, counts));
    show(session, await session.call("com.example.votes.counts"));
    say("connected");
    await session.closed;
    say("not connected; trying again …");
  } catch (error) {
    say(error.message);
  }
  setTimeout(connect, 2000);
}

connect();
