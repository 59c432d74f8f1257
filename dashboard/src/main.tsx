// The page: what it shows for each state of its connection.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import { begin, status } from "./link";
import { Notice } from "./parts/notice";
import { Shell } from "./shell";
import { applyTheme } from "./theme";
import { LoginView } from "./views/login";

function Page() {
  const now = status.value;
  useEffect(() => {
    begin().catch((error: unknown) => {
      status.value = { is: "out", why: `The page could not be set up: ${String(error)}` };
    });
  }, []);
  if (now.is === "starting") return <p class="splash">Loading …</p>;
  if (now.is === "out" || now.is === "joining") return <LoginView />;
  if (now.is === "lost" && !now.who) return <LoginView><Notice kind="wait">The router cannot be reached. Trying again …</Notice></LoginView>;
  return <Shell />;
}

applyTheme();
render(<Page />, document.getElementById("app")!);
