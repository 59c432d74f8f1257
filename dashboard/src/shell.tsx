// What stands round every view: the menu, the state of the connection, the shortcuts.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { leave, onOut, retryNow, settings, status } from "./link";
import { Dialog } from "./parts/dialog";
import { useKeptFocus } from "./parts/focus";
import { ThemeButton } from "./parts/theme-button";
import { visible } from "./pure/visible";
import { recall, remember } from "./stored";
import { VIEWS, type View } from "./views/all";

const shortcuts = signal(recall("shortcuts", true));
const helping = signal(false);
const menuOpen = signal(false);

const view = signal(viewOfHash());

addEventListener("hashchange", () => {
  menuOpen.value = false;
  helping.value = false;
  view.value = viewOfHash();
});

onOut(() => {
  menuOpen.value = false;
  helping.value = false;
});

function viewOfHash(): View {
  return VIEWS.find(({ path }) => location.hash === `#/${path}`) ?? VIEWS[0]!;
}

export function Shell() {
  const { path: current, title, Component } = view.value;
  useLayoutEffect(() => { // before anybody sees it: a key may be pressed at once
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    document.title = `${title} · ${settings.value.title}`;
    if (!isFirst.current) heading.current?.focus(); // it is said where one is, once it is so
    isFirst.current = false;
  }, [title]);
  const skip = (event: Event) => {
    event.preventDefault(); // the address's hash is the view
    heading.current?.focus();
  };
  const menu = useRef<HTMLButtonElement>(null);
  const closing = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !menuOpen.value) return;
    menuOpen.value = false;
    menu.current?.focus();
  };
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <header class="top" onKeyDown={closing}>
        <strong class="brand"><Mark />{settings.value.title}</strong>
        <Link />
        <ThemeButton />
        <button type="button" class="quiet" aria-label="Help and shortcuts" onClick={() => (helping.value = true)}>?</button>
        <button type="button" class="quiet menu" ref={menu} aria-expanded={menuOpen.value} aria-controls="menu" onClick={() => (menuOpen.value = !menuOpen.value)}>Menu</button>
      </header>
      <nav id="menu" class={menuOpen.value ? "open" : ""} aria-label="Views" onKeyDown={closing}>
        <ul>{VIEWS.map((each) => (
          <li key={each.path}><a href={`#/${each.path}`} aria-current={each.path === current ? "page" : undefined}>{each.title}</a></li>
        ))}</ul>
        <Who />
      </nav>
      <main id="main">
        <Lost />
        <h1 id="title" tabIndex={-1} ref={heading}>{title}</h1>
        <Component />
      </main>
      {helping.value && <Help />}
    </div>
  );
}

function Mark() {
  return <svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M5 10l5 13 6-14 6 14 5-13" /></svg>;
}

function Link() {
  const isIn = status.value.is === "in";
  return <span class={`link ${isIn ? "good" : "wait"}`} role="status">{isIn ? "connected" : "connection lost"}</span>;
}

function Lost() {
  const now = status.value;
  const [, redraw] = useState(0);
  const element = useRef<HTMLDivElement>(null);
  useKeptFocus(element);
  useEffect(() => {
    if (now.is !== "lost") return;
    const timer = setInterval(() => redraw((value) => value + 1), 500);
    return () => clearInterval(timer);
  }, [now.is]);
  if (now.is !== "lost") return null;
  const left = now.retryAt === null ? 0 : Math.max(0, Math.ceil((now.retryAt - performance.now()) / 1000));
  return (
    <div class="notice wait lost" ref={element}>
      <span>The connection to the router is lost. What is shown is old. {left ? `Next attempt in ${left} s.` : "Trying …"}</span>
      <button type="button" onClick={retryNow}>Try now</button>
    </div>
  );
}

function Who() {
  const now = status.value;
  const who = now.is === "in" || now.is === "lost" ? now.who : null;
  if (!who) return null;
  return (
    <div class="who">
      <dl>
        <dt>Realm</dt><dd>{visible(who.realm)}</dd>
        <dt>You</dt><dd>{visible(who.authid)}</dd>
        <dt>Role</dt><dd>{visible(who.authrole)}</dd>
        <dt>Session</dt><dd class="mono">{who.session}</dd>
      </dl>
      <button type="button" onClick={leave}>Log out</button>
    </div>
  );
}

function Help() {
  const change = (event: Event) => {
    shortcuts.value = (event.currentTarget as HTMLInputElement).checked;
    remember("shortcuts", shortcuts.value);
  };
  return (
    <Dialog title="Shortcuts" onClose={() => (helping.value = false)}>
      <dl class="keys">
        {VIEWS.map(({ path, title }, index) => [<dt key={path}><kbd>{index + 1}</kbd></dt>, <dd key={`${path}-`}>{title}</dd>])}
        <dt><kbd>/</kbd></dt><dd>Search, filter</dd>
        <dt><kbd>?</kbd></dt><dd>This help</dd>
        <dt><kbd>Esc</kbd></dt><dd>Close a dialog</dd>
        <dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>In the console’s URI field: what was sent before</dd>
        <dt><kbd>Ctrl</kbd>+<kbd>Enter</kbd></dt><dd>In the console: send</dd>
      </dl>
      <label class="check"><input type="checkbox" checked={shortcuts.value} onChange={change} />Single keys are shortcuts</label>
    </Dialog>
  );
}

/** The shortcuts of single keys, where nobody is writing. */
function pressed(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const writing = target.closest("input, textarea, select, dialog, [contenteditable]");
  if (!shortcuts.value || writing || event.ctrlKey || event.metaKey || event.altKey) return;
  const wanted = VIEWS[Number(event.key) - 1];
  if (wanted) location.hash = `/${wanted.path}`;
  else if (event.key === "?") helping.value = true;
  else if (event.key === "/") {
    event.preventDefault();
    document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
  }
}
