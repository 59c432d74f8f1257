// The page: what it shows for each state of its connection.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import { begin, leave, status } from "./link";
import { Notice } from "./parts/notice";
import { Shell } from "./shell";
import { applyTheme } from "./theme";
import { LoginView } from "./views/login";

function Page() {
  const now = status.value;
  useEffect(() => void begin(), []);
  if (now.is === "starting") return <p class="splash">Loading …</p>;
  if (now.is === "unset") return <Unset why={now.why} />;
  if (now.is === "out" || now.is === "joining") return <LoginView />;
  if (now.is === "lost" && !now.who) return <LoginView><Unreached /></LoginView>;
  return <Shell />;
}

function Unset({ why }: { why: string }) {
  return (
    <main class="splash">
      <div role="alert"><p>The page could not be set up: {why}</p></div>
      <button type="button" onClick={() => void begin()}>Try again</button>
    </main>
  );
}

function Unreached() {
  return (
    <>
      <Notice kind="wait">The router cannot be reached. Trying again …</Notice>
      <button type="button" onClick={leave}>Stop trying</button>
    </>
  );
}

applyTheme();
render(<Page />, document.getElementById("app")!);
