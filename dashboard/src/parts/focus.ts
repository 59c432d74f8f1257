// The focus stays where it is when what is drawn anew moves what has it, and goes on to something near when that is gone.

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** Keeps the focus within an element; if what had it is gone, the element itself gets it, which must be able to, or the title. */
export function useKeptFocus(within: RefObject<HTMLElement | null>): void {
  const active = document.activeElement; // before what is drawn now is there
  const had = active instanceof HTMLElement && within.current?.contains(active) ? active : null;
  useLayoutEffect(() => {
    if (!had || document.activeElement === had) return;
    if (document.activeElement !== document.body && document.activeElement !== null) return; // somebody has moved it on
    (had.isConnected ? had : within.current ?? document.getElementById("title"))?.focus({ preventScroll: true });
  });
}
