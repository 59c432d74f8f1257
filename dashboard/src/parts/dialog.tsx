// A dialog over the page. The browser keeps the focus inside, and closes it by Esc; afterwards the focus is where it was, or on
// the view's title, if that is gone.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const pressedOutside = useRef(false);
  const latest = useRef(onClose);
  latest.current = onClose;
  useLayoutEffect(() => { // before anybody sees it: Esc may be pressed at once
    const dialog = element.current!;
    const before = document.activeElement;
    const closed = () => latest.current(); // by the browser, which need not ask before
    dialog.addEventListener("close", closed);
    dialog.showModal();
    return () => {
      dialog.removeEventListener("close", closed);
      dialog.close();
      const after = before instanceof HTMLElement && before !== document.body && before.isConnected ? before : document.getElementById("title");
      after?.focus();
    };
  }, []);
  // A text that is selected may end outside: only what has begun there, too, closes.
  const press = (event: PointerEvent) => (pressedOutside.current = event.target === element.current);
  const closeOutside = (event: MouseEvent) => pressedOutside.current && event.target === element.current && onClose();
  return (
    <dialog ref={element} aria-labelledby={id} onCancel={(event) => (event.preventDefault(), onClose())} onPointerDown={press} onClick={closeOutside}>
      <div class="sheet">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={onClose}>✕</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
