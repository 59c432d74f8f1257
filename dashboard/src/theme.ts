// Light, dark, or whatever the system has.

import { signal } from "@preact/signals";
import { recall, remember } from "./stored";

export type Theme = "system" | "light" | "dark";
const THEMES: Theme[] = ["system", "light", "dark"];

export const theme = signal<Theme>(THEMES.find((name) => name === recall("theme", "system")) ?? "system");

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = theme.value;
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  remember("theme", theme.value);
  applyTheme();
}
