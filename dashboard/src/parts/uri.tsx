// A URI, and how it matches if not exactly.

import { visible } from "../pure/visible";

export function Uri({ uri, match = "exact" }: { uri: string; match?: string }) {
  return <><code>{uri === "" ? "(empty)" : visible(uri)}</code>{match !== "exact" && <> <span class="pill">{match}</span></>}</>;
}
